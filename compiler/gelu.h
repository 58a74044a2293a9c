// The numbers of GELU in its two forms and of its derivatives, each rounded once to the type that uses it.
//
//   gelu(x) = x / 2 (1 + erf(x / sqrt 2)), or by tanh: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
#pragma once

namespace leto::compiler {

inline constexpr double kInvSqrt2 = 0.7071067811865476;
inline constexpr double kInvSqrt2Pi = 0.3989422804014327;
inline constexpr double kTwoOverSqrtPi = 1.1283791670955126;
inline constexpr double kSqrt2OverPi = 0.7978845608028654;
inline constexpr double kGeluCubic = 0.044715;

}  // namespace leto::compiler
