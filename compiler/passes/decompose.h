// Lowers composite operations to elementwise operations, row reductions, matmul and movement. Intermediate
// values are fp32 whatever the operation's own type; formulas are the stable ones (softmax subtracts the
// maximum, layernorm takes the variance of centred values, cross_entropy is log of the sum minus the shifted
// score). Reductions come out over neighbouring axes, maxima over the last axis only: what the chip's engines
// do.
#pragma once

#include "compiler/passes/autodiff.h"

namespace leto::compiler {

/// After it only primitives remain.
Graph decompose(const Graph& graph);

/// Pools only: to pad, slices, maxima and sums. Runs before autodiff, so that they need no gradients of their
/// own.
Graph decompose_pools(const Graph& graph);

/// Convolutions only: to pad, slices, concat and matmul (im2col). Runs after autodiff and before types are
/// chosen, so that what is chosen for products holds for these; `gradients` then name the new graph's values.
Graph decompose_convolutions(const Graph& graph, Gradients& gradients);

}  // namespace leto::compiler
