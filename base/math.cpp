#include "base/math.h"

#include "base/math_kernels.h"

namespace leto {

using namespace math_kernels;

float exponential(float x) {
  return Exponential{}(x);
}
float logarithm(float x) {
  return Logarithm{}(x);
}
float hyperbolic_tangent(float x) {
  return HyperbolicTangent{}(x);
}
float error_function(float x) {
  return ErrorFunction{}(x);
}
float sigmoid(float x) {
  return Sigmoid{}(x);
}

void evaluate(MathFunction function, const float* x, float* y, std::int64_t n, Path path) {
  switch (function) {
    case MathFunction::exponential:
      return run_kernel(Elementwise<Exponential>{}, path, x, y, n);
    case MathFunction::logarithm:
      return run_kernel(Elementwise<Logarithm>{}, path, x, y, n);
    case MathFunction::tanh:
      return run_kernel(Elementwise<HyperbolicTangent>{}, path, x, y, n);
    case MathFunction::erf:
      return run_kernel(Elementwise<ErrorFunction>{}, path, x, y, n);
    case MathFunction::sigmoid:
      return run_kernel(Elementwise<Sigmoid>{}, path, x, y, n);
  }
}

}  // namespace leto
