// Undoes match_attention where the chip has no room for the fused kernel, and for its gradients: products,
// softmax and movement, scores in memory.
#pragma once

#include "arch/chip_config.h"
#include "compiler/graph.h"

namespace leto::compiler {

Graph expand_attention(const Graph& graph, const ChipConfig& chip);

}  // namespace leto::compiler
