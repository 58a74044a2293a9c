// Operands of a matrix product that are better turned in memory before it.
#pragma once

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

struct Turned {
  bool a = false, b = false;
};

/// An operand whose k is not adjacent passes the layout engine of every PE that needs it, again for every
/// tile of the other operand. Where that engine would hold the others up (elements of 8 bits, which it turns
/// at half its rate, against a matrix engine at twice its own), one copy beforehand, shared out over all PEs,
/// is the cheaper way: by the cost model of the product, with and without.
Turned worth_turning(const MatmulKernel& kernel, const ChipConfig& chip);

/// A dense view of the shape of `view`, its last dim adjacent; what repeats still does. And the part of
/// `view` that repeats nothing.
View turned_view(StorageId storage, const View& view);
View without_repeats(View view);

}  // namespace leto::compiler
