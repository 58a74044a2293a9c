#include <limits>

#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {

Array reduce(const Node& node, const Type& out, const Operand& x) {
  const bool sum = node.op == Op::reduce_sum;
  Array y(static_cast<std::size_t>(elements(out)), sum ? 0.0F : -std::numeric_limits<float>::infinity());
  std::vector<std::int64_t> strides = strides_of(out.shape);
  for (const std::int64_t axis : node.list("axes")) {
    strides[static_cast<std::size_t>(axis)] = 0;  // every element along the axis meets the same result
  }
  for_each(x.type.shape, strides, 0, [&](std::size_t i, std::size_t offset) {
    const float v = x.data[i];
    float& acc = y[offset];
    acc = sum ? acc + v : (v > acc || v != v ? v : acc);
  });
  return y;
}

}  // namespace leto::compiler::reference
