// The arithmetic of the vector engine on whole rows: one operation a call, fp32 in and out, NaN results
// canonical.
#pragma once

#include <cstdint>

#include "isa/instruction.h"

namespace leto::isa::ops {

/// y[c] = op(a[c], b[c]) for c in [0, n); b is not read by unary operations. y may be a or b. `first_column`
/// is what column_is compares b with at c = 0.
void elementwise(VectorOp op, const float* a, const float* b, std::int64_t first_column, float* y,
                 std::int64_t n);

/// NaN if either is NaN; +0 counts as greater than -0.
float maximum(float a, float b);

/// What docs/isa.md says about an operation: its definition and its largest error against the exact result,
/// in ULP.
struct Numerics {
  std::string_view definition;
  double max_ulp;
};
Numerics numerics_of(VectorOp op);

}  // namespace leto::isa::ops
