// Elementwise operations. Included by compute.cpp alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/math.h"
#include "compiler/gelu.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference::kernel {

using Dims = std::vector<std::int64_t>;

/// An operand in step with the result: itself, one number for all, or a copy spread over the result's shape.
template <class T>
class Spread {
 public:
  Spread(const Call<T>& c, std::size_t operand)
      : data_(c.x(operand).data()), step_(c.x(operand).size() == 1 ? 0 : 1) {
    const Array<T>& x = c.x(operand);
    if (x.size() == c.size() || step_ == 0) {
      return;
    }
    copy_.resize(c.size());
    for_each(c.out.shape, broadcast_strides(c.shape(operand), c.out.shape), 0,
             [&](std::size_t i, std::size_t offset) { copy_[i] = x[offset]; });
    data_ = copy_.data();
  }
  Spread(const Spread&) = delete;
  T operator[](std::size_t i) const { return data_[i * step_]; }

 private:
  Array<T> copy_;
  const T* data_;
  std::size_t step_;
};

template <class T, class F>
Array<T> map(const Call<T>& c, F f) {
  const Array<T>& x = c.x();
  Array<T> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = f(x[i]);
  }
  return y;
}

template <class T, class F>
Array<T> zip(const Call<T>& c, F f) {
  const Spread<T> a(c, 0), b(c, 1);
  Array<T> y(c.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = f(a[i], b[i]);
  }
  return y;
}

// ---- the transcendental functions: the chip's in fp32, the C library's in fp64

inline float e_to(float x) {
  return exponential(x);
}
inline double e_to(double x) {
  return std::exp(x);
}
inline float log_of(float x) {
  return logarithm(x);
}
inline double log_of(double x) {
  return std::log(x);
}
inline float tanh_of(float x) {
  return hyperbolic_tangent(x);
}
inline double tanh_of(double x) {
  return std::tanh(x);
}
inline float erf_of(float x) {
  return error_function(x);
}
inline double erf_of(double x) {
  return std::erf(x);
}

inline Array<float> transcendental(MathFunction f, const Array<float>& x, double (*)(double)) {
  Array<float> y(x.size());
  leto::evaluate(f, x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  return y;
}
inline Array<double> transcendental(MathFunction, const Array<double>& x, double (*exact)(double)) {
  Array<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = exact(x[i]);
  }
  return y;
}

template <class T>
Array<T> exp(const Call<T>& c) {
  return transcendental(MathFunction::exponential, c.x(), std::exp);
}
template <class T>
Array<T> log(const Call<T>& c) {
  return transcendental(MathFunction::logarithm, c.x(), std::log);
}
template <class T>
Array<T> tanh(const Call<T>& c) {
  return transcendental(MathFunction::tanh, c.x(), std::tanh);
}
template <class T>
Array<T> erf(const Call<T>& c) {
  return transcendental(MathFunction::erf, c.x(), std::erf);
}
template <class T>
Array<T> sigmoid(const Call<T>& c) {
  return transcendental(MathFunction::sigmoid, c.x(), [](double x) { return 1 / (1 + std::exp(-x)); });
}

// ---- one operand

/// An operation that is one expression of x.
#define LETO_UNARY(name, expression)                    \
  template <class T>                                    \
  Array<T> name(const Call<T>& c) {                     \
    return map(c, [](T x) -> T { return expression; }); \
  }
