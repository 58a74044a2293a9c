// What exporters take apart and the compiler wants whole.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler::import {

/// Products of x, 1/2 and 1 + erf(x / sqrt 2), in any order, become one gelu: its backward phase then needs x
/// alone, and in bf16 nothing is rounded on the way. The parts stay for dead_code when something else uses
/// them.
Graph recognise(const Graph& graph);

}  // namespace leto::compiler::import
