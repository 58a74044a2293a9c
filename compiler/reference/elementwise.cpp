#include <cmath>

#include "base/errors.h"
#include "base/math.h"
#include "compiler/ops.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {
namespace {

using Dims = std::vector<std::int64_t>;

/// Strides that walk an operand in step with `shape`, 0 where it is broadcast.
Dims broadcast_strides(const Dims& from, const Dims& shape) {
  const Dims own = strides_of(from);
  Dims out(shape.size(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t d = shape.size() - from.size() + i;
    out[d] = from[i] == 1 ? 0 : own[i];
  }
  return out;
}

/// An operand in step with the result: itself, one number for all, or a copy spread over the result's shape.
class Spread {
 public:
  Spread(const Operand& x, const Dims& shape, std::size_t n)
      : data_(x.data.data()), step_(x.data.size() == 1 ? 0 : 1) {
    if (x.data.size() == n || step_ == 0) {
      return;
    }
    copy_.resize(n);
    for_each(shape, broadcast_strides(x.type.shape, shape), 0,
             [&](std::size_t i, std::size_t offset) { copy_[i] = x.data[offset]; });
    data_ = copy_.data();
  }
  Spread(const Spread&) = delete;
  float operator[](std::size_t i) const { return data_[i * step_]; }

 private:
  Array copy_;
  const float* data_;
  std::size_t step_;
};

template <class F>
Array map(const Array& x, F f) {
  Array y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = f(x[i]);
  }
  return y;
}

template <class F>
Array zip(const Spread& a, const Spread& b, std::size_t n, F f) {
  Array y(n);
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = f(a[i], b[i]);
  }
  return y;
}

Array transcendental(MathFunction f, const Array& x) {
  Array y(x.size());
  leto::evaluate(f, x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  return y;
}

// NaN if either operand is NaN.
float larger(float x, float y) {
  return x >= y || x != x ? x : y;
}
float smaller(float x, float y) {
  return x <= y || x != x ? x : y;
}

float power(float a, float p) {
  if (p == 0.5F) {
    return std::sqrt(a);
  }
  return p == 2 ? a * a : p == 3 ? a * a * a : p == -1 ? 1 / a : a;
}

float gelu_tanh(float x) {
  const float u = 0.7978845608F * (x + 0.044715F * (x * x * x));
  return 0.5F * x * (1 + hyperbolic_tangent(u));
}

Array gelu(const Node& node, const Array& x) {
  if (node.integer("tanh") != 0) {
    return map(x, gelu_tanh);
  }
  return map(x, [](float v) { return 0.5F * v * (1 + error_function(v * 0.70710678F)); });
}

Array unary(const Node& node, const Array& x) {
  switch (node.op) {
    case Op::reciprocal:
      return map(x, [](float v) { return 1 / v; });
    case Op::sqrt:
      return map(x, [](float v) { return std::sqrt(v); });
    case Op::rsqrt:
      return map(x, [](float v) { return 1 / std::sqrt(v); });
    case Op::exp:
      return transcendental(MathFunction::exponential, x);
    case Op::log:
      return transcendental(MathFunction::logarithm, x);
    case Op::tanh:
      return transcendental(MathFunction::tanh, x);
    case Op::erf:
      return transcendental(MathFunction::erf, x);
    case Op::sigmoid:
      return transcendental(MathFunction::sigmoid, x);
    case Op::abs:
      return map(x, [](float v) { return std::fabs(v); });
    case Op::neg:
      return map(x, [](float v) { return -v; });
    case Op::relu:
      return map(x, [](float v) { return v < 0 ? 0.0F : v; });  // NaN stays NaN
    case Op::gelu:
      return gelu(node, x);
    default:
      return x;  // cast: the caller rounds
  }
}

Array binary(Op op, const Spread& a, const Spread& b, std::size_t n) {
  switch (op) {
    case Op::add:
      return zip(a, b, n, [](float x, float y) { return x + y; });
    case Op::sub:
      return zip(a, b, n, [](float x, float y) { return x - y; });
    case Op::mul:
      return zip(a, b, n, [](float x, float y) { return x * y; });
    case Op::div:
      return zip(a, b, n, [](float x, float y) { return x * (1 / y); });
    case Op::max:
      return zip(a, b, n, larger);
    case Op::min:
      return zip(a, b, n, smaller);
    case Op::ge:
      return zip(a, b, n, [](float x, float y) { return x >= y ? 1.0F : 0.0F; });
    case Op::gt:
      return zip(a, b, n, [](float x, float y) { return x > y ? 1.0F : 0.0F; });
    case Op::eq:
      return zip(a, b, n, [](float x, float y) { return x == y ? 1.0F : 0.0F; });
    default:
      return zip(a, b, n, power);
  }
}

}  // namespace

Array elementwise(const Node& node, const Type& out, const std::vector<Operand>& in) {
  if (is_unary(node.op)) {
    return unary(node, in[0].data);
  }
  const auto n = static_cast<std::size_t>(elements(out));
  return binary(node.op, Spread(in[0], out.shape, n), Spread(in[1], out.shape, n), n);
}

}  // namespace leto::compiler::reference
