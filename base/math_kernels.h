// The definition of the non-linear functions: every operation below is one IEEE fp32 operation, in this
// order.
//
// All are branch-free (both sides of a choice are computed), so that a loop over them becomes vector
// instructions. The coefficients are our own: minimax polynomials in the relative error of the function,
// found with a Remez exchange in 50 digits and rounded to fp32; the comment beside each gives the error of
// the unrounded polynomial. Include from base only; base/math.h is the interface.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/dispatch.h"
#include "base/dtypes.h"

namespace leto::math_kernels {

LETO_INLINE std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
LETO_INLINE float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}
inline constexpr std::uint32_t kSignBit = 0x80000000u;
LETO_INLINE float magnitude_of(float x) {
  return float_of(bits_of(x) & ~kSignBit);
}
LETO_INLINE float with_sign_of(float magnitude, float x) {
  return float_of(bits_of(magnitude) | (bits_of(x) & kSignBit));
}

/// c0 + t (c1 + t (…)): Horner, one fmaf a step. Recursive, since loops inside the loop would stop
/// vectorisation.
LETO_INLINE float polynomial(float, float c0) {
  return c0;
}
template <class... Higher>
LETO_INLINE float polynomial(float t, float c0, Higher... higher) {
  return std::fmaf(polynomial(t, higher...), t, c0);
}

inline constexpr float kLog2e = 0x1.715476p+0f;
inline constexpr float kLn2High = 0x1.62e4p-1f;       // 16 bits: k * kLn2High is exact for |k| < 256
inline constexpr float kLn2Low = 0x1.7f7d1cp-20f;     // ln 2 - kLn2High
inline constexpr float kRoundToInteger = 0x1.8p+23f;  // adding it leaves round(x) in the low bits
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr std::uint32_t kOneBits = 0x3f800000u;

/// 2^k for k in [-126, 127].
LETO_INLINE float power_of_two(std::int32_t k) {
  return float_of((static_cast<std::uint32_t>(k) << 23) + kOneBits);
}

/// e^x = 2^k e^r with |r| <= ln 2 / 2; anything for NaN.
LETO_INLINE float exponential_core(float x) {
  x = x > 89.0f ? 89.0f : x;      // e^89 overflows
  x = x < -105.0f ? -105.0f : x;  // e^-105 rounds to zero
  const float shifted = std::fmaf(x, kLog2e, kRoundToInteger);
  const float k = shifted - kRoundToInteger;
  const float r = std::fmaf(k, -kLn2Low, std::fmaf(k, -kLn2High, x));
  // (e^r - 1 - r) / r^2, 2^-34.0
  const float q =
      polynomial(r, 0x1p-1f, 0x1.555554p-3f, 0x1.555486p-5f, 0x1.11128p-7f, 0x1.6d945cp-10f, 0x1.9f02cap-13f);
  const float p = std::fmaf(r * r, q, r) + 1.0f;
  // In two steps, since 2^k itself may not be a normal number; only the second can round.
  const auto exponent = static_cast<std::int32_t>(bits_of(shifted) - bits_of(kRoundToInteger));
  const std::int32_t half = exponent >> 1;
  return p * power_of_two(half) * power_of_two(exponent - half);
}

/// `result`, or the canonical NaN where x is NaN.
LETO_INLINE float unless_nan(float x, float result) {
  return x == x ? result : float_of(kCanonicalNan);
}

struct Exponential {
  LETO_INLINE float operator()(float x) const { return unless_nan(x, exponential_core(x)); }
};

