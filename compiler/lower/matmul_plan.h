// Tiling of a matrix product: how it is dealt to the PEs, tile sizes, what the local store holds. The
// cheapest by the cost model (matmul_cost.h) of all that fit, from the shapes and the chip alone.
#pragma once

#include <vector>

#include "arch/chip_config.h"
#include "compiler/lower/matmul_shape.h"

namespace leto::compiler {

enum class MatmulDim : std::uint8_t { batch, m, n, k };

/// Rows [m_start, m_end) of c, of every batch.
struct MatmulPart {
  std::int64_t m_start = 0, m_end = 0;
  /// What the rows and the columns of the PE grid split. PEs that need the same block of an operand get it by
  /// multicast. Along a split k partial sums go over the reduction network, from the first PE to the last.
  MatmulDim over_rows = MatmulDim::m, over_columns = MatmulDim::n;
  /// Instead of that: (batch, tile of m) units dealt to single PEs in turn, no multicast.
  bool dealt = false;
  std::int64_t batches = 1, m = 0, n = 0, k = 0;  // the largest share of a PE
  /// A tile is slots_m x slots_n accumulator slots of `held` x slot_n: while one is drained, the matrix
  /// engine works on another.
  int slots_m = 1, slots_n = 1;
  std::int64_t slot_n = 0, tile_m = 0, tile_n = 0;

  std::int64_t tiles_m() const { return (m + tile_m - 1) / tile_m; }
  std::int64_t tiles_n() const { return (n + tile_n - 1) / tile_n; }
  int slots() const { return slots_m * slots_n; }
  bool splits(MatmulDim dim) const { return !dealt && (over_rows == dim || over_columns == dim); }
  bool operator==(const MatmulPart&) const = default;
};

/// How one operand passes through the local store.
struct MatmulOperand {
  bool transpose = false;  // by the layout engine, which reads a buffer of raw tiles
  /// All of k stays in the local store while the tiles of the other operand go by: this one's tiles are the
  /// outer loop.
  bool kept = false;
  std::int64_t span = 0;  // of k in a tile of the buffer: a multiple of tile_k, or all of it
  int depth = 2;          // tiles in the buffer
  int raw_depth = 0;      // tiles of tile_k waiting to be transposed
};

struct MatmulPlan {
  /// One part, or two: what does not divide by the grid is split differently.
  std::vector<MatmulPart> parts;
  std::int64_t held = 0;    // rows that a matmul command holds
  std::int64_t tile_k = 0;  // k of a matmul command
  MatmulOperand a, b;
  int c_depth = 2;
  double cycles = 0;  // the cost model's estimate

  std::int64_t chunks(std::int64_t k) const { return (k + tile_k - 1) / tile_k; }
  /// Chunks that share a tile of an operand's buffer: the loop over k is unrolled by as many.
  std::int64_t round() const;
  /// Rows of the widest tile of a and of b.
  std::int64_t tile_m() const;
  std::int64_t tile_n() const;
};

/// Bytes of one tile of the buffer of an operand with `rows` rows, and of its raw tiles.
std::int64_t tile_bytes(const MatmulPlan& plan, const MatmulOperand& operand, std::int64_t rows,
                        std::int64_t k, int element);
std::int64_t raw_tile_bytes(const MatmulPlan& plan, std::int64_t rows, int element);

/// The `most` cheapest, the cheapest first, each with tiles or a split of its own: of plans that differ in
/// nothing but the depths of buffers only the cheapest is there. Throws Error(does_not_fit) when no tile fits
/// the local store.
std::vector<MatmulPlan> matmul_plans(const MatmulShape& shape, const ChipConfig& chip, int most);
/// The cheapest.
MatmulPlan plan_matmul(const MatmulShape& shape, const ChipConfig& chip);

}  // namespace leto::compiler
