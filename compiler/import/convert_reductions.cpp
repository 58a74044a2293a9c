// Reductions.
#include <algorithm>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// No axes = all of them (unless noop_with_empty_axes).
Dims reduced_axes(Importer& m, const NodeView& node, std::size_t rank) {
  const Dims given = node.has_input(1) ? m.integers(node, 1) : node.list("axes", {});
  if (!given.empty() || node.integer("noop_with_empty_axes", 0) != 0) {
    return axes_of(node, given, rank);
  }
  return progression(0, static_cast<std::int64_t>(rank));
}

/// Reduced dims dropped unless keepdims.
ValueId without_axes(Emitter& e, const NodeView& node, ValueId y, const Dims& axes) {
  if (node.integer("keepdims", 1) != 0) {
    return y;
  }
  Dims to;
  for (std::size_t i = 0; i < e.rank(y); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i))) {
      to.push_back(e.shape(y)[i]);
    }
  }
  return e.reshape(y, to);
}

using Reduction = ValueId (*)(Emitter&, ValueId x, const Dims& axes);

ValueId sum(Emitter& e, ValueId x, const Dims& axes) {
  return e.sum(x, axes);
}
ValueId mean(Emitter& e, ValueId x, const Dims& axes) {
  return e.mean(x, axes);
}
ValueId maximum(Emitter& e, ValueId x, const Dims& axes) {
  return e.reduce(Op::reduce_max, x, axes);
}
ValueId minimum(Emitter& e, ValueId x, const Dims& axes) {
  return e.neg(e.reduce(Op::reduce_max, e.neg(x), axes));
}
ValueId multiplied(Emitter& e, ValueId x, const Dims& axes) {
  return e.reduce(Op::reduce_prod, x, axes);
}
ValueId sum_of_sizes(Emitter& e, ValueId x, const Dims& axes) {
  return e.sum(e.op(Op::abs, {x}), axes);
}
ValueId sum_of_squares(Emitter& e, ValueId x, const Dims& axes) {
  return e.sum(e.mul(x, x), axes);
}
ValueId length(Emitter& e, ValueId x, const Dims& axes) {
  return e.sqrt(sum_of_squares(e, x, axes));
}
ValueId log_of_sum(Emitter& e, ValueId x, const Dims& axes) {
  return e.log(e.sum(x, axes));
}
ValueId log_of_exponentials(Emitter& e, ValueId x, const Dims& axes) {
  const ValueId top = e.reduce(Op::reduce_max, x, axes);
  return e.add(log_of_sum(e, e.exp(e.sub(x, top)), axes), top);
}

template <Reduction kReduction>
void reduce(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims axes = reduced_axes(m, node, e.rank(x));
  e.define(0, axes.empty() ? x : without_axes(e, node, kReduction(e, x, axes), axes));
}

}  // namespace

const OperatorTable& reduction_operators() {
  static const OperatorTable kTable = {
      {"ReduceSum", 6, reduce<sum>, "reduce_sum"},
      {"ReduceMean", 6, reduce<mean>, "reduce_sum, mul"},
      {"ReduceMax", 6, reduce<maximum>, "reduce_max"},
      {"ReduceMin", 6, reduce<minimum>, "neg, reduce_max"},
      {"ReduceProd", 6, reduce<multiplied>, "reduce_prod"},
      {"ReduceL1", 6, reduce<sum_of_sizes>, "abs, reduce_sum"},
      {"ReduceL2", 6, reduce<length>, "mul, reduce_sum, sqrt"},
      {"ReduceLogSum", 6, reduce<log_of_sum>, "reduce_sum, log"},
      {"ReduceLogSumExp", 6, reduce<log_of_exponentials>, "reduce_max, sub, exp, reduce_sum, log, add"},
      {"ReduceSumSquare", 6, reduce<sum_of_squares>, "mul, reduce_sum"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
