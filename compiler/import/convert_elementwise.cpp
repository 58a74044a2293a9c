// Elementwise operators, casts and activations.
#include <cmath>

#include "compiler/import/importer.h"

namespace leto::compiler::import {
namespace {

template <Op kOp>
void binary(Importer& m, const NodeView& node) {
  const ValueId a = m.value(node, 0), b = m.value(node, 1);
  m.define(node, 0, m.emit(node, kOp, {a, b}));
}

template <Op kOp>
void unary(Importer& m, const NodeView& node) {
  m.define(node, 0, m.emit(node, kOp, {m.value(node, 0)}));
}

/// Sum, Max, Min of any number of operands: a chain.
template <Op kOp>
void variadic(Importer& m, const NodeView& node) {
  ValueId y = m.value(node, 0);
  for (std::size_t i = 1; i < node.inputs(); ++i) {
    y = m.emit(node, kOp, {y, m.value(node, i)});
  }
  m.define(node, 0, y);
}

void divide(Importer& m, const NodeView& node) {
  const ValueId a = m.value(node, 0);
  if (!is_float(m.dtype(a))) {
    node.refuse("integer division at run time");
  }
  m.define(node, 0, m.emit(node, Op::div, {a, m.value(node, 1)}));
}

/// The operand's value when it is one known number, else NaN.
double known_number(const Importer& m, const NodeView& node, std::size_t i) {
  const Tensor* t = m.known(node, i);
  return t && t->data.size() == 1 ? t->data[0] : std::nan("");
}

void power(Importer& m, const NodeView& node) {
  const double p = known_number(m, node, 1);
  if (p == 0.5 || p == 1 || p == 2 || p == 3 || p == -1) {
    m.define(node, 0, m.emit(node, Op::pow, {m.value(node, 0), m.scalar(p)}));
  } else if (p == -0.5) {
    m.define(node, 0, m.emit(node, Op::rsqrt, {m.value(node, 0)}));
  } else {
    node.refuse("an exponent other than -1, -0.5, 0.5, 1, 2 or 3");
  }
}

void cast(Importer& m, const NodeView& node) {
  const DType to = dtype_of(static_cast<int>(node.integer("to", 0)), node.name());
  const ValueId x = m.value(node, 0);
  m.define(node, 0,
           m.dtype(x) == to ? x : m.emit(node, Op::cast, {x}, {{"dtype", std::string(name_of(to))}}));
}

void identity(Importer& m, const NodeView& node) {
  if (node.op() == "Dropout" && m.is_used(node.output(1))) {
    node.refuse("the mask output");
  }
  m.define(node, 0, m.value(node, 0));
}

void gelu(Importer& m, const NodeView& node) {
  const std::int64_t tanh = node.text("approximate", "none") == "tanh" ? 1 : 0;
  m.define(node, 0, m.emit(node, Op::gelu, {m.value(node, 0)}, {{"tanh", tanh}}));
}

/// min(max(x, low), high); infinite bounds are left out.
ValueId clamp(Importer& m, const NodeView& node, ValueId x, double low, double high) {
  if (std::isfinite(low)) {
    x = m.emit(node, Op::max, {x, m.scalar(low)});
  }
  return std::isfinite(high) ? m.emit(node, Op::min, {x, m.scalar(high)}) : x;
}

/// Clip's bound: an operand since opset 11, an attribute before.
double clip_bound(const Importer& m, const NodeView& node, std::size_t i, const char* key, double open) {
  if (!node.has_input(i)) {
    return node.number(key, open);
  }
  const double x = known_number(m, node, i);
  if (std::isnan(x)) {
    node.refuse("a bound computed at run time");
  }
  return x;
}

void clip(Importer& m, const NodeView& node) {
  const double low = clip_bound(m, node, 1, "min", -HUGE_VAL), high = clip_bound(m, node, 2, "max", HUGE_VAL);
  m.define(node, 0, clamp(m, node, m.value(node, 0), low, high));
}

ValueId hard_sigmoid(Importer& m, const NodeView& node, ValueId x, double slope, double offset) {
  const ValueId line = m.emit(node, Op::add, {m.emit(node, Op::mul, {x, m.scalar(slope)}), m.scalar(offset)});
  return clamp(m, node, line, 0, 1);
}

void hard_sigmoid_node(Importer& m, const NodeView& node) {
  m.define(node, 0,
           hard_sigmoid(m, node, m.value(node, 0), node.number("alpha", 0.2), node.number("beta", 0.5)));
}

void hard_swish(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.emit(node, Op::mul, {x, hard_sigmoid(m, node, x, 1.0 / 6, 0.5)}));
}

void leaky_relu(Importer& m, const NodeView& node) {
  const double slope = node.number("alpha", 0.01);
  const ValueId x = m.value(node, 0), scaled = m.emit(node, Op::mul, {x, m.scalar(slope)});
  m.define(node, 0, m.emit(node, slope <= 1 ? Op::max : Op::min, {x, scaled}));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): the exponential cannot overflow.
void softplus(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const ValueId decay = m.emit(node, Op::exp, {m.emit(node, Op::neg, {m.emit(node, Op::abs, {x})})});
  const ValueId tail = m.emit(node, Op::log, {m.emit(node, Op::add, {decay, m.scalar(1)})});
  m.define(node, 0, m.emit(node, Op::add, {m.emit(node, Op::relu, {x}), tail}));
}

/// Numbers where the mask chooses them, else `otherwise`.
Tensor masked(const Tensor& mask, bool where_set, double number, double otherwise, DType type) {
  Tensor out{{type, mask.type.shape}, {}};
  for (const double bit : mask.data) {
    out.data.push_back((bit != 0) == where_set ? number : otherwise);
  }
  return out;
}

ValueId constant(Importer& m, const NodeView& node, const Tensor& t) {
  return m.graph().constant(node.name() + ".mask", t.type, std::vector<float>(t.data.begin(), t.data.end()));
}

constexpr double kMaskedOut = -1e30;  // fills at or below this survive an addition unchanged

// A known mask: x where it is set, `fill` elsewhere (or the other way round) is x * mask + fill * (1 - mask).
// For the minus infinity of attention masks (and the lowest float) adding is enough, and the product would be
// NaN.
ValueId fill_where(Importer& m, const NodeView& node, const Tensor& mask, bool keep_set, ValueId x,
                   double fill) {
  const ValueId addend = constant(m, node, masked(mask, keep_set, 0, fill, m.dtype(x)));
  if (fill <= kMaskedOut) {
    return m.emit(node, Op::add, {x, addend});
  }
  const ValueId keep = constant(m, node, masked(mask, keep_set, 1, 0, m.dtype(x)));
  const ValueId kept = m.emit(node, Op::mul, {x, keep});
  return fill == 0 ? kept : m.emit(node, Op::add, {kept, addend});
}

void where(Importer& m, const NodeView& node) {
  const Tensor* mask = m.known(node, 0);
  if (!mask) {
    node.refuse("a condition computed at run time");
  }
  const double a = known_number(m, node, 1), b = known_number(m, node, 2);
  if (!std::isnan(b)) {
    return m.define(node, 0, fill_where(m, node, *mask, true, m.value(node, 1), b));
  }
  if (!std::isnan(a)) {
    return m.define(node, 0, fill_where(m, node, *mask, false, m.value(node, 2), a));
  }
  const ValueId left = fill_where(m, node, *mask, true, m.value(node, 1), 0);
  m.define(node, 0, m.emit(node, Op::add, {left, fill_where(m, node, *mask, false, m.value(node, 2), 0)}));
}

/// Operators that only exist on known operands: reached when an operand is not.
void only_folded(Importer&, const NodeView& node) {
  node.refuse("this operator on values computed at run time");
}

}  // namespace

