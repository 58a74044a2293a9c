// Lowers composite operations to elementwise operations, row reductions, matmul and movement. Intermediate
// values are fp32 whatever the operation's own type; formulas are the stable ones (softmax subtracts the
// maximum, layernorm takes the variance of centred values, cross_entropy is log of the sum minus the shifted
// score). Reductions come out over neighbouring axes, maxima over the last axis only: what the chip's engines
// do.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

/// After it only primitives remain.
Graph decompose(const Graph& graph);

/// Convolutions and pools only: to pad, slices, concat, matmul and maxima (im2col). Runs before autodiff, so
/// that these operations need no gradients of their own.
Graph decompose_windows(const Graph& graph);

}  // namespace leto::compiler
