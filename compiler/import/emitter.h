// A short way for the converters to append operations on behalf of one node of the model. Every method folds
// what is known, appends at most a few operations and returns their result.
#pragma once

#include "compiler/import/importer.h"

namespace leto::compiler::import {

class Emitter {
 public:
  using Attributes = Importer::Attributes;

  Emitter(Importer& m, const NodeView& node) : m_(m), node_(node) {}

  /// A copy: what is appended moves the graph's values.
  Dims shape(ValueId x) const { return m_.shape(x); }
  std::size_t rank(ValueId x) const { return shape(x).size(); }
  DType dtype(ValueId x) const { return m_.dtype(x); }

  ValueId op(Op o, std::vector<ValueId> in, Attributes attributes = {}) {
    return m_.emit(node_, o, std::move(in), std::move(attributes));
  }
  /// With a result of this type.
  ValueId typed(Op o, DType type, std::vector<ValueId> in, Attributes attributes = {});
  ValueId scalar(double x) { return m_.scalar(x); }
  /// Known numbers of any shape.
  ValueId numbers(DType type, Dims shape, std::vector<double> data);
  ValueId integers(const Dims& list);

  ValueId add(ValueId a, ValueId b) { return op(Op::add, {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return op(Op::sub, {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return op(Op::mul, {a, b}); }
  ValueId div(ValueId a, ValueId b) { return op(Op::div, {a, b}); }
  /// With a number: names of their own, since a ValueId is a number too.
  ValueId plus(ValueId a, double b) { return add(a, scalar(b)); }
  ValueId times(ValueId a, double b) { return mul(a, scalar(b)); }
  ValueId neg(ValueId x) { return op(Op::neg, {x}); }
  ValueId exp(ValueId x) { return op(Op::exp, {x}); }
  ValueId log(ValueId x) { return op(Op::log, {x}); }
  ValueId relu(ValueId x) { return op(Op::relu, {x}); }
  ValueId sqrt(ValueId x) { return op(Op::sqrt, {x}); }
  ValueId rsqrt(ValueId x) { return op(Op::rsqrt, {x}); }
  /// min(x, 0).
  ValueId negative_part(ValueId x) { return op(Op::min, {x, scalar(0)}); }

  /// Truth values (int8) of ge, gt, eq, is_nan or is_inf.
  ValueId test(Op o, std::vector<ValueId> in) { return typed(o, DType::int8, std::move(in)); }
  ValueId negated(ValueId truth) { return test(Op::eq, {truth, scalar(0)}); }
  ValueId select(ValueId truth, ValueId a, ValueId b) { return op(Op::select, {truth, a, b}); }
  ValueId cast(ValueId x, DType to) { return dtype(x) == to ? x : typed(Op::cast, to, {x}); }

  ValueId reshape(ValueId x, const Dims& to) { return m_.reshape(node_, x, to); }
  ValueId transpose(ValueId x, const Dims& perm);
  ValueId expand(ValueId x, const Dims& to);
  /// `size` positions of an axis from `start` on, `step` apart (above 0).
  ValueId slice(ValueId x, std::size_t axis, std::int64_t start, std::int64_t size, std::int64_t step = 1);
  ValueId concat(const std::vector<ValueId>& parts, std::size_t axis);
  /// Zeros, or `value`, around x: `before` and `after` a dimension.
  ValueId pad(ValueId x, const Dims& before, const Dims& after, double value);
  /// The axis moved to the end, and back.
  ValueId axis_last(ValueId x, std::size_t axis);
  ValueId axis_back(ValueId x, std::size_t axis);
  /// Known positions of one axis, in any order: a slice where they are one.
  ValueId take(ValueId x, std::size_t axis, const Dims& positions);
  /// Rows of a table x[rows, ...] by integer indices in [0, rows), of any shape.
  ValueId rows(ValueId x, ValueId index) { return op(Op::gather, {x, index}); }
  /// Indices that may count from the end, counted from the front.
  ValueId wrapped(ValueId index, ValueId size);
  /// y[..., j, ...] = sum of weights[j][i] x[..., i, ...] along an axis; weights is known, [out, in].
  ValueId along(ValueId x, std::size_t axis, ValueId weights);

  /// Reductions keep their axes as size 1.
  ValueId reduce(Op o, ValueId x, const Dims& axes) { return op(o, {x}, {{"axes", axes}}); }
  ValueId sum(ValueId x, const Dims& axes) { return reduce(Op::reduce_sum, x, axes); }
  ValueId mean(ValueId x, const Dims& axes);
  ValueId sum_last(ValueId x) { return sum(x, {static_cast<std::int64_t>(rank(x)) - 1}); }

  void define(std::size_t output, ValueId id) { m_.define(node_, output, id); }

 private:
  Importer& m_;
  const NodeView& node_;
};

/// first, first + step, …: n of them.
Dims progression(std::int64_t first, std::int64_t n, std::int64_t step = 1);
/// Sizes [begin, end) of a shape multiplied.
std::int64_t product(const Dims& dims, std::size_t begin, std::size_t end);
inline std::int64_t product(const Dims& dims) {
  return product(dims, 0, dims.size());
}

/// An operator that is one operation of the graph on its first operand.
template <Op kOp>
void unary(Importer& m, const NodeView& node) {
  m.define(node, 0, m.emit(node, kOp, {m.value(node, 0)}));
}

}  // namespace leto::compiler::import
