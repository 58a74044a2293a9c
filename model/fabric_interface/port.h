// One direction of a PE's fabric interface, as the fabric sees it: the queue of transfers, the bytes in
// flight, the port.
//
// Models: transfers go out in order, cut into fragments of several rows or a part of one; at most
// outstanding_bytes of fragments are in flight; a load's requests are shaped by a leaky bucket that drains at
// the port's rate and holds bucket_bytes, so that data do not come back faster than the port takes them (a
// multicast's go into the buckets of all its members); a store's data share the port out; each transfer costs
// command_cycles of set-up, overlapped with the one before. A row's pieces are padded to 32-byte beats.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/snapshot.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Bytes in flight of a port. A fragment's end is known when its last piece is on its last leg, before it
/// comes.
class Window {
 public:
  void open(std::int32_t bytes) { in_flight_ += bytes; }
  /// A fragment of `bytes` ends at `at`. Ends become known almost in their order.
  void close(std::int32_t bytes, Cycle at) {
    endings_.push_back({at, bytes});
    for (std::size_t i = endings_.size() - 1; i > gone_ && endings_[i - 1].at > at; --i)
      std::swap(endings_[i - 1], endings_[i]);
  }
  /// Is there room for `bytes` more? One fragment always fits.
  bool fits(std::int64_t bytes, std::int64_t most, Cycle now) {
    while (in_flight_ > 0 && in_flight_ + bytes > most) {
      if (next_end() > now) return false;
      in_flight_ -= endings_[gone_++].bytes;
    }
    if (gone_ * 2 > endings_.size()) forget();
    return true;
  }
  /// The next end that is known.
  Cycle next_end() const { return gone_ == endings_.size() ? kNever : endings_[gone_].at; }

  void state(Snapshot& s) { s(in_flight_, endings_, gone_); }

 private:
  struct Ending {
    Cycle at;
    std::int32_t bytes;
  };
  void forget() {
    endings_.erase(endings_.begin(), endings_.begin() + static_cast<std::ptrdiff_t>(gone_));
    gone_ = 0;
  }

  std::int64_t in_flight_ = 0;
  std::vector<Ending> endings_;  // ascending
  std::size_t gone_ = 0;         // the first ones are over, and counted
};

struct Port {
  int router = 0, local = 0;  // local: number in its router's cluster
  std::deque<int> queue;      // streams that have not issued everything yet; the front one is issuing
  Window window;
  bool full = false;       // the front stream waits for room in the window
  Cycle next_issue = 0;    // loads: when the bucket has drained; stores: earliest cycle of the next byte out
  Cycle set_up = 0;        // when the last transfer's set-up was done
  Cycle pump_at = kNever;  // a wake-up is under way for then

  void state(Snapshot& s) { s(queue, window, full, next_issue, set_up, pump_at); }
};

}  // namespace leto::model
