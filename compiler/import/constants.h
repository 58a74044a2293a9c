// Folding at import: nodes whose operands are all known (shape arithmetic, masks, tables of cosines) are
// computed here, in double precision, and never reach the graph.
#pragma once

#include <optional>
#include <vector>

#include "compiler/import/tensor.h"

namespace leto::compiler::import {

/// The first result of a node on known operands (nullptr = left out), or nothing when this operation is not
/// folded. Error(bad_input) naming the node when operands do not fit; results are bounded at 2^26 elements.
std::optional<Tensor> fold(const NodeView& node, const std::vector<const Tensor*>& in);

}  // namespace leto::compiler::import
