// Moves transposes behind what works element by element, sums and repetition: cast(transpose(x)) becomes
// transpose(cast(x)), and two that meet become one or none. A transpose next to a matmul or another movement
// is only a view; in front of other work it would be moved element by element. An image that a convolution
// makes with its channels last so stays that way up to the next convolution.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph sink_transposes(const Graph& graph);

}  // namespace leto::compiler
