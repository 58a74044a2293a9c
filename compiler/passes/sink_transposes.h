// Moves transposes behind unary elementwise operations: cast(transpose(x)) becomes transpose(cast(x)). A
// transpose next to a matmul or another movement is only a view; in front of a cast it would be a copy
// element by element.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph sink_transposes(const Graph& graph);

}  // namespace leto::compiler
