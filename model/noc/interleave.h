// How addresses spread over memory units: block b of n units goes to unit (b + rotation(b / n)) mod n. Every
// run of n blocks still uses every unit once; the rotation is a hash, so that no stride of the usual kind
// stays on a few units.
#pragma once

#include <cstdint>

namespace leto::model {

/// Multiplicative hash (the golden ratio in 64 bits), below 2^31 so that adding a block number cannot
/// overflow.
inline constexpr std::uint64_t rotation(std::uint64_t above) {
  return above * 0x9E3779B97F4A7C15u >> 33;
}

}  // namespace leto::model
