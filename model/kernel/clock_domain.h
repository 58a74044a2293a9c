// A clock beside the PEs': what takes cycles of it, in PE cycles, the only time that the model has. Exact but
// for rounding up; what crossing between the clocks costs is part of the block's latency.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>

#include "model/kernel/divider.h"
#include "model/kernel/time.h"

namespace leto::model {

class ClockDomain {
 public:
  /// Clocks to a kilohertz.
  ClockDomain(double pe_mhz, double own_mhz)
      : pe_(static_cast<std::uint64_t>(std::llround(pe_mhz * 1000))),
        own_(static_cast<std::uint64_t>(std::llround(own_mhz * 1000))) {
    const std::uint64_t common = std::gcd(pe_, own_);
    pe_ /= common;
    own_ /= common;
  }

  Cycle cycles(Cycle own) const { return ceil_div(own * pe_, own_); }

 private:
  friend class ClockedWidth;
  std::uint64_t pe_, own_;  // cycles of each in the same time, the least whole numbers
};

/// A port of some bytes a cycle of its clock.
class ClockedWidth {
 public:
  ClockedWidth(const ClockDomain& clock, int bytes_per_cycle)
      : times_(clock.pe_), over_(clock.own_ * static_cast<std::uint64_t>(bytes_per_cycle)) {}

  /// PE cycles until `bytes` have passed.
  Cycle cycles(std::int64_t bytes) const { return over_.ceiling(static_cast<Cycle>(bytes) * times_); }

 private:
  std::uint64_t times_;
  Divider over_;
};

}  // namespace leto::model
