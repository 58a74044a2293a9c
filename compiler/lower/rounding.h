// Rounding up, shared by the plans and the emitters.
#pragma once

#include <cstdint>

namespace leto::compiler {

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Tiles in the local store start, and blocks of columns end, at multiples of this: every DRAM burst divides
/// it.
inline constexpr std::int64_t kTileAlignment = 64;
inline std::int64_t aligned(std::int64_t n, std::int64_t to = kTileAlignment) {
  return ceil_div(n, to) * to;
}

}  // namespace leto::compiler
