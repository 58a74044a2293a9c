// The control core: launches jobs and releases barriers of the whole grid.
//
// Models: launch_cycles before the first step, replace_cycles before each further one; a barrier is released
// barrier_cycles (at least one) after the last PE arrived. Leaves out: work queues and descriptors of the
// real one.
#pragma once

#include <functional>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/time.h"

namespace leto::model {

class ControlCore {
 public:
  explicit ControlCore(const ChipConfig& chip)
      : config_(chip.control_core), sync_(chip.sync), pes_(chip.pes()) {}

  /// Called with the cycle of release when every PE has arrived.
  std::function<void(Cycle)> on_release;

  /// First cycle of the job after one that ended at `end` (0: none before).
  Cycle launch(Cycle end) {
    const bool first = jobs_++ == 0;
    arrived_ = left_ = 0;
    return end + static_cast<Cycle>(first ? config_.launch_cycles : config_.replace_cycles);
  }
  /// A PE is at a barrier of scope all.
  void arrive(Cycle now) {
    ++arrived_;
    settle(now);
  }
  /// A PE's cores have both ended: it takes part in no further barrier.
  void leave(Cycle now) {
    ++left_;
    settle(now);
  }

  void state(Snapshot& s) { s(jobs_, arrived_, left_); }

 private:
  void settle(Cycle now) {
    if (arrived_ == 0 || arrived_ + left_ != pes_) return;
    arrived_ = 0;
    on_release(now + static_cast<Cycle>(sync_.barrier_cycles > 0 ? sync_.barrier_cycles : 1));
  }

  ControlCoreConfig config_;
  SyncConfig sync_;
  int pes_;
  int jobs_ = 0, arrived_ = 0, left_ = 0;
};

}  // namespace leto::model