const ConverterTable& elementwise_converters() {
  static const ConverterTable kTable = {
      {"Add", binary<Op::add>},
      {"Sub", binary<Op::sub>},
      {"Mul", binary<Op::mul>},
      {"Div", divide},
      {"Pow", power},
      {"Sum", variadic<Op::add>},
      {"Max", variadic<Op::max>},
      {"Min", variadic<Op::min>},
      {"Sqrt", unary<Op::sqrt>},
      {"Exp", unary<Op::exp>},
      {"Log", unary<Op::log>},
      {"Tanh", unary<Op::tanh>},
      {"Erf", unary<Op::erf>},
      {"Sigmoid", unary<Op::sigmoid>},
      {"Relu", unary<Op::relu>},
      {"Neg", unary<Op::neg>},
      {"Abs", unary<Op::abs>},
      {"Reciprocal", unary<Op::reciprocal>},
      {"Gelu", gelu},
      {"Cast", cast},
      {"Identity", identity},
      {"Dropout", identity},
      {"Clip", clip},
      {"HardSigmoid", hard_sigmoid_node},
      {"HardSwish", hard_swish},
      {"LeakyRelu", leaky_relu},
      {"Softplus", softplus},
      {"Where", where},
      {"Equal", only_folded},
      {"Greater", only_folded},
      {"GreaterOrEqual", only_folded},
      {"Less", only_folded},
      {"LessOrEqual", only_folded},
      {"And", only_folded},
      {"Or", only_folded},
      {"Not", only_folded},
      {"Mod", only_folded},
      {"Sin", only_folded},
      {"Cos", only_folded},
      {"Floor", only_folded},
      {"Ceil", only_folded},
      {"Range", only_folded},
      {"Trilu", only_folded},
      {"ConstantOfShape", only_folded},
  };
  return kTable;
}

}  // namespace leto::compiler::import
