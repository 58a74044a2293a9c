#include "model/hbm/request_queue.h"

namespace leto::model {

RequestQueue::RequestQueue(int capacity, int banks)
    : requests_(static_cast<std::size_t>(capacity)), lines_(static_cast<std::size_t>(banks)) {
  for (int i = capacity; i-- > 0;) {
    request(i).younger = free_;
    free_ = static_cast<std::int16_t>(i);
  }
}

bool RequestQueue::holds(int bank, std::uint64_t burst) const {
  for (int i = at(bank).oldest; i != kNone; i = (*this)[i].younger)
    if ((*this)[i].burst == burst) return true;
  return false;
}

void RequestQueue::set_hit(int bank, std::int16_t i) {
  at(bank).hit = i;
  hits_ = i == kNone ? hits_ & ~bank_bit(bank) : hits_ | bank_bit(bank);
}

void RequestQueue::set_miss(int bank, std::int16_t i) {
  at(bank).miss = i;
  misses_ = i == kNone ? misses_ & ~bank_bit(bank) : misses_ | bank_bit(bank);
}

void RequestQueue::push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row,
                        std::uint64_t age, std::int32_t run) {
  const std::int16_t i = free_;
  Request& r = request(i);
  free_ = r.younger;
  Line& line = at(bank);
  r = {burst, age, row, run, line.youngest, kNone, static_cast<std::int16_t>(bank)};
  (line.youngest == kNone ? line.oldest : request(line.youngest).younger) = i;
  line.youngest = i;
  ++size_;
  if (row == open_row) {
    if (line.hit == kNone) set_hit(bank, i);
  } else if (line.miss == kNone) {
    set_miss(bank, i);
  }
}

void RequestQueue::unlink(int i) {
  Request& r = request(i);
  Line& line = at(r.bank);
  (r.older == kNone ? line.oldest : request(r.older).younger) = r.younger;
  (r.younger == kNone ? line.youngest : request(r.younger).older) = r.older;
  r.younger = free_;
  free_ = static_cast<std::int16_t>(i);
  --size_;
}

RequestQueue::Request RequestQueue::take_hit(int bank) {
  const int i = at(bank).hit;
  const Request taken = request(i);
  unlink(i);
  std::int16_t next = taken.younger;
  while (next != kNone && request(next).row != taken.row) next = request(next).younger;
  set_hit(bank, next);
  return taken;
}

RequestQueue::Request RequestQueue::take_miss(int bank) {
  const int i = at(bank).miss;
  const Request taken = request(i);
  unlink(i);
  return taken;
}

void RequestQueue::row_changed(int bank, std::uint32_t open_row) {
  std::int16_t hit = kNone, miss = kNone;
  for (std::int16_t i = at(bank).oldest; i != kNone; i = request(i).younger) {
    std::int16_t& oldest = request(i).row == open_row ? hit : miss;
    if (oldest == kNone) oldest = i;
  }
  set_hit(bank, hit);
  set_miss(bank, miss);
}

}  // namespace leto::model
