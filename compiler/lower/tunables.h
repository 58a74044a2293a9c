// A lowered program's kernels that there is something to choose for, each with its candidates.
#pragma once

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"
#include "compiler/tuning.h"

namespace leto::compiler {

/// Of matrix products, vector kernels and forward attention, in the order of execution; at most `most`
/// candidates each. What is returned refers to `lowered` and `chip`.
std::vector<Tunable> tunables(const Lowered& lowered, const ChipConfig& chip, int most);

/// The name under which a kernel is tuned; empty for one that has only one plan.
std::string tuning_name(const Lowered& lowered, const Kernel& kernel);

}  // namespace leto::compiler
