// The non-linear functions of the vector engine, defined bit for bit on fp32 (docs/why/002-numerics.md).
//
// Each is a range reduction and a polynomial in IEEE fp32 operations and std::fmaf, written in
// math_kernels.h: that text is the definition, and no libm function is called. Every NaN result is canonical;
// infinities, signed zeros, overflow and subnormals (in and out) are as in C99 Annex F. The scalar, portable
// and AVX2 forms give the same bits.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/dispatch.h"

namespace leto {

enum class MathFunction : std::uint8_t { exponential, logarithm, tanh, erf, sigmoid };

/// A function and the error it keeps to over all 2^32 inputs, in units of the last place of the exact result.
struct MathSpec {
  MathFunction function;
  std::string_view name;  // as the vector operation
  double max_ulp;         // bound, asserted by tests/base/math_test.cpp against MPFR
};
inline constexpr std::array<MathSpec, 5> kMathSpecs = {{
    {MathFunction::exponential, "exponential", 2.0},
    {MathFunction::logarithm, "logarithm", 2.0},
    {MathFunction::tanh, "tanh", 4.0},
    {MathFunction::erf, "erf", 4.0},
    {MathFunction::sigmoid, "sigmoid", 4.0},
}};

float exponential(float x);
float logarithm(float x);
float hyperbolic_tangent(float x);
float error_function(float x);
float sigmoid(float x);  // 1 / (1 + e^-x)

/// Bulk form: y[i] = f(x[i]), n elements; x and y may be the same array.
void evaluate(MathFunction function, const float* x, float* y, std::int64_t n, Path path = best_path());

}  // namespace leto
