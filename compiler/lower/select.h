// Select: graph of primitives -> kernels. Decides which values are views, which are fused away, and which get
// a storage; leaves addresses to place.h.
#pragma once

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// `graph` holds primitives only (passes/decompose.h). Kernels come out in execution order.
Lowered select(const Graph& graph, const ChipConfig& chip);

}  // namespace leto::compiler
