#include "base/math.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/dtypes.h"
#include "base/rng.h"
#include "mpfr_oracle.h"

using namespace leto;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kMax = std::numeric_limits<float>::max();

std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

float scalar(MathFunction function, float x) {
  switch (function) {
    case MathFunction::exponential:
      return exponential(x);
    case MathFunction::logarithm:
      return logarithm(x);
    case MathFunction::tanh:
      return hyperbolic_tangent(x);
    case MathFunction::erf:
      return error_function(x);
    case MathFunction::sigmoid:
      return sigmoid(x);
  }
  return 0;
}

/// y = f(x) to 100 bits by MPFR.
void exact(MathFunction function, float x, Mpfr& y) {
  mpfr_set_flt(y.get(), x, MPFR_RNDN);
  switch (function) {
    case MathFunction::exponential:
      mpfr_exp(y.get(), y.get(), MPFR_RNDN);
      return;
    case MathFunction::logarithm:
      mpfr_log(y.get(), y.get(), MPFR_RNDN);
      return;
    case MathFunction::tanh:
      mpfr_tanh(y.get(), y.get(), MPFR_RNDN);
      return;
    case MathFunction::erf:
      mpfr_erf(y.get(), y.get(), MPFR_RNDN);
      return;
    case MathFunction::sigmoid:
      break;
  }
  mpfr_neg(y.get(), y.get(), MPFR_RNDN);
  mpfr_exp(y.get(), y.get(), MPFR_RNDN);
  mpfr_add_ui(y.get(), y.get(), 1, MPFR_RNDN);
  mpfr_ui_div(y.get(), 1, y.get(), MPFR_RNDN);
}

/// The same in double by libm: good to 1e-8 fp32 ULP, for the sweep over every input.
double nearly_exact(MathFunction function, double x) {
  switch (function) {
    case MathFunction::exponential:
      return std::exp(x);
    case MathFunction::logarithm:
      return std::log(x);
    case MathFunction::tanh:
      return std::tanh(x);
    case MathFunction::erf:
      return std::erf(x);
    case MathFunction::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

/// Where each function is interesting: neither constant nor overflowing.
struct Range {
  float low, high;
};
Range range_of(MathFunction function) {
  switch (function) {
    case MathFunction::exponential:
      return {-104, 88.72f};
    case MathFunction::logarithm:
      return {kTiny, 8};
    case MathFunction::tanh:
      return {-10, 10};
    case MathFunction::erf:
      return {-4.2f, 4.2f};
    case MathFunction::sigmoid:
      return {-104, 20};
  }
  return {0, 0};
}

/// Sample i: by turns any bit pattern that is finite, and evenly over the interesting range.
float sample(MathFunction function, std::uint64_t i) {
  const Range range = range_of(function);
  if (i % 3 != 0) return static_cast<float>(range.low + (range.high - range.low) * uniform(1, 1, i));
  const auto bits = static_cast<std::uint32_t>(random_bits(1, 2, i));
  return float_of(function == MathFunction::logarithm ? bits & 0x7fffffff : bits);
}

/// Hard places: the worst inputs found by the sweep below, and both sides of every change of branch.
std::vector<float> hard_inputs() {
  std::vector<float> all = {0x1.da3336p+5f, 0x1.697dc8p+0f, 0x1.1a1252p-1f, 0x1.d1ff02p-1f, -0x1.362c52p+2f};
  for (const float edge : {0.55f, 0.875f, 3.95f, 0x1.6a09e6p-1f, 0x1.6a09e6p+0f, 1.0f, 0x1p-126f,
                           0x1.62e43p-2f, 88.72f, 87.33f, 103.97f, 9.01f, 17.3f, kTiny, 0x1p-12f}) {
    for (const float x : {edge, std::nextafter(edge, 0.0f), std::nextafter(edge, kInfinity)}) {
      all.push_back(x);
      all.push_back(-x);
    }
  }
  return all;
}

double error_at(MathFunction function, float x, Mpfr& y) {
  exact(function, x, y);
  const float got = scalar(function, x);
  if (!std::isfinite(got) || std::isinf(mpfr_get_flt(y.get(), MPFR_RNDN))) {
    return got == mpfr_get_flt(y.get(), MPFR_RNDN) ? 0 : 1e9;
  }
  return ulps(got, y.get());
}

bool in_domain(MathFunction function, float x) {
  return !std::isnan(x) && (function != MathFunction::logarithm || x > 0);
}

/// One unit of the last fp32 place of x, as ulps() counts it, without the calls of libm.
double last_place(double x) {
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(x) >> 52) & 0x7ff;
  constexpr std::uint64_t kSmallest = 1023 - 149;
  return std::bit_cast<double>((std::max(exponent, kSmallest + 23) - 23) << 52);
}

/// What a look at consecutive bit patterns finds.
struct Sweep {
  static constexpr std::uint32_t kBlock = 1 << 16;
  double worst = 0;
  std::int64_t wrong_specials = 0, steps_back = 0;

  void look_at(MathFunction function, std::uint32_t first) {
    for (std::uint32_t i = 0; i < kBlock; ++i) x_[i] = float_of(first + i);
    evaluate(function, x_.data(), y_.data(), kBlock);
    for (std::uint32_t i = 0; i < kBlock; ++i) compare(nearly_exact(function, x_[i]), y_[i]);
    for (std::uint32_t i = 1; i < kBlock; ++i) {
      if (in_domain(function, x_[i])) steps_back += x_[i] > x_[i - 1] ? y_[i] < y_[i - 1] : y_[i] > y_[i - 1];
    }
  }

 private:
  void compare(double want, float got) {
    if (std::isnan(want)) {
      wrong_specials += bits_of(got) != kCanonicalNan;
    } else if (!std::isfinite(got) || std::isinf(static_cast<float>(want))) {
      wrong_specials += got != static_cast<float>(want);
    } else {
      worst = std::max(worst, std::fabs(got - want) / last_place(want));
    }
  }

  std::vector<float> x_ = std::vector<float>(kBlock), y_ = x_;
};

}  // namespace

