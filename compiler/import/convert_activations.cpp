// Activations: from the elementwise operations that the chip has.
#include <cmath>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

void gelu(Importer& m, const NodeView& node) {
  const std::int64_t tanh = node.text("approximate", "none") == "tanh" ? 1 : 0;
  m.define(node, 0, m.emit(node, Op::gelu, {m.value(node, 0)}, {{"tanh", tanh}}));
}

/// min(max(x, low), high); infinite bounds are left out.
ValueId clamp(Emitter& e, ValueId x, double low, double high) {
  if (std::isfinite(low)) {
    x = e.op(Op::max, {x, e.scalar(low)});
  }
  return std::isfinite(high) ? e.op(Op::min, {x, e.scalar(high)}) : x;
}

/// Clip's bound: an operand since opset 11, an attribute before.
ValueId clip_at(Importer& m, const NodeView& node, ValueId x, std::size_t i, const char* key, Op op) {
  Emitter e(m, node);
  if (!node.has_input(i) && !node.has(key)) {
    return x;
  }
  const Tensor* bound = m.known(node, i);
  if (bound && bound->data.size() == 1 && std::isinf(bound->data[0])) {
    return x;
  }
  return e.op(op, {x, node.has_input(i) ? m.value(node, i) : e.scalar(node.number(key, 0))});
}

void clip(Importer& m, const NodeView& node) {
  const ValueId above = clip_at(m, node, m.value(node, 0), 1, "min", Op::max);
  m.define(node, 0, clip_at(m, node, above, 2, "max", Op::min));
}

ValueId hard_sigmoid(Emitter& e, ValueId x, double slope, double offset) {
  return clamp(e, e.plus(e.times(x, slope), offset), 0, 1);
}

void hard_sigmoid_node(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, hard_sigmoid(e, m.value(node, 0), node.number("alpha", 0.2), node.number("beta", 0.5)));
}

void hard_swish(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  e.define(0, e.mul(x, hard_sigmoid(e, x, 1.0 / 6, 0.5)));
}

void leaky_relu(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const double slope = node.number("alpha", 0.01);
  const ValueId x = m.value(node, 0), scaled = e.times(x, slope);
  e.define(0, e.op(slope <= 1 ? Op::max : Op::min, {x, scaled}));
}

void parametric_relu(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  ValueId slope = m.value(node, 1);
  if (m.opset() < 7 && e.rank(slope) == 1 && e.rank(x) > 1) {  // before opset 7 one slope a channel
    Dims channels(e.rank(x) - 1, 1);
    channels[0] = e.shape(slope)[0];
    slope = e.reshape(slope, channels);
  }
  e.define(0, e.add(e.relu(x), e.mul(e.negative_part(x), slope)));
}

/// scale * (max(x, 0) + alpha * (e^(min(x, 0) / width) - 1)): the exponential cannot overflow.
void exponential_unit(Importer& m, const NodeView& node, double alpha, double width, double scale) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const ValueId low = e.negative_part(x);
  const ValueId bend = e.times(e.plus(e.exp(width == 1 ? low : e.times(low, 1 / width)), -1), alpha);
  const ValueId y = e.add(e.relu(x), bend);
  e.define(0, scale == 1 ? y : e.times(y, scale));
}

void elu(Importer& m, const NodeView& node) {
  exponential_unit(m, node, node.number("alpha", 1), 1, 1);
}
void celu(Importer& m, const NodeView& node) {
  const double alpha = node.number("alpha", 1);
  exponential_unit(m, node, alpha, alpha, 1);
}
void selu(Importer& m, const NodeView& node) {
  exponential_unit(m, node, node.number("alpha", 1.67326319217681884765625), 1,
                   node.number("gamma", 1.05070102214813232421875));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): the exponential cannot overflow.
void softplus(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const ValueId decay = e.exp(e.neg(e.op(Op::abs, {x})));
  const ValueId tail = e.log(e.plus(decay, 1));
  e.define(0, e.add(e.relu(x), tail));
}

void softsign(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  e.define(0, e.div(x, e.plus(e.op(Op::abs, {x}), 1)));
}

/// x where it is above the bound, else 0.
ValueId above(Emitter& e, ValueId x, double bound, double offset) {
  const ValueId truth = e.typed(Op::gt, e.dtype(x), {x, e.scalar(bound)});
  return e.mul(offset == 0 ? x : e.plus(x, offset), truth);
}

void thresholded_relu(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, above(e, m.value(node, 0), node.number("alpha", 1), 0));
}

// x - bias above lambda, x + bias below -lambda, 0 between.
void shrink(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const double bound = node.number("lambd", 0.5), bias = node.number("bias", 0);
  e.define(0, e.sub(above(e, x, bound, -bias), above(e, e.neg(x), bound, -bias)));
}

}  // namespace

const OperatorTable& activation_operators() {
  static const OperatorTable kTable = {
      {"Relu", 6, unary<Op::relu>, "relu"},
      {"Tanh", 6, unary<Op::tanh>, "tanh"},
      {"Sigmoid", 6, unary<Op::sigmoid>, "sigmoid"},
      {"Gelu", 9, gelu, "gelu"},
      {"Clip", 6, clip, "max, min"},
      {"HardSigmoid", 6, hard_sigmoid_node, "mul, add, max, min"},
      {"HardSwish", 14, hard_swish, "mul, add, max, min"},
      {"LeakyRelu", 6, leaky_relu, "mul, max"},
      {"PRelu", 6, parametric_relu, "relu, min, mul, add"},
      {"Elu", 6, elu, "relu, min, exp, add, mul"},
      {"Celu", 12, celu, "relu, min, exp, add, mul"},
      {"Selu", 6, selu, "relu, min, exp, add, mul"},
      {"Softplus", 1, softplus, "relu, abs, neg, exp, log, add"},
      {"Softsign", 1, softsign, "abs, add, div"},
      {"ThresholdedRelu", 10, thresholded_relu, "gt, mul"},
      {"Shrink", 9, shrink, "gt, mul, add, sub"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
