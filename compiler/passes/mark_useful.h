// Which share of a matmul the model needs. Attention scores that a constant mask removes are computed and
// thrown away: the matmul that makes them, the one that consumes their softmax, and the gradients of both
// count only the unmasked share as useful (record key `flops`). Runs on the forward graph, before autodiff,
// which copies the attribute `useful` to the gradient matmuls.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph mark_useful(const Graph& forward);

}  // namespace leto::compiler