/// log x = e ln 2 + log(1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1].
struct Logarithm {
  LETO_INLINE float operator()(float x) const {
    constexpr std::uint32_t kSqrtHalfBits = 0x3f3504f3u;
    const bool subnormal = x < 0x1p-126f;
    const float scaled = x * (subnormal ? 0x1p+23f : 1.0f);
    const std::uint32_t bits = bits_of(scaled) - kSqrtHalfBits;
    const float exponent = static_cast<float>(static_cast<std::int32_t>(bits) >> 23);
    const float e = exponent - (subnormal ? 23.0f : 0.0f);
    const float f = float_of((bits & 0x007fffffu) + kSqrtHalfBits) - 1.0f;
    // (log(1 + f) - f + f^2 / 2) / f^3, 2^-30.3
    const float p =
        polynomial(f, 0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a4b6p-3f, -0x1.555c4ep-3f, 0x1.233768p-3f,
                   -0x1.fc2206p-4f, 0x1.e6f066p-4f, -0x1.de3c1ep-4f, 0x1.1457bcp-4f);
    const float square = f * f;
    const float tail = std::fmaf(-0.5f, square, std::fmaf(square * f, p, e * kLn2Low));
    return special(x, std::fmaf(e, kLn2High, f + tail));
  }

 private:
  static LETO_INLINE float special(float x, float result) {
    result = x == kInfinity ? kInfinity : result;
    result = x == 0.0f ? -kInfinity : result;
    return x >= 0.0f ? result : float_of(kCanonicalNan);
  }
};

/// Odd polynomial below 0.55, 1 - 2 / (e^2|x| + 1) above.
struct HyperbolicTangent {
  LETO_INLINE float operator()(float x) const {
    const float a = magnitude_of(x);
    const float square = a * a;
    // (tanh(a) / a - 1) / a^2 in a^2, 2^-29.8
    const float p =
        polynomial(square, -0x1.55554ap-2f, 0x1.110d26p-3f, -0x1.b9287ap-5f, 0x1.593d08p-6f, -0x1.9b3046p-8f);
    const float small = std::fmaf(a * square, p, a);
    const float large = 1.0f - 2.0f / (exponential_core(2.0f * a) + 1.0f);
    return unless_nan(x, with_sign_of(a < 0.55f ? small : large, x));
  }
};

/// Odd polynomial below 0.875, 1 - e^-q(|x|) above, q = -log erfc; 1 from 3.95 on.
struct ErrorFunction {
  LETO_INLINE float operator()(float x) const {
    const float a = magnitude_of(x);
    // erf(a) / a - 1 in a^2, 2^-32.2
    const float p = polynomial(a * a, 0x1.06eba8p-3f, -0x1.812744p-2f, 0x1.ce2e84p-4f, -0x1.b819a6p-6f,
                               0x1.553abap-8f, -0x1.ae7f92p-11f, 0x1.6bdf5p-14f);
    const float small = std::fmaf(a, p, a);
    // -log(erfc(a)), 2^-33.5 of erf
    const float q =
        polynomial(a > 3.95f ? 3.95f : a, -0x1.53ca66p-13f, 0x1.2123d8p+0f, 0x1.4456a2p-1f, 0x1.baeffep-4f,
                   -0x1.9a0b72p-6f, 0x1.0f089ep-8f, -0x1.bfd43cp-12f, 0x1.571df2p-16f);
    const float large = 1.0f - exponential_core(-q);
    return unless_nan(x, with_sign_of(a < 0.875f ? small : large, x));
  }
};

/// z = e^-|x|: 1 / (1 + z) or z / (1 + z), so that neither end cancels or overflows. The quotient is
/// corrected by its remainder and by what 1 + z lost in rounding; without that it would not grow with x.
struct Sigmoid {
  LETO_INLINE float operator()(float x) const {
    const float z = exponential_core(-magnitude_of(x));
    const float numerator = x < 0.0f ? z : 1.0f;
    const float sum = 1.0f + z;
    const float lost = z - (sum - 1.0f);
    const float inverse = 1.0f / sum;
    const float quotient = numerator * inverse;
    const float remainder = std::fmaf(-quotient, lost, std::fmaf(-quotient, sum, numerator));
    return unless_nan(x, std::fmaf(remainder, inverse, quotient));
  }
};

/// The loop over one of the functions above.
template <class F>
struct Elementwise {
  LETO_INLINE void operator()(const float* x, float* y, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) y[i] = F{}(x[i]);
  }
};

}  // namespace leto::math_kernels
