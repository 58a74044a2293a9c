// One direction of a PE's fabric interface, as the fabric sees it: the queue of transfers, the bytes in
// flight, the port.
//
// Models: transfers go out in order, cut into fragments along their rows; at most outstanding_bytes of
// fragments are in flight; a load's requests are shaped by a leaky bucket that drains at the port's rate and
// holds bucket_bytes, so that data do not come back faster than the port takes them (a multicast's go into the
// buckets of all its members); a store's data share the port out; each transfer costs command_cycles of set-up, overlapped with the one before. A row's pieces are
// padded to 32-byte beats.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "model/kernel/time.h"

namespace leto::model {

/// Bytes in flight of a port. A fragment's end is known when its last piece is on its last leg, before it comes.
class Window {
 public:
  void open(std::int32_t bytes) { in_flight_ += bytes; }
  /// A fragment of `bytes` ends at `at`.
  void close(std::int32_t bytes, Cycle at) {
    endings_.push_back({at, bytes});
    std::ranges::push_heap(endings_, std::greater{}, &Ending::at);
  }
  /// Is there room for `bytes` more? One fragment always fits.
  bool fits(std::int64_t bytes, std::int64_t most, Cycle now) {
    while (in_flight_ > 0 && in_flight_ + bytes > most) {
      if (endings_.empty() || endings_.front().at > now) return false;
      in_flight_ -= endings_.front().bytes;
      std::ranges::pop_heap(endings_, std::greater{}, &Ending::at);
      endings_.pop_back();
    }
    return true;
  }
  /// The next end that is known.
  Cycle next_end() const { return endings_.empty() ? kNever : endings_.front().at; }

 private:
  struct Ending {
    Cycle at;
    std::int32_t bytes;
  };
  std::int64_t in_flight_ = 0;
  std::vector<Ending> endings_;  // a heap, the next one first
};

struct Port {
  int router = 0;
  std::deque<int> queue;   // streams that have not issued everything yet; the front one is issuing
  Window window;
  bool full = false;       // the front stream waits for room in the window
  Cycle next_issue = 0;    // loads: when the bucket has drained; stores: earliest cycle of the next byte out
  Cycle set_up = 0;        // when the last transfer's set-up was done
  Cycle pump_at = kNever;  // a wake-up is under way for then
};

}  // namespace leto::model
