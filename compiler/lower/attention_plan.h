// Tiling of attention's kernels: what a PE holds of the rows it owns, how wide a block of the other side is,
// and the buffers in its local store. The widest tiles with the deepest buffers that fit, from shapes and
// chip alone.
#pragma once

#include <optional>
#include <vector>

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// What a masked score is: far below any other, and finite, so that a row that sees nothing stays a number.
inline constexpr float kMaskedScore = -1e30F;

/// The kernels: forward walks blocks of k and v for rows of q; gradient blocks of q and dy for rows of k and
/// v; query blocks of dscores and k for rows of q.
enum class AttentionStage : std::uint8_t { forward, gradient, query };

struct AttentionShape {
  std::int64_t m = 0, n = 0, d = 0, e = 0;  // rows of q, rows of k, columns of q and k, columns of v
  int element = 2;                          // bytes
  bool operator==(const AttentionShape&) const = default;
};

struct LocalBuffer {
  std::int64_t bytes = 0;  // of a tile
  int depth = 0;           // 0 = scratch
};

struct AttentionPlan {
  std::int64_t held = 0;             // rows of a matmul command: a slot
  int slots = 1;                     // that a PE's rows are
  std::int64_t columns = 0;          // of a block; divides rows()
  int half = 0;                      // accumulator banks: two halves, one drained while the other is filled
  std::vector<LocalBuffer> buffers;  // by the kernel's enumeration below
  std::int64_t rows() const { return held * slots; }
};

// What a PE's local store holds in each kernel; `none` is what a product over no columns reads.
namespace attention_forward {
enum Buffer : std::uint8_t {
  q,
  k,
  v_raw,
  v,
  scores,
  shifted,
  p,
  weighted,
  sum,
  statistics,
  out,
  lse,
  mask,
  ramp,
  kCount
};
}
namespace attention_gradient {
enum Buffer : std::uint8_t {
  k,
  v,
  q_raw,
  dy_raw,
  q,
  dy,
  q_t,
  dy_t,
  lse,
  delta,
  scores,
  dp,
  shifted,
  difference,
  p,
  ds,
  ds_out,
  dk,
  dv,
  out,
  mask,
  ramp,
  none,
  kCount
};
}
namespace attention_query {
enum Buffer : std::uint8_t { ds_raw, k_raw, ds, k, out, none, kCount };
}

/// Nothing when no tile fits the chip. The query kernel has the gradient kernel's shape.
std::optional<AttentionPlan> plan_attention(AttentionStage stage, const AttentionShape& shape,
                                            const ChipConfig& chip);

/// Of the forward kernel: that one and what comes after it in the same order, at most `most`. (The gradient
/// kernel's tiles are how scores lie in memory: there is one plan.)
std::vector<AttentionPlan> attention_plans(const AttentionShape& shape, const ChipConfig& chip, int most);

/// Where the tiles of dscores[batch…, n, m] start: rows() x columns of the gradient kernel's plan lie
/// together, so that a tile moves in one piece. Row i and column j stand for the tile that begins with them.
/// Its last element ends the storage: dims are rounded up to whole tiles.
View dscores_view(StorageId storage, const Dims& shape, const AttentionPlan& gradient);
inline std::int64_t dscores_elements(const View& view) {
  return view.shape[0] * view.strides[0];
}

/// Is a gradient (attention_dk, attention_dv) made by the kernel of these scores?
bool shares_scores(const Node& gradient, const Node& dscores);
AttentionShape shape_of(const AttentionKernel& kernel);
AttentionShape gradient_shape(const Graph& graph, const Node& dscores);

/// Do all of a graph's attention operations have plans?
bool attention_fits(const Graph& graph, const ChipConfig& chip);

}  // namespace leto::compiler
