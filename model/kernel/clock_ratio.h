// Two clocks whose frequencies have a rational ratio: exact conversion of dates, in integers.
#pragma once

#include <cstdint>
#include <numeric>

#include "model/kernel/time.h"

namespace leto::model {

/// PE cycles and the ticks of another clock, both counted from 0.
class ClockRatio {
 public:
  /// `ticks` ticks last as long as `cycles` cycles.
  ClockRatio(std::uint64_t ticks, std::uint64_t cycles)
      : ticks_(ticks / std::gcd(ticks, cycles)), cycles_(cycles / std::gcd(ticks, cycles)) {}

  /// The first tick that begins at `cycle` or later.
  std::uint64_t tick_of(Cycle cycle) const { return ceiling(cycle, ticks_, cycles_); }
  /// The first cycle that begins at `tick` or later.
  Cycle cycle_of(std::uint64_t tick) const { return ceiling(tick, cycles_, ticks_); }
  /// The cycle during which `tick` begins.
  Cycle cycle_during(std::uint64_t tick) const { return scaled(tick, cycles_, 0, ticks_); }

 private:
  static std::uint64_t scaled(std::uint64_t n, std::uint64_t by, std::uint64_t plus, std::uint64_t over) {
    const auto product = static_cast<unsigned __int128>(n) * by + plus;
    if ((product >> 64) == 0) return static_cast<std::uint64_t>(product) / over;
    return static_cast<std::uint64_t>(product / over);
  }
  static std::uint64_t ceiling(std::uint64_t n, std::uint64_t by, std::uint64_t over) {
    return scaled(n, by, over - 1, over);
  }

  std::uint64_t ticks_, cycles_;
};

}  // namespace leto::model
