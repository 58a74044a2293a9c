// Counter-based random numbers: draw `counter` of stream `stream` under `seed` is a pure function of the
// three.
//
// There is no state, so a value does not depend on who draws first, on timing or on the number of PEs. Made
// of the splitmix64 finaliser applied twice under two keys; period 2^64 a stream. Statistical quality only,
// no secrecy. normal() uses IEEE arithmetic and this folder's own series, no libm: the same bits on every
// machine.
#pragma once

#include <cstdint>
#include <span>

namespace leto {

/// 64 uniform bits.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);

/// Uniform in [0, 1), a multiple of 2^-53.
double uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);

/// Uniform integer in [0, limit), limit > 0; bias below limit / 2^64.
std::uint64_t uniform_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                            std::uint64_t limit);

/// Standard normal (Box-Muller on one draw's two halves); |x| < 6.7 since each half has 32 bits.
double normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);

/// Fills `out` with mean + deviation * normal(seed, stream, first + i), rounded once to fp32.
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, double mean, double deviation,
                 std::span<float> out);
/// Fills `out` with low + (high - low) * uniform(seed, stream, first + i), rounded once to fp32.
void fill_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, double low, double high,
                  std::span<float> out);

}  // namespace leto
