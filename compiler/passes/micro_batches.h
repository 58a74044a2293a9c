// Gradient accumulation: a step that works through micro batches, forward and backward of one after the
// other, so that only one's activations are alive at a time.
#pragma once

#include "compiler/passes/autodiff.h"

namespace leto::compiler {

struct MicroBatched {
  Graph graph;
  Gradients gradients;
  LossScale scale;  // its scalar is that of `graph`
};

/// `one`: forward and loss of one micro batch. In the result every input holds the rows of `count` of them,
/// one after the other (in its first dim; scalars are shared), the loss is their mean, outputs are joined
/// along their first dim, and the gradients of the leaves `wanted` are those of the mean loss times `scale`,
/// whose scalar is a leaf.
MicroBatched accumulate(const Graph& one, std::int64_t count, const std::vector<ValueId>& wanted,
                        const LossScale& scale);

}  // namespace leto::compiler
