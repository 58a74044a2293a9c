#include "model/hbm/request_queue.h"

namespace leto::model {

RequestQueue::RequestQueue(int capacity, int banks, int groups)
    : requests_(static_cast<std::size_t>(capacity)), banks_(banks), groups_(groups) {
  hit_age_.fill(kYoungest);
  miss_age_.fill(kYoungest);
  for (int i = capacity; i-- > 0;) {
    request(i).younger = free_;
    free_ = static_cast<std::int16_t>(i);
  }
}

bool RequestQueue::holds(int bank, std::uint64_t burst) const {
  for (int i = line(bank).oldest; i != kNone; i = request(i).younger)
    if (request(i).burst == burst) return true;
  return false;
}

void RequestQueue::hold(int bank) {
  held_ |= bank_bit(bank);
  set_hit(bank, line(bank).hit);
}

void RequestQueue::let_go(int bank) {
  held_ &= ~bank_bit(bank);
  set_hit(bank, line(bank).hit);
}

const RequestQueue::Request& RequestQueue::take_miss(int bank) {
  const int i = line(bank).miss;
  unlink(bank, i);
  return request(i);
}

void RequestQueue::row_changed(int bank, std::uint32_t open_row) {
  std::int16_t hit = kNone, miss = kNone;
  for (std::int16_t i = line(bank).oldest; i != kNone; i = request(i).younger) {
    std::int16_t& oldest = request(i).row == open_row ? hit : miss;
    if (oldest == kNone) oldest = i;
  }
  set_hit(bank, hit);
  set_miss(bank, miss);
}

}  // namespace leto::model