TEST_CASE("math: errors against MPFR stay within the table of math.h") {
  Mpfr y(100);
  for (const MathSpec& spec : kMathSpecs) {
    double worst = 0;
    float where = 0;
    const auto look_at = [&](float x) {
      if (!in_domain(spec.function, x)) return;
      const double error = error_at(spec.function, x, y);
      if (error > worst) where = x;
      worst = std::max(worst, error);
    };
    for (std::uint64_t i = 0; i < 60000; ++i) look_at(sample(spec.function, i));
    for (const float x : hard_inputs()) look_at(x);
    MESSAGE(spec.name, ": at most ", worst, " ULP, at ", where);
    CHECK(worst <= spec.max_ulp);
    CHECK(worst > 0.8 * spec.max_ulp);  // the table is a measurement, not a guess
  }
}

TEST_CASE("math: every fp32 input (ten minutes, run with --no-skip)" * doctest::skip()) {
  for (const MathSpec& spec : kMathSpecs) {
    Sweep sweep;
    for (std::uint64_t first = 0; first < (std::uint64_t{1} << 32); first += Sweep::kBlock) {
      sweep.look_at(spec.function, static_cast<std::uint32_t>(first));
    }
    MESSAGE(spec.name, ": at most ", sweep.worst, " ULP");
    CHECK(sweep.worst <= spec.max_ulp);
    CHECK(sweep.wrong_specials == 0);
    CHECK(sweep.steps_back <= spec.steps_back);
  }
}

