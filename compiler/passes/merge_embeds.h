// The adjoint of splitting a tensor is a sum of zero-padded parts: add(embed(a), embed(b), …). Where the
// parts tile one axis exactly, that sum is a concatenation and needs no zeros and no additions.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph merge_embeds(const Graph& graph);

}  // namespace leto::compiler
