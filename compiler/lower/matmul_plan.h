// Tiling of a matrix product: how it is dealt to the PEs, tile sizes, what the local store holds. Chosen by a
// cost model over the shapes and the chip alone.
#pragma once

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// The product with its dims in the order the plan uses: batch dims merged, m extended over batch dims that
/// share b.
struct MatmulShape {
  Place a, b, c;  // [batch…, m, k], [batch…, n, k], [batch…, m, n]; c's n is adjacent
  Dims batch;
  std::int64_t m = 0, n = 0, k = 0;
};
MatmulShape normalise(const MatmulKernel& kernel);

struct MatmulPlan {
  /// grid: m over the PE grid's rows (or columns), n over the other, both operands multicast, one batch after
  /// the other. dealt: (batch, block of m) units dealt to single PEs, no multicast.
  bool grid = true;
  bool m_on_rows = true;
  std::int64_t m_per_pe = 0, n_per_pe = 0;  // grid: a PE's share of m and n
  int halves_m = 1, halves_n = 1;  // accumulator slots of a tile, along m or along n (product at most 2)
  std::int64_t slot_n = 0;         // columns of one accumulator slot
  std::int64_t tile_m = 0, tile_n = 0, tile_k = 0;
  bool transpose_a = false, transpose_b = false;  // through the layout engine
  int depth = 2;                                  // tiles per operand buffer
  /// Panels of a in the local store: all chunks of its rows stay there while the tiles of n go by. 0: chunk
  /// by chunk.
  int panels = 0;
  double cycles = 0;  // the cost model's estimate
  std::int64_t k_chunks(std::int64_t k) const { return (k + tile_k - 1) / tile_k; }
};

/// Throws Error(does_not_fit) when no tile fits the local store.
MatmulPlan plan_matmul(const MatmulShape& shape, const ChipConfig& chip);

}  // namespace leto::compiler
