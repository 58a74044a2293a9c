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
  for (int i = at(bank).oldest; i != kNone; i = request(i).younger)
    if (request(i).burst == burst) return true;
  return false;
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
