#include "compiler/import/emitter.h"

#include <algorithm>
#include <numeric>

namespace leto::compiler::import {

Dims progression(std::int64_t first, std::int64_t n, std::int64_t step) {
  Dims out;
  for (std::int64_t i = 0; i < n; ++i) {
    out.push_back(first + i * step);
  }
  return out;
}

std::int64_t product(const Dims& dims, std::size_t begin, std::size_t end) {
  return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(begin),
                         dims.begin() + static_cast<std::ptrdiff_t>(end), std::int64_t{1},
                         std::multiplies<>());
}

ValueId Emitter::typed(Op o, DType type, std::vector<ValueId> in, Attributes attributes) {
  attributes["dtype"] = std::string(name_of(type));
  return op(o, std::move(in), std::move(attributes));
}

ValueId Emitter::numbers(DType type, Dims shape, std::vector<double> data) {
  return m_.constant(node_.name(), {{type, std::move(shape)}, std::move(data)});
}

ValueId Emitter::integers(const Dims& list) {
  return numbers(DType::int64, {static_cast<std::int64_t>(list.size())}, {list.begin(), list.end()});
}

ValueId Emitter::transpose(ValueId x, const Dims& perm) {
  return std::is_sorted(perm.begin(), perm.end()) ? x : op(Op::transpose, {x}, {{"perm", perm}});
}

ValueId Emitter::expand(ValueId x, const Dims& to) {
  return shape(x) == to ? x : op(Op::expand, {x}, {{"shape", to}});
}

ValueId Emitter::slice(ValueId x, std::size_t axis, std::int64_t start, std::int64_t size,
                       std::int64_t step) {
  Dims starts(rank(x), 0), sizes = shape(x), steps(rank(x), 1);
  if (start == 0 && size == sizes[axis]) {
    return x;
  }
  starts[axis] = start;
  sizes[axis] = size;
  steps[axis] = step;
  return op(Op::slice, {x}, {{"starts", starts}, {"sizes", sizes}, {"steps", steps}});
}

ValueId Emitter::concat(const std::vector<ValueId>& parts, std::size_t axis) {
  return parts.size() == 1 ? parts[0] : op(Op::concat, parts, {{"axis", static_cast<std::int64_t>(axis)}});
}

ValueId Emitter::pad(ValueId x, const Dims& before, const Dims& after, double value) {
  Dims to = shape(x);
  for (std::size_t d = 0; d < to.size(); ++d) {
    to[d] += before[d] + after[d];
  }
  if (to == shape(x)) {
    return x;
  }
  return op(Op::embed, {x},
            {{"shape", to}, {"starts", before}, {"steps", Dims(to.size(), 1)}, {"value", value}});
}

ValueId Emitter::axis_last(ValueId x, std::size_t axis) {
  Dims perm = progression(0, static_cast<std::int64_t>(rank(x)));
  std::rotate(perm.begin() + static_cast<std::ptrdiff_t>(axis),
              perm.begin() + static_cast<std::ptrdiff_t>(axis) + 1, perm.end());
  return transpose(x, perm);
}

ValueId Emitter::axis_back(ValueId x, std::size_t axis) {
  Dims perm = progression(0, static_cast<std::int64_t>(rank(x)));
  std::rotate(perm.begin() + static_cast<std::ptrdiff_t>(axis), perm.end() - 1, perm.end());
  return transpose(x, perm);
}

ValueId Emitter::take(ValueId x, std::size_t axis, const Dims& positions) {
  const auto n = static_cast<std::int64_t>(positions.size());
  const std::int64_t step = n > 1 ? positions[1] - positions[0] : 1;
  if (n > 0 && step > 0 && positions == progression(positions[0], n, step)) {
    return slice(x, axis, positions[0], n, step);
  }
  Dims perm = progression(0, static_cast<std::int64_t>(rank(x)));
  std::swap(perm[0], perm[axis]);
  return transpose(rows(transpose(x, perm), integers(positions)), perm);
}

ValueId Emitter::wrapped(ValueId index, ValueId size) {
  const ValueId below = typed(Op::gt, dtype(index), {scalar(0), index});
  return add(index, mul(below, size));
}

ValueId Emitter::along(ValueId x, std::size_t axis, ValueId weights) {
  const ValueId rows_last = axis_last(x, axis);
  Dims to = shape(rows_last);
  const ValueId flat = reshape(rows_last, {product(to, 0, to.size() - 1), to.back()});
  const ValueId y = op(Op::matmul, {flat, weights}, {{"trans_b", std::int64_t{1}}});
  to.back() = shape(weights)[0];
  return axis_back(reshape(y, to), axis);
}

ValueId Emitter::mean(ValueId x, const Dims& axes) {
  std::int64_t n = 1;
  for (const std::int64_t axis : axes) {
    n *= shape(x)[static_cast<std::size_t>(axis)];
  }
  // The sum stays fp32 until it is divided: a sum of bf16 numbers need not fit bf16.
  const ValueId total = typed(Op::reduce_sum, DType::fp32, {x}, {{"axes", axes}});
  return typed(Op::mul, dtype(x), {total, scalar(1.0 / static_cast<double>(n))});
}

}  // namespace leto::compiler::import
