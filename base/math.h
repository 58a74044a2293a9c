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

/// A function and what its fp32 results keep to, measured over all 2^32 inputs.
struct MathSpec {
  MathFunction function;
  std::string_view name;  // as the vector operation
  double max_ulp;  // error in units of the last place of the exact result: the largest found, rounded up
  int steps_back;  // neighbouring inputs whose results are in the wrong order, each by one last place
};
inline constexpr std::array<MathSpec, 5> kMathSpecs = {{
    {MathFunction::exponential, "exponential", 1.0, 0},  // 0.9876
    {MathFunction::logarithm, "logarithm", 0.85, 0},     // 0.8316
    {MathFunction::tanh, "tanh", 1.5, 0},                // 1.4633
    {MathFunction::erf, "erf", 1.15, 210},               // 1.1210; |x| in [0.909, 2.000]
    {MathFunction::sigmoid, "sigmoid", 1.5, 0},          // 1.4797
}};

float exponential(float x);
float logarithm(float x);
float hyperbolic_tangent(float x);
float error_function(float x);
float sigmoid(float x);  // 1 / (1 + e^-x)

/// Bulk form: y[i] = f(x[i]), n elements; x and y may be the same array.
void evaluate(MathFunction function, const float* x, float* y, std::int64_t n, Path path = best_path());

}  // namespace leto
