// A matrix product with its dims in the order that its plan uses.
#pragma once

#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// Batch dims merged where the views allow it, m extended over batch dims that share b, a and b swapped where
/// c has m adjacent.
struct MatmulShape {
  Place a, b, c;  // [batch…, m, k], [batch…, n, k], [batch…, m, n]; c's n is adjacent
  Dims batch;
  std::int64_t m = 0, n = 0, k = 0;
  bool a_in_sram = false, b_in_sram = false, c_in_sram = false;
  std::int64_t batches() const { return product(batch); }
};
MatmulShape normalise(const MatmulKernel& kernel);
/// The same, and where the operands lie, once storages have addresses.
MatmulShape placed_shape(const Lowered& lowered, const MatmulKernel& kernel);

}  // namespace leto::compiler
