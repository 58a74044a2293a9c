// The inner product block of the matrix engine: acc[i][j] = fma(held[i][k], stream[k][j], acc[i][j]), k
// ascending, for up to kRows rows i and kLanes streamed vectors j. Two forms, the same bits: AVX2 with FMA,
// and portable std::fmaf.
#pragma once

#include <cstdint>

#include "base/dispatch.h"

namespace leto::isa::ops {

inline constexpr int kRows =
    4;  // rows a block computes at once: 4 x 16 accumulators fit the 16 vector registers
inline constexpr int kLanes = 16;  // streamed vectors a block computes at once

struct Block {
  const float* held;  // [rows][depth], rows held_pitch floats apart
  std::int64_t held_pitch;
  const float* stream;  // [depth][kLanes], packed
  float* accumulators;  // rows accumulator_pitch floats apart
  std::int64_t accumulator_pitch;
  int rows;            // 1 to kRows
  std::int64_t depth;  // k
};
void multiply_block(const Block& block, Path path);

}  // namespace leto::isa::ops
