// State that a step replaces (parameters, moments): the new value is written over the old one, by the kernel
// that computes it where that is safe, else by a copy at the end.
#pragma once

#include "compiler/lower/kernel.h"

namespace leto::compiler {

void update_in_place(Lowered& lowered, const Graph& graph);

/// Kernels of the optimizer that stand between those of other phases go behind them, where nothing keeps
/// them: between layers of the backward pass they would part what is alike (repeat.h).
void updates_last(Lowered& lowered);

}  // namespace leto::compiler
