// Which share of a matmul the model needs. Attention scores that a constant mask removes are computed and
// thrown away: the matmul that makes them, the one that consumes their softmax, and the gradients of both
// count only the unmasked share as useful (record key `flops`). Runs on the forward graph, before autodiff,
// which copies the attribute `useful` to the gradient matmuls.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

/// A mask adds at most this to a score that softmax is to ignore (exporters write -1e4, -1e9, -3.4e38 or
/// -inf).
inline constexpr float kMasked = -1000;

Graph mark_useful(const Graph& forward);

}  // namespace leto::compiler
