// Arithmetic, comparisons, logic, casts: element by element.
#include <cmath>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// The second operand. Before opset 7 its first dimension could meet any `axis` of the first operand.
ValueId second(Importer& m, const NodeView& node) {
  const ValueId b = m.value(node, 1);
  if (m.opset() >= 7 || !node.has("axis")) {
    return b;
  }
  const std::size_t rank = m.shape(m.value(node, 0)).size(),
                    axis = axis_of(node, node.integer("axis", 0), rank);
  Dims to = m.shape(b);
  if (axis + to.size() > rank) {
    node.fail("the second operand does not fit at this axis");
  }
  to.resize(rank - axis, 1);
  return m.reshape(node, b, to);
}

template <Op kOp>
void binary(Importer& m, const NodeView& node) {
  const ValueId a = m.value(node, 0), b = second(m, node);
  m.define(node, 0, m.emit(node, kOp, {a, b}));
}

/// Truth values; kSwap: of (b, a).
template <Op kOp, bool kSwap = false>
void compare(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId a = m.value(node, 0), b = m.value(node, 1);
  e.define(0, e.test(kOp, {kSwap ? b : a, kSwap ? a : b}));
}

/// Sum, Max, Min of any number of operands: a chain.
template <Op kOp>
ValueId chain(Importer& m, const NodeView& node) {
  ValueId y = m.value(node, 0);
  for (std::size_t i = 1; i < node.inputs(); ++i) {
    y = m.emit(node, kOp, {y, m.value(node, i)});
  }
  return y;
}

template <Op kOp>
void variadic(Importer& m, const NodeView& node) {
  m.define(node, 0, chain<kOp>(m, node));
}

void mean(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, e.times(chain<Op::add>(m, node), 1.0 / static_cast<double>(node.inputs())));
}

/// The operand's value when it is one known number, else NaN.
double known_number(const Importer& m, const NodeView& node, std::size_t i) {
  const Tensor* t = m.known(node, i);
  return t && t->data.size() == 1 ? t->data[0] : std::nan("");
}

void power(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const double p = known_number(m, node, 1);
  const ValueId x = m.value(node, 0);
  const bool scalar = p == 0.5 || p == 1 || p == 2 || p == 3 || p == -1;
  e.define(0, p == -0.5 ? e.rsqrt(x) : e.op(Op::pow, {x, scalar ? e.scalar(p) : second(m, node)}));
}

void modulo(Importer& m, const NodeView& node) {
  const std::int64_t truncated = node.integer("fmod", 0);
  m.define(node, 0, m.emit(node, Op::mod, {m.value(node, 0), m.value(node, 1)}, {{"truncated", truncated}}));
}

// By y bits to the left is times 2^y.
void bit_shift(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId factor = e.op(Op::pow, {e.scalar(2), m.value(node, 1)});
  const bool left = node.text("direction", "") == "LEFT";
  e.define(0, e.op(left ? Op::mul : Op::div, {m.value(node, 0), factor}));
}

void exclusive_or(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, e.negated(e.test(Op::eq, {m.value(node, 0), m.value(node, 1)})));
}

void logical_not(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, e.negated(m.value(node, 0)));
}

void sign(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const DType type = e.dtype(x);
  e.define(0, e.sub(e.typed(Op::gt, type, {x, e.scalar(0)}), e.typed(Op::gt, type, {e.scalar(0), x})));
}

void is_nan(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, e.test(Op::is_nan, {m.value(node, 0)}));
}

void is_infinite(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  ValueId y = e.test(Op::is_inf, {x});
  if (node.integer("detect_negative", 1) == 0) {
    y = e.mul(y, e.test(Op::gt, {x, e.scalar(0)}));
  }
  if (node.integer("detect_positive", 1) == 0) {
    y = e.mul(y, e.test(Op::gt, {e.scalar(0), x}));
  }
  e.define(0, y);
}

void cast(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const auto to = static_cast<int>(node.integer("to", 0));
  const ValueId x = m.value(node, 0);
  const DType type = dtype_of(to, node.name());
  e.define(0, to == onnx::TensorProto::BOOL ? e.negated(e.negated(x)) : e.cast(x, type));
}

void cast_like(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  e.define(0, e.cast(m.value(node, 0), m.dtype(m.value(node, 1))));
}

void identity(Importer& m, const NodeView& node) {
  m.define(node, 0, m.value(node, 0));
}

/// Inference: the operand; the mask keeps everything.
void dropout(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const bool training = node.has_input(2) && m.required(node, 2).data.at(0) != 0;
  const double ratio = !training ? 0 : node.has_input(1) ? m.required(node, 1).data.at(0) : 0.5;
  if (ratio != 0) {
    node.refuse("training mode");
  }
  const ValueId x = m.value(node, 0);
  e.define(0, x);
  if (m.is_used(node.output(1))) {
    e.define(1, e.expand(e.numbers(DType::int8, {}, {1}), e.shape(x)));
  }
}

