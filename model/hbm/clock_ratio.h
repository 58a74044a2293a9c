// Conversion between cycles of the PE clock and ticks of the DRAM, exact: cycles : ticks = num : den in whole
// numbers.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>

namespace leto::model {

class ClockRatio {
 public:
  /// The clock to kilohertz, the tick to a tenth of a picosecond.
  ClockRatio(double clock_mhz, double tick_ns) {
    constexpr std::uint64_t kPerSecond = 10'000'000'000'000;  // tenths of a picosecond
    const auto khz = static_cast<std::uint64_t>(std::llround(clock_mhz * 1000));
    const auto tick = static_cast<std::uint64_t>(std::llround(tick_ns * 10'000));
    const std::uint64_t ticks = kPerSecond / 1000, cycles = khz * tick;  // `ticks` ticks last `cycles` cycles
    const std::uint64_t common = std::gcd(ticks, cycles);
    ticks_ = ticks / common;
    cycles_ = cycles / common;
  }

  /// The first tick that starts no earlier than the cycle.
  std::uint64_t tick_of(std::uint64_t cycle) const { return scaled(cycle, ticks_, cycles_); }
  /// The first cycle that starts no earlier than the tick.
  std::uint64_t cycle_of(std::uint64_t tick) const { return scaled(tick, cycles_, ticks_); }
  /// The cycle during which the tick starts.
  std::uint64_t cycle_during(std::uint64_t tick) const {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(tick) * cycles_ / ticks_);
  }

 private:
  static std::uint64_t scaled(std::uint64_t n, std::uint64_t by, std::uint64_t over) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(n) * by + over - 1) / over);
  }

  std::uint64_t ticks_, cycles_;
};

}  // namespace leto::model
