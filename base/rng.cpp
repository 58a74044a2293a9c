#include "base/rng.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace leto {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio, odd

/// The splitmix64 finaliser: a bijection in which every input bit reaches every output bit.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Horner in s * s: c[0] s + c[1] s^3 + …
template <std::size_t N>
double odd_series(double s, const double (&c)[N]) {
  const double square = s * s;
  double sum = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = sum * square + c[i];
  return sum * s;
}

/// Natural logarithm of u in (0, 1], error below 4e-15: 2 atanh((m - 1) / (m + 1)) + e ln 2, m near 1.
double log_of(double u) {
  constexpr double kSeries[] = {2.0,      2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
                                2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19};
  int exponent = 0;
  double m = std::frexp(u, &exponent);
  if (m < std::numbers::sqrt2 / 2) {
    m *= 2;
    --exponent;
  }
  return odd_series((m - 1) / (m + 1), kSeries) + exponent * std::numbers::ln2;
}

/// Sine of x in [-pi/4, pi/4] by its Taylor series, error below 1e-15.
double sine_of(double x) {
  constexpr double kSeries[] = {1.0,          -1.0 / 6,        1.0 / 120,        -1.0 / 5040,
                                1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  return odd_series(x, kSeries);
}

/// cos(2 pi t) for t in [0, 1), through the sine of half the angle, which is within pi/4.
double cosine_of_turns(double t) {
  const double from_quarter = 0.25 - (t < 0.5 ? t : 1 - t);  // cos(2 pi t) = sin(2 pi from_quarter)
  const double angle = 2 * std::numbers::pi * from_quarter;
  const double half = sine_of(angle / 2);
  return 2 * half * std::sqrt(1 - half * half);  // sin x = 2 sin(x/2) cos(x/2)
}

}  // namespace

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  const std::uint64_t key = mix(seed + kGolden) ^ (stream * kGolden);
  const std::uint64_t first = mix(key + kGolden * (counter + 1));
  return mix(first ^ mix(key + 1));
}

double uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return static_cast<double>(random_bits(seed, stream, counter) >> 11) * 0x1p-53;
}

std::uint64_t uniform_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                            std::uint64_t limit) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{random_bits(seed, stream, counter)} * limit) >> 64);
}

double normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  const std::uint64_t bits = random_bits(seed, stream, counter);
  const double radius_draw = (static_cast<double>(bits >> 32) + 1) * 0x1p-32;  // (0, 1]
  const double angle_draw = (static_cast<double>(bits & 0xffffffffu) + 0.5) * 0x1p-32;
  return std::sqrt(-2 * log_of(radius_draw)) * cosine_of_turns(angle_draw);
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, double mean, double deviation,
                 std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(mean + deviation * normal(seed, stream, first + i));
  }
}

void fill_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, double low, double high,
                  std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(low + (high - low) * uniform(seed, stream, first + i));
  }
}

}  // namespace leto