/// Numbers where the mask chooses them, else `otherwise`.
ValueId masked(Emitter& e, const Tensor& mask, bool where_set, double number, double otherwise, DType type) {
  std::vector<double> data;
  for (const double bit : mask.data) {
    data.push_back((bit != 0) == where_set ? number : otherwise);
  }
  return e.numbers(type, mask.type.shape, std::move(data));
}

constexpr double kMaskedOut = -1e30;  // fills at or below this survive an addition unchanged

// A known mask: x where it is set, `fill` elsewhere (or the other way round) is x * mask + fill * (1 - mask).
// For the minus infinity of attention masks (and the lowest float) adding is enough, and the product would be
// NaN.
ValueId fill_where(Emitter& e, const Tensor& mask, bool keep_set, ValueId x, double fill) {
  if (fill <= kMaskedOut) {
    return e.add(x, masked(e, mask, keep_set, 0, fill, e.dtype(x)));
  }
  const ValueId kept = e.mul(x, masked(e, mask, keep_set, 1, 0, e.dtype(x)));
  return fill == 0 ? kept : e.add(kept, masked(e, mask, keep_set, 0, fill, e.dtype(x)));
}

void where(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId yes = m.value(node, 1), no = m.value(node, 2);
  const Tensor* mask = m.known(node, 0);
  if (!mask || !is_float(e.dtype(yes)) || (m.known(yes) && m.known(no))) {
    return e.define(0, e.select(m.value(node, 0), yes, no));
  }
  const double a = known_number(m, node, 1), b = known_number(m, node, 2);
  if (!std::isnan(b)) {
    return e.define(0, fill_where(e, *mask, true, yes, b));
  }
  if (!std::isnan(a)) {
    return e.define(0, fill_where(e, *mask, false, no, a));
  }
  e.define(0, e.add(fill_where(e, *mask, true, yes, 0), fill_where(e, *mask, false, no, 0)));
}

}  // namespace

const OperatorTable& elementwise_operators() {
  static const OperatorTable kTable = {
      {"Add", 6, binary<Op::add>, "add"},
      {"Sub", 6, binary<Op::sub>, "sub"},
      {"Mul", 6, binary<Op::mul>, "mul"},
      {"Div", 6, binary<Op::div>, "div"},
      {"Pow", 6, power, "pow, rsqrt"},
      {"Mod", 10, modulo, "mod"},
      {"BitShift", 11, bit_shift, "mul or div by a power of two"},
      {"Sum", 6, variadic<Op::add>, "add"},
      {"Mean", 6, mean, "add, mul"},
      {"Max", 6, variadic<Op::max>, "max"},
      {"Min", 6, variadic<Op::min>, "min"},
      {"Equal", 7, compare<Op::eq>, "eq"},
      {"Greater", 7, compare<Op::gt>, "gt"},
      {"GreaterOrEqual", 12, compare<Op::ge>, "ge"},
      {"Less", 7, compare<Op::gt, true>, "gt"},
      {"LessOrEqual", 12, compare<Op::ge, true>, "ge"},
      {"And", 7, binary<Op::min>, "min"},
      {"Or", 7, binary<Op::max>, "max"},
      {"Xor", 7, exclusive_or, "eq"},
      {"Not", 1, logical_not, "eq"},
      {"Sqrt", 6, unary<Op::sqrt>, "sqrt"},
      {"Exp", 6, unary<Op::exp>, "exp"},
      {"Log", 6, unary<Op::log>, "log"},
      {"Erf", 9, unary<Op::erf>, "erf"},
      {"Neg", 6, unary<Op::neg>, "neg"},
      {"Abs", 6, unary<Op::abs>, "abs"},
      {"Reciprocal", 6, unary<Op::reciprocal>, "reciprocal"},
      {"Sign", 9, sign, "gt, sub"},
      {"Sin", 7, unary<Op::sin>, "sin"},
      {"Cos", 7, unary<Op::cos>, "cos"},
      {"Tan", 7, unary<Op::tan>, "tan"},
      {"Asin", 7, unary<Op::asin>, "asin"},
      {"Acos", 7, unary<Op::acos>, "acos"},
      {"Atan", 7, unary<Op::atan>, "atan"},
      {"Sinh", 9, unary<Op::sinh>, "sinh"},
      {"Cosh", 9, unary<Op::cosh>, "cosh"},
      {"Asinh", 9, unary<Op::asinh>, "asinh"},
      {"Acosh", 9, unary<Op::acosh>, "acosh"},
      {"Atanh", 9, unary<Op::atanh>, "atanh"},
      {"Floor", 6, unary<Op::floor>, "floor"},
      {"Ceil", 6, unary<Op::ceil>, "ceil"},
      {"Round", 11, unary<Op::round>, "round"},
      {"IsNaN", 9, is_nan, "is_nan"},
      {"IsInf", 10, is_infinite, "is_inf"},
      {"Cast", 6, cast, "cast; no strings"},
      {"CastLike", 15, cast_like, "cast"},
      {"Identity", 6, identity, "nothing"},
      {"Dropout", 6, dropout, "nothing; no training mode"},
      {"Where", 9, where, "a known mask: mul and add; else select"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
