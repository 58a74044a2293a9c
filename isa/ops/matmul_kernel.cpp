#include "isa/ops/matmul_kernel.h"

#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace leto::isa::ops {
namespace {

void portable_block(const Block& b) {
  for (int i = 0; i < b.rows; ++i) {
    float* acc = b.accumulators + i * b.accumulator_pitch;
    for (std::int64_t k = 0; k < b.depth; ++k)
      for (int j = 0; j < kLanes; ++j)
        acc[j] = std::fmaf(b.held[i * b.held_pitch + k], b.stream[k * kLanes + j], acc[j]);
  }
}

#if defined(__x86_64__)
template <int Rows>
__attribute__((target("avx2,fma"))) void wide_block(const Block& b) {
  __m256 acc[Rows][2];
  for (int i = 0; i < Rows; ++i)
    for (int half = 0; half < 2; ++half)
      acc[i][half] = _mm256_loadu_ps(b.accumulators + i * b.accumulator_pitch + 8 * half);
  for (std::int64_t k = 0; k < b.depth; ++k) {
    const __m256 low = _mm256_loadu_ps(b.stream + k * kLanes);
    const __m256 high = _mm256_loadu_ps(b.stream + k * kLanes + 8);
    for (int i = 0; i < Rows; ++i) {
      const __m256 held = _mm256_broadcast_ss(b.held + i * b.held_pitch + k);
      acc[i][0] = _mm256_fmadd_ps(held, low, acc[i][0]);
      acc[i][1] = _mm256_fmadd_ps(held, high, acc[i][1]);
    }
  }
  for (int i = 0; i < Rows; ++i)
    for (int half = 0; half < 2; ++half)
      _mm256_storeu_ps(b.accumulators + i * b.accumulator_pitch + 8 * half, acc[i][half]);
}

void wide(const Block& block) {
  switch (block.rows) {
    case 1:
      return wide_block<1>(block);
    case 2:
      return wide_block<2>(block);
    case 3:
      return wide_block<3>(block);
    default:
      return wide_block<4>(block);
  }
}
#else
void wide(const Block& block) {
  portable_block(block);
}
#endif

}  // namespace

void multiply_block(const Block& block, Path path) {
  if (path == Path::wide)
    wide(block);
  else
    portable_block(block);
}

}  // namespace leto::isa::ops
