// Simulated time: PE clock cycles, counted from 0 over all steps. One SystemC time unit (its resolution, 1 ps
// by default) stands for one cycle, so SystemC's integer time is the cycle count and no clock rate is ever
// rounded.
#pragma once

#include <cstdint>
#include <systemc>

namespace leto::model {

using Cycle = std::uint64_t;
inline constexpr Cycle kNever = ~Cycle{0};

/// SystemC's time, which the chip's own (Kernel::now) may have left behind.
inline Cycle now_cycle() {
  return sc_core::sc_time_stamp().value();
}
inline sc_core::sc_time cycles(Cycle n) {
  return sc_core::sc_time::from_value(n);
}

/// ceil(a / b) for b > 0.
inline constexpr Cycle ceil_div(Cycle a, Cycle b) {
  return (a + b - 1) / b;
}

}  // namespace leto::model