LETO_UNARY(reciprocal, 1 / x)
LETO_UNARY(sqrt, std::sqrt(x))
LETO_UNARY(rsqrt, 1 / std::sqrt(x))
LETO_UNARY(abs, std::fabs(x))
LETO_UNARY(neg, -x)
LETO_UNARY(relu, x < 0 ? T(0) : x)  // NaN stays NaN
LETO_UNARY(sin, std::sin(x))
LETO_UNARY(cos, std::cos(x))
LETO_UNARY(tan, std::tan(x))
LETO_UNARY(asin, std::asin(x))
LETO_UNARY(acos, std::acos(x))
LETO_UNARY(atan, std::atan(x))
LETO_UNARY(sinh, std::sinh(x))
LETO_UNARY(cosh, std::cosh(x))
LETO_UNARY(asinh, std::asinh(x))
LETO_UNARY(acosh, std::acosh(x))
LETO_UNARY(atanh, std::atanh(x))
LETO_UNARY(floor, std::floor(x))
LETO_UNARY(ceil, std::ceil(x))
LETO_UNARY(round, std::nearbyint(x))
LETO_UNARY(is_nan, T(std::isnan(x)))
LETO_UNARY(is_inf, T(std::isinf(x)))
#undef LETO_UNARY

template <class T>
Array<T> cast(const Call<T>& c) {
  return c.x();  // the caller rounds
}

template <class T>
T gelu_tanh(T x) {
  const T u = T(kSqrt2OverPi) * (x + T(kGeluCubic) * (x * x * x));
  return T(0.5) * x * (1 + tanh_of(u));
}

template <class T>
Array<T> gelu(const Call<T>& c) {
  if (c.node.integer("tanh") != 0) {
    return map(c, gelu_tanh<T>);
  }
  return map(c, [](T v) { return T(0.5) * v * (1 + erf_of(v * T(kInvSqrt2))); });
}

template <class T>
Array<T> silu(const Call<T>& c) {
  Array<T> y = sigmoid(c);
  std::transform(y.begin(), y.end(), c.x().begin(), y.begin(), std::multiplies<T>());
  return y;
}

// ---- two and three operands

/// An operation that is one expression of x and y.
#define LETO_BINARY(name, expression)                        \
  template <class T>                                         \
  Array<T> name(const Call<T>& c) {                          \
    return zip(c, [](T x, T y) -> T { return expression; }); \
  }
LETO_BINARY(add, x + y)
LETO_BINARY(sub, x - y)
LETO_BINARY(mul, x* y)
LETO_BINARY(max, x >= y || x != x ? x : y)  // NaN if either operand is NaN
LETO_BINARY(min, x <= y || x != x ? x : y)
LETO_BINARY(ge, T(x >= y))
LETO_BINARY(gt, T(x > y))
LETO_BINARY(eq, T(x == y))
#undef LETO_BINARY

template <class T>
Array<T> div(const Call<T>& c) {
  if (is_float(c.out.dtype)) {
    return zip(c, [](T x, T y) { return x * (1 / y); });
  }
  return zip(c,
             [](T x, T y) { return y == 0 ? T(0) : std::trunc(x / y); });  // of no number the type has none
}

/// The chip's powers in its own operations, the others as the C library has them.
template <class T>
T power(T a, T p) {
  if (p == T(0.5)) {
    return std::sqrt(a);
  }
  return p == 1 ? a : p == 2 ? a * a : p == 3 ? a * a * a : p == -1 ? 1 / a : std::pow(a, p);
}

template <class T>
Array<T> pow(const Call<T>& c) {
  return zip(c, power<T>);
}

/// fmod is exact; a remainder of the other sign is moved to the divisor's.
template <class T>
T floored_mod(T x, T y) {
  const T r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

template <class T>
Array<T> mod(const Call<T>& c) {
  if (c.node.integer("truncated") != 0) {
    return zip(c, [](T x, T y) { return std::fmod(x, y); });
  }
  return zip(c, floored_mod<T>);
}

template <class T>
Array<T> keep(const Call<T>& c) {
  return zip(c, [](T x, T y) { return y != 0 ? x : T(-0.0); });
}

template <class T>
Array<T> select(const Call<T>& c) {
  const Spread<T> choose(c, 0), a(c, 1), b(c, 2);
  Array<T> y(c.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = choose[i] != 0 ? a[i] : b[i];
  }
  return y;
}

}  // namespace leto::compiler::reference::kernel
