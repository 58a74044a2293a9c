// One direction of a PE's fabric interface, as the fabric sees it: the queue of transfers, the bytes in
// flight, the port.
//
// Models: transfers go out in order, cut into fragments along their rows; at most outstanding_bytes of
// fragments are in flight; a load asks for one fragment a cycle and its data share the port in, a store's
// data share the port out; each transfer costs command_cycles of set-up, overlapped with the one before. A
// row's pieces are padded to 32-byte beats.
#pragma once

#include <cstdint>
#include <deque>

#include "model/kernel/time.h"

namespace leto::model {

struct Port {
  int router = 0;
  std::deque<int> queue;       // streams that have not issued everything yet; the front one is issuing
  std::int64_t in_flight = 0;  // bytes
  Cycle next_issue = 0;        // earliest cycle of the next request (load) or of the next byte out (store)
  Cycle set_up = 0;            // when the last transfer's set-up was done
  Cycle data_free = 0;         // loads: the port in is busy until then
  Cycle pump_at = kNever;      // a wake-up is under way for then
};

}  // namespace leto::model
