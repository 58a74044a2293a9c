// A clock beside the PEs': what takes cycles of it, in PE cycles, the only time that the model has. A block
// that is asked again and again keeps its own dates in fine time, so that no rounding adds up; what crossing
// between the clocks costs is part of the block's latency.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>

#include "model/kernel/divider.h"
#include "model/kernel/time.h"

namespace leto::model {

/// A date or a duration in 1/256 PE cycles.
using Fine = std::uint64_t;
inline constexpr int kFineBits = 8;
inline Fine fine(Cycle cycles) {
  return cycles << kFineBits;
}
/// The first cycle that starts no earlier.
inline Cycle cycle_from(Fine time) {
  return (time + (Fine{1} << kFineBits) - 1) >> kFineBits;
}

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
  /// To the nearest: off by 1/512 cycle at most.
  Fine fine_cycles(Cycle own) const { return (fine(own * pe_) + own_ / 2) / own_; }

 private:
  std::uint64_t pe_, own_;  // cycles of each in the same time, the least whole numbers
};

/// A port of some bytes a cycle of its clock: what passes takes whole cycles of it.
class ClockedWidth {
 public:
  ClockedWidth(const ClockDomain& clock, int bytes_per_cycle)
      : cycle_(clock.fine_cycles(1)), width_(static_cast<std::uint64_t>(bytes_per_cycle)) {}

  /// Until `bytes` have passed.
  Fine time(std::int64_t bytes) const { return width_.ceiling(static_cast<Cycle>(bytes)) * cycle_; }

 private:
  Fine cycle_;
  Divider width_;
};

}  // namespace leto::model
