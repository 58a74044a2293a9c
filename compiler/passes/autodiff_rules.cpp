#include "compiler/passes/autodiff_rules.h"

#include <algorithm>

#include "base/errors.h"
#include "compiler/gelu.h"
#include "compiler/ops.h"
#include "compiler/passes/decompose_windows.h"

namespace leto::compiler {

ValueId Rule::sum_to(ValueId value, const Dims& shape) {
  const Dims from = b_.shape(value);
  const std::size_t extra = from.size() - shape.size();
  Dims axes;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i < extra || (shape[i - extra] == 1 && from[i] != 1)) {
      axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  return b_.reshape(axes.empty() ? value : b_.reduce(Op::reduce_sum, value, axes), shape);
}

void Rule::give(std::size_t i, ValueId gradient) {
  out_.emplace_back(x(i), sum_to(gradient, b_.shape(x(i))));
}

Contributions Rule::run() {
  switch (node_.op) {
#define LETO_RULE_smooth(name) \
  case Op::name:               \
    name();                    \
    break;
#define LETO_RULE_flat(name)
#define LETO_RULE_windows(name)
#define LETO_RULE_gradient(name)
#define OP(name, inputs, shape, type, slope, ...) LETO_RULE_##slope(name)
#include "compiler/ops.inc"
#undef OP
#undef LETO_RULE_smooth
#undef LETO_RULE_flat
#undef LETO_RULE_windows
#undef LETO_RULE_gradient
    default:
      throw Error(ExitCode::internal,
                  fmt::format("operation '{}' ({}) has no gradient rule", node_.name, name_of(node_.op)),
                  "run decompose_pools before differentiation; differentiate once");
  }
  return std::move(out_);
}

// ---- two and three operands, element by element

void Rule::add() {
  if (needs(0)) {
    give(0, dy_);
  }
  if (needs(1)) {
    give(1, dy_);
  }
}

void Rule::sub() {
  if (needs(0)) {
    give(0, dy_);
  }
  if (needs(1)) {
    give(1, negated(dy_));
  }
}

void Rule::mul() {
  if (needs(0)) {
    give(0, b_.mul(dy_, x(1)));
  }
  if (needs(1)) {
    give(1, b_.mul(dy_, x(0)));
  }
}

void Rule::div() {
  const ValueId scaled = b_.mul(dy_, inverse(x(1)));
  if (needs(0)) {
    give(0, scaled);
  }
  if (needs(1)) {
    give(1, negated(b_.mul(scaled, y())));
  }
}

// Where both are equal the first operand has the gradient.
void Rule::extremum(ValueId larger, ValueId smaller) {
  if (needs(0)) {
    give(0, b_.mul(dy_, b_.op(Op::ge, {larger, smaller})));
  }
  if (needs(1)) {
    give(1, b_.mul(dy_, b_.op(Op::gt, {smaller, larger})));
  }
}
void Rule::max() {
  extremum(x(0), x(1));
}
void Rule::min() {
  extremum(x(1), x(0));
}

// d(a - b q) with the quotient q constant almost everywhere.
void Rule::mod() {
  if (needs(0)) {
    give(0, dy_);
  }
  if (needs(1)) {
    const ValueId quotient = b_.mul(b_.sub(x(0), y()), inverse(x(1)));
    give(1, negated(b_.mul(dy_, quotient)));
  }
}

void Rule::select() {
  const ValueId zero = b_.scalar(0);
  if (needs(1)) {
    give(1, b_.op(Op::select, {x(0), dy_, zero}));
  }
  if (needs(2)) {
    give(2, b_.op(Op::select, {x(0), zero, dy_}));
  }
}

/// The slope of a ^ p without a logarithm; -1 = one.
ValueId Rule::simple_power_slope(float p) {
  if (p == 2) {
    return b_.mul(x(), 2.0);
  }
  if (p == 3) {
    return b_.mul(square(x()), 3.0);
  }
  if (p == 0.5F) {
    return b_.mul(inverse(y()), 0.5);
  }
  return p == -1 ? negated(square(y())) : -1;
}

void Rule::pow() {
  const Value& exponent = b_.graph().value(x(1));
  if (is_simple_power(exponent)) {
    const ValueId slope = simple_power_slope(exponent.data[0]);
    return give(0, slope < 0 ? dy_ : b_.mul(dy_, slope));
  }
  if (needs(0)) {
    times(b_.mul(x(1), b_.op(Op::pow, {x(0), b_.add(x(1), -1.0)})));
  }
  if (needs(1)) {
    give(1, b_.mul(dy_, b_.mul(y(), b_.unary(Op::log, x(0)))));
  }
}

// ---- one operand

void Rule::cast() {
  give(0, dy_);
}
void Rule::neg() {
  give(0, negated(dy_));
}
void Rule::relu() {
  times(b_.op(Op::gt, {y(), b_.scalar(0)}));
}
void Rule::abs() {
  times(b_.sub(b_.op(Op::gt, {x(), b_.scalar(0)}), b_.op(Op::gt, {b_.scalar(0), x()})));
}
void Rule::reciprocal() {
  times(negated(square(y())));
}
void Rule::sqrt() {
  times(b_.mul(inverse(y()), 0.5));
}
void Rule::rsqrt() {
  times(b_.mul(b_.mul(square(y()), y()), -0.5));
}
void Rule::exp() {
  times(y());
}
void Rule::log() {
  times(inverse(x()));
}
void Rule::tanh() {
  times(one_minus(square(y())));
}
void Rule::sigmoid() {
  times(b_.mul(y(), one_minus(y())));
}
void Rule::erf() {
  times(b_.mul(b_.unary(Op::exp, negated(square(x()))), kTwoOverSqrtPi));
}
void Rule::gelu() {
  times(node_.integer("tanh") != 0 ? gelu_tanh_slope() : gelu_slope());
}
// s (1 + x (1 - s)) with s = sigmoid(x).
void Rule::silu() {
  const ValueId s = b_.unary(Op::sigmoid, x());
  times(b_.mul(s, b_.add(b_.mul(x(), one_minus(s)), 1.0)));
}
void Rule::sin() {
  times(b_.unary(Op::cos, x()));
}
void Rule::cos() {
  times(negated(b_.unary(Op::sin, x())));
}
void Rule::tan() {
  times(b_.add(square(y()), 1.0));
}
void Rule::asin() {
  times(b_.unary(Op::rsqrt, one_minus(square(x()))));
}
void Rule::acos() {
  times(negated(b_.unary(Op::rsqrt, one_minus(square(x())))));
}
void Rule::atan() {
  times(inverse(b_.add(square(x()), 1.0)));
}
void Rule::sinh() {
  times(b_.unary(Op::cosh, x()));
}
void Rule::cosh() {
  times(b_.unary(Op::sinh, x()));
}
void Rule::asinh() {
  times(b_.unary(Op::rsqrt, b_.add(square(x()), 1.0)));
}
void Rule::acosh() {
  times(b_.unary(Op::rsqrt, b_.add(square(x()), -1.0)));
}
void Rule::atanh() {
  times(inverse(one_minus(square(x()))));
}

// Phi(x) + x phi(x), with Phi and phi of the standard normal distribution.
ValueId Rule::gelu_slope() {
  const ValueId area = b_.mul(b_.add(b_.unary(Op::erf, b_.mul(x(), kInvSqrt2)), 1.0), 0.5);
  const ValueId density = b_.mul(b_.unary(Op::exp, b_.mul(b_.mul(x(), x()), -0.5)), kInvSqrt2Pi);
  return b_.add(area, b_.mul(x(), density));
}

// t = tanh(k (x + c x^3)): (1 + t) / 2 + x / 2 (1 - t^2) k (1 + 3 c x^2).
ValueId Rule::gelu_tanh_slope() {
  const ValueId square = b_.mul(x(), x());
  const ValueId inner = b_.add(x(), b_.mul(b_.mul(square, x()), kGeluCubic));
  const ValueId t = b_.unary(Op::tanh, b_.mul(inner, kSqrt2OverPi));
  const ValueId bend = b_.sub(b_.scalar(1), b_.mul(t, t));
  const ValueId inner_slope = b_.mul(b_.add(b_.mul(square, 3 * kGeluCubic), 1.0), kSqrt2OverPi);
  return b_.mul(b_.add(b_.add(t, 1.0), b_.mul(b_.mul(x(), bend), inner_slope)), 0.5);
}

// ---- reductions and products
// -----------------------------------------------------------------------------------

void Rule::reduce_sum() {
  out_.emplace_back(x(), b_.expand(dy_, b_.shape(x())));
}

// Elements that tie for the maximum share its gradient.
void Rule::reduce_max() {
  const ValueId hit = b_.op(Op::eq, {x(), y()});
  const ValueId count = b_.reduce(Op::reduce_sum, hit, node_.list("axes"));
  give(0, b_.mul(hit, b_.mul(dy_, inverse(count))));
}

// The product of the other factors is that of all of them over this one.
void Rule::reduce_prod() {
  give(0, b_.mul(b_.mul(dy_, y()), inverse(x())));
}

ValueId Rule::product_of(ValueId a, ValueId b, bool trans_a, bool trans_b) {
  Builder::Attributes attributes{{"dtype", std::string(name_of(DType::fp32))}};
  if (trans_a) {
    attributes["trans_a"] = std::int64_t{1};
  }
  if (trans_b) {
    attributes["trans_b"] = std::int64_t{1};
  }
  if (node_.has(
          "useful")) {  // the share of useful products (causal attention) is that of the forward product
    attributes["useful"] = node_.number("useful");
  }
  return b_.raw(Op::matmul, {a, b}, std::move(attributes));
}

// C = op(A) op(B): dA = dC op(B)^T, dB = op(A)^T dC, each transposed when its operand was.
ValueId Rule::matmul_left(bool trans_a, bool trans_b) {
  return trans_a ? product_of(x(1), dy_, trans_b, true) : product_of(dy_, x(1), false, !trans_b);
}

ValueId Rule::matmul_right(bool trans_a, bool trans_b) {
  ValueId a = x(0), dc = dy_;
  if (b_.shape(x(1)).size() == 2 && b_.shape(a).size() > 2 &&
      !trans_a) {  // one product over all rows of the batch
    const std::int64_t k = b_.shape(a).back(), n = b_.shape(dc).back();
    a = b_.reshape(a, {elements(b_.type(a)) / k, k});
    dc = b_.reshape(dc, {elements(b_.type(dc)) / n, n});
  }
  return trans_b ? product_of(dc, a, true, trans_a) : product_of(a, dc, !trans_a, false);
}

void Rule::matmul() {
  const bool trans_a = node_.integer("trans_a") != 0, trans_b = node_.integer("trans_b") != 0;
  if (needs(0)) {
    give(0, matmul_left(trans_a, trans_b));
  }
  if (needs(1)) {
    give(1, matmul_right(trans_a, trans_b));
  }
}

// ---- movement
// --------------------------------------------------------------------------------------------------

void Rule::reshape() {
  out_.emplace_back(x(), b_.reshape(dy_, b_.shape(x())));
}
void Rule::expand() {
  give(0, dy_);
}
void Rule::gather() {
  auto attributes = padding();
  attributes["rows"] = b_.shape(x())[0];
  out_.emplace_back(x(), b_.raw(Op::scatter_add, {dy_, x(1)}, attributes));
}
void Rule::scatter_add() {
  out_.emplace_back(x(), b_.raw(Op::gather, {dy_, x(1)}, padding()));
}
// Every row of a bag gets the bag's gradient.
void Rule::embedding_bag() {
  Dims one = b_.shape(y());
  one.insert(one.end() - 1, 1);
  Dims each = one;
  each[each.size() - 2] = b_.shape(x(1)).back();
  const ValueId rows = b_.expand(b_.reshape(dy_, one), each);
  out_.emplace_back(
      x(), b_.raw(Op::scatter_add, {rows, x(1)}, {{"rows", b_.shape(x())[0]}, {"padding", std::int64_t{1}}}));
}

// Every row of a bag gets the bag's gradient times its weight, the weight their product's sum.
void Rule::weighted_bag() {
  Dims one = b_.shape(y());
  one.insert(one.end() - 1, 1);
  const ValueId gradient = b_.reshape(dy_, one);
  Dims column = b_.shape(x(1));
  column.push_back(1);
  if (needs(0))
    out_.emplace_back(x(), b_.raw(Op::scatter_add, {b_.mul(gradient, b_.reshape(x(2), column)), x(1)},
                                  {{"rows", b_.shape(x())[0]}, {"padding", std::int64_t{1}}}));
  if (!needs(2)) return;
  const ValueId rows = b_.raw(Op::gather, {x(), x(1)}, {{"padding", std::int64_t{1}}});
  give(2, b_.reshape(b_.sum_last(b_.mul(rows, gradient)), b_.shape(x(2))));
}

// What came from a chip goes back to it.
void Rule::exchange() {
  out_.emplace_back(x(), b_.raw(Op::exchange, {dy_}, node_.attributes));
}

void Rule::transpose() {
  const Dims& perm = node_.list("perm");
  Dims inverse(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) {
    inverse[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  }
  out_.emplace_back(x(), b_.transpose(dy_, inverse));
}

void Rule::slice() {
  out_.emplace_back(
      x(),
      b_.raw(Op::embed, {dy_},
             {{"shape", b_.shape(x())}, {"starts", node_.list("starts")}, {"steps", node_.list("steps")}}));
}

void Rule::embed() {
  out_.emplace_back(x(), b_.slice(dy_, node_.list("starts"), b_.shape(x()), node_.list("steps")));
}

void Rule::concat() {
  const auto axis = static_cast<std::size_t>(node_.integer("axis"));
  Dims starts(b_.shape(y()).size(), 0);
  const Dims steps(starts.size(), 1);
  for (std::size_t i = 0; i < node_.inputs.size(); ++i) {
    const Dims size = b_.shape(x(i));
    if (needs(i)) {
      out_.emplace_back(x(i), b_.slice(dy_, starts, size, steps));
    }
    starts[axis] += size[axis];
  }
}

// ---- composites
// ------------------------------------------------------------------------------------------------

void Rule::softmax() {
  const ValueId weighted = b_.sum_last(b_.mul(dy_, y()));
  give(0, b_.mul(y(), b_.sub(dy_, weighted)));
}

// dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy scale; all over the last axis.
void Rule::layernorm() {
  const RowStatistics s = row_statistics(b_, x(), node_.number("epsilon", 1e-5));
  const ValueId normal = b_.mul(s.centred, s.rstd);
  if (needs(0)) {
    const double share = 1.0 / static_cast<double>(b_.shape(x()).back());
    const ValueId g = b_.mul(dy_, x(1));
    const ValueId mean_g = b_.mul(b_.sum_last(g), share);
    const ValueId mean_product = b_.mul(b_.sum_last(b_.mul(g, normal)), share);
    give(0, b_.mul(b_.sub(b_.sub(g, mean_g), b_.mul(normal, mean_product)), s.rstd));
  }
  if (needs(1)) {
    give(1, b_.mul(dy_, normal));
  }
  if (needs(2)) {
    give(2, dy_);
  }
}

// dx = r (g - n mean(g n)) with n = x r, g = dy scale.
void Rule::rmsnorm() {
  const ValueId r = row_inverse_size(b_, x(), node_.number("epsilon", 1e-5));
  const ValueId normal = b_.mul(x(), r);
  if (needs(0)) {
    const double share = 1.0 / static_cast<double>(b_.shape(x()).back());
    const ValueId g = b_.mul(dy_, x(1));
    const ValueId mean_product = b_.mul(b_.sum_last(b_.mul(g, normal)), share);
    give(0, b_.mul(b_.sub(g, b_.mul(normal, mean_product)), r));
  }
  if (needs(1)) {
    give(1, b_.mul(dy_, normal));
  }
}

// (softmax - one-hot) dy / rows. The exponentials are those of the forward loss.
void Rule::cross_entropy() {
  const Dims shape = b_.shape(x());
  const RowExponentials e = row_exponentials(b_, x());
  const ValueId chance = b_.mul(e.exponentials, b_.unary(Op::reciprocal, e.sum));
  const ValueId error = b_.sub(chance, b_.one_hot(x(1), shape[1]));
  give(0, b_.mul(error, b_.mul(dy_, 1.0 / static_cast<double>(shape[0]))));
}

void Rule::conv() {
  if (needs(0)) {
    give(0, conv_image_gradient(b_, node_, dy_));
  }
  if (needs(1)) {
    give(1, conv_weight_gradient(b_, node_, dy_));
  }
}

void Rule::mse() {
  const double share = 2.0 / static_cast<double>(elements(b_.type(x())));
  const ValueId slope = b_.mul(b_.sub(x(0), x(1)), b_.mul(dy_, share));
  if (needs(0)) {
    give(0, slope);
  }
  if (needs(1)) {
    give(1, b_.unary(Op::neg, slope));
  }
}

// With p = e^(scale q k^T - lse) and delta = sum(dy y) a row: ds = scale p (dy v^T - delta), dq = ds k, dk =
// ds^T q, dv = p^T dy. The scores are computed once more, and once.
void Rule::attention() {
  const Builder::Attributes mask{{"scale", node_.number("scale", 1.0)}, {"causal", node_.integer("causal")}};
  const auto with = [&](Op op, std::vector<ValueId> inputs, Builder::Attributes attributes = {}) {
    attributes.insert(mask.begin(), mask.end());
    return b_.raw(op, std::move(inputs), std::move(attributes));
  };
  const Builder::Attributes fp32{{"dtype", std::string(name_of(DType::fp32))}};
  const ValueId lse = with(Op::attention_lse, {x(0), x(1)}, fp32);
  const ValueId delta = b_.sum_last(b_.mul(dy_, y()));
  const ValueId ds = with(Op::attention_dscores, {x(0), x(1), x(2), dy_, lse, delta});
  if (needs(0)) {
    give(0, with(Op::attention_dq, {ds, x(1)}));
  }
  if (needs(1)) {
    const Dims k = b_.shape(x(1));
    give(1, with(Op::attention_dk, {ds, x(0)}, {{"heads", k[k.size() - 3]}}));
  }
  if (needs(2)) {
    give(2, with(Op::attention_dv, {x(0), x(1), dy_, lse}));
  }
}

}  // namespace leto::compiler
