// A loss scale that follows from overflows: two scalars of state, the scale and the good steps since it
// moved.
#include <cmath>
#include <limits>

#include "compiler/passes/builder.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

// What the scale stays between: powers of two whose reciprocals are fp32, too.
const double kLowest = std::ldexp(1.0, -126), kHighest = std::ldexp(1.0, 127);

/// The largest magnitude in x, a scalar; NaN if x has one.
ValueId largest(Builder& b, ValueId x) {
  const std::int64_t all = elements(b.type(x)), columns = b.shape(x).empty() ? 1 : b.shape(x).back();
  const ValueId rows = b.max_last(b.reshape(b.unary(Op::abs, x), {all / columns, columns}));
  return b.reshape(b.max_last(b.reshape(rows, {1, all / columns})), {});
}

}  // namespace

LossScale add_loss_scale(Graph& graph, const Recipe& recipe) {
  if (recipe.optimizer == Optimizer::none) {
    return {};
  }
  if (!recipe.dynamic_loss_scale) {
    return {recipe.loss_scale};
  }
  const ValueId scale = graph.add_value("loss_scale", {DType::fp32, {}}, Role::state);
  graph.value(scale).data = {static_cast<float>(recipe.loss_scale)};
  return {1, scale};
}

ValueId all_finite(Builder& b, const std::map<ValueId, ValueId>& gradients, ValueId inverse) {
  ValueId worst = -1;
  for (const auto& [parameter, gradient] : gradients) {
    const ValueId one = largest(b, gradient);
    worst = worst < 0 ? one : b.op(Op::max, {worst, one});
  }
  return b.op(Op::ge, {b.scalar(std::numeric_limits<float>::max()), b.mul(worst, inverse)});
}

StateUpdates next_loss_scale(Builder& b, ValueId scale, ValueId finite, std::int64_t period) {
  const ValueId good = b.graph().add_value("loss_scale.good_steps", {DType::fp32, {}}, Role::state);
  const ValueId now = b.mul(b.add(good, 1.0), finite);
  const ValueId full = b.op(Op::ge, {now, b.scalar(static_cast<double>(period))});
  // 1/2 after an overflow, else 1, or 2 when the period is full.
  const ValueId factor = b.add(b.mul(b.add(full, 0.5), finite), 0.5);
  const ValueId bounded = b.op(Op::max, {b.mul(scale, factor), b.scalar(kLowest)});
  return {{scale, b.op(Op::min, {bounded, b.scalar(kHighest)})},
          {good, b.mul(now, b.sub(b.scalar(1), full))}};
}

}  // namespace leto::compiler
