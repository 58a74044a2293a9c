// The window operations, and the gradients of a convolution, in terms of slices and products; decompose.h is
// the pass.
#pragma once

#include "compiler/passes/builder.h"

namespace leto::compiler {

/// Emits conv, max_pool or average_pool on new operands `in`; the result has type `out`.
ValueId lower_window(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out);

/// The gradients of a conv with respect to its image and its weights, from that of its result.
ValueId conv_image_gradient(Builder& b, const Node& node, ValueId dy);
ValueId conv_weight_gradient(Builder& b, const Node& node, ValueId dy);

}  // namespace leto::compiler
