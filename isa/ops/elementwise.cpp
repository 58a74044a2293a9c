#include "isa/ops/elementwise.h"

#include <bit>
#include <cmath>

#include "base/dtypes.h"
#include "base/math.h"

namespace leto::isa::ops {
namespace {

constexpr std::uint32_t kSign = 0x80000000u;

std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
float from_bits(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}
float nan() {
  return from_bits(kCanonicalNan);
}

// Equal operands differ at most in the sign of zero: and-ing keeps +0, or-ing keeps -0.
float minimum(float a, float b) {
  if (a != a || b != b) return nan();
  if (a == b) return from_bits(bits_of(a) | bits_of(b));
  return a < b ? a : b;
}

template <typename F>
void each(const float* a, const float* b, float* y, std::int64_t n, F f) {
  for (std::int64_t c = 0; c < n; ++c) y[c] = canonical(f(a[c], b[c]));
}

template <typename F>
void each(const float* a, float* y, std::int64_t n, F f) {
  for (std::int64_t c = 0; c < n; ++c) y[c] = canonical(f(a[c]));
}

void column_is(const float* b, std::int64_t first, float* y, std::int64_t n) {
  for (std::int64_t c = 0; c < n; ++c) y[c] = static_cast<float>(first + c) == b[c] ? 1.0f : 0.0f;
}

void binary(VectorOp op, const float* a, const float* b, float* y, std::int64_t n) {
  switch (op) {
    case VectorOp::add:
      return each(a, b, y, n, [](float p, float q) { return p + q; });
    case VectorOp::subtract:
      return each(a, b, y, n, [](float p, float q) { return p - q; });
    case VectorOp::multiply:
      return each(a, b, y, n, [](float p, float q) { return p * q; });
    case VectorOp::maximum:
      return each(a, b, y, n, [](float p, float q) { return maximum(p, q); });
    case VectorOp::minimum:
      return each(a, b, y, n, [](float p, float q) { return minimum(p, q); });
    case VectorOp::greater_equal:
      return each(a, b, y, n, [](float p, float q) { return p >= q ? 1.0f : 0.0f; });
    case VectorOp::greater:
      return each(a, b, y, n, [](float p, float q) { return p > q ? 1.0f : 0.0f; });
    case VectorOp::keep:
      return each(a, b, y, n, [](float p, float q) { return q != 0 ? p : -0.0f; });
    default:
      return each(a, b, y, n, [](float p, float q) { return p == q ? 1.0f : 0.0f; });
  }
}

void unary(VectorOp op, const float* a, float* y, std::int64_t n) {
  switch (op) {
    case VectorOp::reciprocal:
      return each(a, y, n, [](float x) { return 1.0f / x; });
    case VectorOp::square_root:
      return each(a, y, n, [](float x) { return std::sqrt(x); });
    case VectorOp::reciprocal_square_root:
      return each(a, y, n, [](float x) { return 1.0f / std::sqrt(x); });
    case VectorOp::exponential:
      return evaluate(MathFunction::exponential, a, y, n);
    case VectorOp::logarithm:
      return evaluate(MathFunction::logarithm, a, y, n);
    case VectorOp::tanh:
      return evaluate(MathFunction::tanh, a, y, n);
    case VectorOp::erf:
      return evaluate(MathFunction::erf, a, y, n);
    case VectorOp::sigmoid:
      return evaluate(MathFunction::sigmoid, a, y, n);
    case VectorOp::absolute:
      return each(a, y, n, [](float x) { return from_bits(bits_of(x) & ~kSign); });
    case VectorOp::negate:
      return each(a, y, n, [](float x) { return from_bits(bits_of(x) ^ kSign); });
    case VectorOp::relu:
      return each(a, y, n, [](float x) { return maximum(x, 0.0f); });
    default:
      return each(a, y, n, [](float x) { return x; });
  }
}

double measured(MathFunction function) {
  for (const MathSpec& spec : kMathSpecs)
    if (spec.function == function) return spec.max_ulp;
  return 0;
}

}  // namespace

float maximum(float a, float b) {
  if (a != a || b != b) return nan();
  if (a == b) return from_bits(bits_of(a) & bits_of(b));
  return a > b ? a : b;
}

void elementwise(VectorOp op, const float* a, const float* b, std::int64_t first_column, float* y,
                 std::int64_t n) {
  if (op == VectorOp::column_is)
    column_is(b, first_column, y, n);
  else if (is_binary(op))
    binary(op, a, b, y, n);
  else
    unary(op, a, y, n);
}

Numerics numerics_of(VectorOp op) {
  constexpr double kRounded = 0.5;  // correctly rounded
  switch (op) {
    case VectorOp::copy:
      return {"a", 0};
    case VectorOp::add:
      return {"a + b, rounded once", kRounded};
    case VectorOp::subtract:
      return {"a - b, rounded once", kRounded};
    case VectorOp::multiply:
      return {"a * b, rounded once", kRounded};
    case VectorOp::maximum:
      return {"the larger; NaN if either is; +0 above -0", 0};
    case VectorOp::minimum:
      return {"the smaller; NaN if either is; -0 below +0", 0};
    case VectorOp::greater_equal:
      return {"1 if a >= b, else 0; 0 with a NaN", 0};
    case VectorOp::greater:
      return {"1 if a > b, else 0; 0 with a NaN", 0};
    case VectorOp::equal:
      return {"1 if a == b, else 0; 0 with a NaN; +0 equals -0", 0};
    case VectorOp::keep:
      return {"a if b is not 0, else -0, which adds nothing to what it is added to; a NaN b keeps a", 0};
    case VectorOp::column_is:
      return {"1 if first column + c (as fp32) == b, else 0; a is not used", 0};
    case VectorOp::reciprocal:
      return {"1 / a, rounded once", kRounded};
    case VectorOp::square_root:
      return {"square root of a, rounded once; NaN below -0", kRounded};
    case VectorOp::reciprocal_square_root:
      return {"1 / square_root(a), rounded twice", 1.5};
    case VectorOp::exponential:
      return {"e^a", measured(MathFunction::exponential)};
    case VectorOp::logarithm:
      return {"natural logarithm of a", measured(MathFunction::logarithm)};
    case VectorOp::tanh:
      return {"hyperbolic tangent of a", measured(MathFunction::tanh)};
    case VectorOp::erf:
      return {"error function of a", measured(MathFunction::erf)};
    case VectorOp::sigmoid:
      return {"1 / (1 + e^-a)", measured(MathFunction::sigmoid)};
    case VectorOp::absolute:
      return {"a without its sign", 0};
    case VectorOp::negate:
      return {"a with its sign flipped", 0};
    case VectorOp::relu:
      return {"maximum(a, +0)", 0};
  }
  return {};
}

}  // namespace leto::isa::ops
