// The window operations in terms of slices; decompose.h is the pass.
#pragma once

#include "compiler/passes/builder.h"

namespace leto::compiler {

/// Emits conv, max_pool or average_pool on new operands `in`; the result has type `out`.
ValueId lower_window(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out);

}  // namespace leto::compiler
