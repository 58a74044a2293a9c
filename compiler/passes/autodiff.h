// Reverse-mode differentiation on the graph.
//
// Each operation's rule appends primitive operations (phase backward, named "<op>.grad"); composites are
// differentiated in closed form from their results where those are at hand (softmax, tanh, …). Pools must be
// decomposed before (decompose_pools). Contributions to one value are added in the order
// in which the walk backwards meets them.
#pragma once

#include <map>

#include "compiler/graph.h"

namespace leto::compiler {

/// What differentiation added to the graph.
struct Gradients {
  std::map<ValueId, ValueId> of;    // value -> its gradient
  std::map<ValueId, ValueId> goal;  // every contribution and sum -> the value whose gradient it is part of
};

/// What the loss is multiplied by before it is differentiated: `factor`, and a scalar of the graph if it is
/// set.
struct LossScale {
  double factor = 1;
  ValueId scalar = -1;
};

/// Appends the gradient of the scalar `loss` with respect to `wanted` and to what lies between. A wanted
/// value that the loss does not depend on has no entry. Comparisons and integers have no gradient.
Gradients differentiate(Graph& graph, ValueId loss, const std::vector<ValueId>& wanted,
                        const LossScale& scale = {});

}  // namespace leto::compiler
