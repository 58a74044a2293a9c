#include "model/hbm/request_queue.h"

#include <utility>

namespace leto::model {

RequestQueue::RequestQueue(int capacity, int group_mask)
    : requests_(static_cast<std::size_t>(capacity)), group_mask_(group_mask) {
  for (int i = capacity; i-- > 0;) {
    request(i).behind = free_;
    free_ = static_cast<std::int16_t>(i);
  }
}

bool RequestQueue::in_line(const Line& line, std::uint64_t burst) const {
  int i = line.head;
  while (i != kNone && request(i).burst != burst) i = request(i).behind;
  return i != kNone;
}

bool RequestQueue::holds(int bank, std::uint64_t burst) const {
  return in_line(of(miss_lines_, bank), burst) || in_line(of(held_lines_, bank), burst) ||
         in_line(of(hit_lines_, bank & group_mask_), burst);
}

const RequestQueue::Request& RequestQueue::take_miss(int bank) {
  const Request& taken = take(of(miss_lines_, bank));
  renew(misses_, miss_age_, bank, of(miss_lines_, bank));
  return taken;
}

const RequestQueue::Request& RequestQueue::take_held(int bank) {
  Line& line = of(held_lines_, bank);
  const Request& taken = take(line);
  held_hits_ = with(held_hits_, bank, line.head != kNone);
  return taken;
}

// Takes those that pick() names out of the line, in order.
template <typename Pick>
RequestQueue::Line RequestQueue::split(Line& line, Pick&& pick) {
  Line picked;
  std::int16_t* link = &line.head;
  std::int16_t last = kNone;
  for (std::int16_t i = line.head; i != kNone; i = request(i).behind) {
    if (pick(request(i))) {
      *link = request(i).behind;
      append(picked, i);
    } else {
      link = &request(i).behind;
      last = i;
    }
  }
  line.tail = last;
  if (picked.head != kNone) request(picked.tail).behind = kNone;
  return picked;
}

// Both are in order of age, and so is the line that results.
void RequestQueue::merge(Line& line, Line others) {
  Line merged;
  while (line.head != kNone && others.head != kNone) {
    Line& older = request(line.head).age < request(others.head).age ? line : others;
    const std::int16_t i = older.head;
    older.head = request(i).behind;
    append(merged, i);
  }
  const Line& rest = line.head != kNone ? line : others;
  if (rest.head != kNone) {
    append(merged, rest.head);
    merged.tail = rest.tail;
  }
  line = merged;
}

void RequestQueue::opened(int bank, std::uint32_t row) {
  held_ |= bank_bit(bank);
  if ((misses_ & bank_bit(bank)) == 0) return;
  Line& line = of(held_lines_, bank);
  line = split(of(miss_lines_, bank), [&](const Request& r) {
    of(hits_, bank) = static_cast<std::int16_t>(of(hits_, bank) + (r.row == row));
    return r.row == row;
  });
  renew(misses_, miss_age_, bank, of(miss_lines_, bank));
  held_hits_ = with(held_hits_, bank, line.head != kNone);
}

void RequestQueue::let_go(int bank) {
  held_ &= ~bank_bit(bank);
  Line& line = of(held_lines_, bank);
  if (line.head == kNone) return;
  const int group = bank & group_mask_;
  held_hits_ &= ~bank_bit(bank);
  hit_groups_ |= bank_bit(group);
  merge(of(hit_lines_, group), std::exchange(line, {}));
  of(hit_age_, group) = request(of(hit_lines_, group).head).age;
}

void RequestQueue::closed(int bank) {
  if (!has_hit(bank)) return;
  Line hits = std::exchange(of(held_lines_, bank), {});
  if (!is_held(bank)) {
    const int group = bank & group_mask_;
    hits = split(of(hit_lines_, group), [&](const Request& r) { return r.bank == bank; });
    renew(hit_groups_, hit_age_, group, of(hit_lines_, group));
  }
  held_hits_ &= ~bank_bit(bank);
  of(hits_, bank) = 0;
  misses_ |= bank_bit(bank);
  merge(of(miss_lines_, bank), hits);
  renew(misses_, miss_age_, bank, of(miss_lines_, bank));
}

}  // namespace leto::model
