// Tiling of a vector kernel: its iteration space merged to few dims, the tile, and what the local store
// holds.
#pragma once

#include <optional>
#include <vector>

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// A pass of zero rows (emit_vector.cpp pops operands with it) still names a scratch destination of this
/// size.
inline constexpr std::int64_t kSinkBytes = 64;

/// How an operand repeats inside a tile.
enum class Spread : std::uint8_t { full, row, column, scalar };

struct VectorPlan {
  /// Iteration space: outer dims…, planes, rows, columns (always at least three: padded with 1).
  Dims shape;
  struct Operand {
    Place place;  // view over `shape`
    Spread spread = Spread::full;
    bool invariant = false;  // the same for every tile: loaded once
    bool per_run = false;    // the same along a run of tiles: loaded once a run
    std::int64_t tile_bytes = 0;
    int depth = 2;
  };
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;  // as VectorKernel::outputs
  /// Where a step's result goes: a scratch slot, or straight to an output buffer (-1 - output).
  std::vector<int> slot_of;
  std::vector<std::int64_t> slot_bytes;
  std::int64_t tile_planes = 1, tile_rows = 1, tile_columns = 1;
  /// A row is longer than its tile: a PE goes over it block by block, and reductions accumulate, in fp32.
  bool blocked_rows = false;
  std::int64_t local_bytes = 0;  // of the local store, all buffers
  /// A PE takes tiles that follow each other along this dim of `shape`; any tiles when there is none.
  std::optional<std::size_t> run_dim;
  std::int64_t tiles() const;
  /// Tiles along dim `i` of shape.
  std::int64_t blocks(std::size_t i) const;
  std::int64_t tile_extent(std::size_t i) const;
};

/// Step by step: does it use the result of a reduction of the same kernel, directly or not?
std::vector<bool> after_reductions(const VectorKernel& kernel);

/// The best tiling, or nothing when not even one row fits and something wide needs the reduction of its whole
/// row.
std::optional<VectorPlan> plan_vector(const VectorKernel& kernel, const ChipConfig& chip);

/// That one, and others for measurements to choose from: smaller and larger tiles, more of them in the local
/// store, tiles in the order of memory. At most `most`, no two alike; they add up in the same order.
std::vector<VectorPlan> vector_plans(const VectorKernel& kernel, const ChipConfig& chip, int most);

}  // namespace leto::compiler
