// State that a step replaces (parameters, moments): the new value is written over the old one, by the kernel
// that computes it where that is safe, else by a copy at the end.
#pragma once

#include "compiler/lower/kernel.h"

namespace leto::compiler {

void update_in_place(Lowered& lowered, const Graph& graph);

}  // namespace leto::compiler
