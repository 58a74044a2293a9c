// What one PE tells another outside memory. Sent at cycle t, acted on at t + 1 or later, in whatever order
// processes run.
#pragma once

#include "isa/machine.h"
#include "model/kernel/time.h"

namespace leto::model {

struct Mail {
  enum class Kind : std::uint8_t {
    semaphore,  // `count` is added to semaphore `number`
    partial,    // a partial sum arrives from direction `number`
    link_free,  // the neighbour in direction `number` has taken ours
    barrier,    // the grid's barrier opens
  } kind = Kind::semaphore;
  Cycle at = 0;
  int number = 0;
  std::int64_t count = 0;
  isa::Partials partials{};

  void state(Snapshot& s) { s(kind, at, number, count, partials); }
};

}  // namespace leto::model