TEST_CASE("math: scalar, portable and AVX2 forms give the same bits") {
  const Path fast = best_path();
  if (fast == Path::portable) MESSAGE("this processor has the portable form only");
  for (const MathSpec& spec : kMathSpecs) {
    for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 200003u}) {
      std::vector<float> x(n), wide(n), portable(n);
      for (std::size_t i = 0; i < n; ++i) {
        x[i] = i % 2 == 0 ? float_of(static_cast<std::uint32_t>(random_bits(2, 0, i)))
                          : sample(spec.function, i);
      }
      evaluate(spec.function, x.data(), wide.data(), std::ssize(x), fast);
      evaluate(spec.function, x.data(), portable.data(), std::ssize(x), Path::portable);
      int bad = 0;
      for (std::size_t i = 0; i < n; ++i) {
        bad += bits_of(wide[i]) != bits_of(portable[i]) ||
               bits_of(wide[i]) != bits_of(scalar(spec.function, x[i]));
      }
      CHECK(bad == 0);
      evaluate(spec.function, x.data(), x.data(), std::ssize(x));
      CHECK(std::equal(x.begin(), x.end(), wide.begin(),
                       [](float a, float b) { return bits_of(a) == bits_of(b); }));
    }
  }
}

TEST_CASE("math: a NaN of any kind gives the canonical NaN") {
  for (const MathSpec& spec : kMathSpecs) {
    for (const std::uint32_t nan :
         {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu}) {
      CHECK(bits_of(scalar(spec.function, float_of(nan))) == kCanonicalNan);
    }
  }
  for (const float x : {-kTiny, -1.0f, -kMax, -kInfinity}) CHECK(bits_of(logarithm(x)) == kCanonicalNan);
}

TEST_CASE("math: infinities, zeros, overflow and subnormals") {
  CHECK(exponential(kInfinity) == kInfinity);
  CHECK(exponential(89.0f) == kInfinity);
  CHECK(exponential(88.7228394f) == kInfinity);
  CHECK(std::isfinite(exponential(88.7228317f)));
  CHECK(bits_of(exponential(-kInfinity)) == 0);
  CHECK(bits_of(exponential(-kMax)) == 0);
  CHECK(exponential(-103.9f) == kTiny);
  CHECK(exponential(0.0f) == 1.0f);
  CHECK(exponential(-0.0f) == 1.0f);
  CHECK(logarithm(0.0f) == -kInfinity);
  CHECK(logarithm(-0.0f) == -kInfinity);
  CHECK(logarithm(kInfinity) == kInfinity);
  CHECK(bits_of(logarithm(1.0f)) == 0);
  CHECK(logarithm(kTiny) == doctest::Approx(-103.27893));
  CHECK(hyperbolic_tangent(kInfinity) == 1.0f);
  CHECK(hyperbolic_tangent(-kMax) == -1.0f);
  CHECK(error_function(kInfinity) == 1.0f);
  CHECK(error_function(-kMax) == -1.0f);
  CHECK(sigmoid(kInfinity) == 1.0f);
  CHECK(bits_of(sigmoid(-kInfinity)) == 0);
  CHECK(sigmoid(0.0f) == 0.5f);
  CHECK(sigmoid(-100.0f) == exponential(-100.0f));
  for (const float zero : {0.0f, -0.0f}) {
    CHECK(bits_of(hyperbolic_tangent(zero)) == bits_of(zero));
    CHECK(bits_of(error_function(zero)) == bits_of(zero));
  }
  CHECK(hyperbolic_tangent(kTiny) == kTiny);
  CHECK(error_function(-100 * kTiny) == -113 * kTiny);
}

TEST_CASE("math: tanh and erf are odd to the bit, and functions step back only where the table says") {
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const float x = sample(MathFunction::tanh, i);
    if (std::isnan(x)) continue;
    CHECK(bits_of(hyperbolic_tangent(-x)) == (bits_of(hyperbolic_tangent(x)) ^ 0x80000000u));
    CHECK(bits_of(error_function(-x)) == (bits_of(error_function(x)) ^ 0x80000000u));
  }
  for (const MathSpec& spec : kMathSpecs) {
    int steps_back = 0;
    for (std::uint64_t i = 0; i < 100000; ++i) {
      const float x = sample(spec.function, i), next = std::nextafter(x, kInfinity);
      if (in_domain(spec.function, x)) steps_back += scalar(spec.function, next) < scalar(spec.function, x);
    }
    CAPTURE(spec.name);
    CHECK(steps_back <= spec.steps_back);
  }
}
