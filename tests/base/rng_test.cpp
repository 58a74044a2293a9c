#include "base/rng.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <set>
#include <vector>

using namespace leto;

namespace {

struct Moments {
  double mean = 0, variance = 0, fourth = 0;
};

template <class F>
Moments moments_of(F draw, int n) {
  Moments m;
  for (int i = 0; i < n; ++i) {
    const double x = draw(static_cast<std::uint64_t>(i));
    m.mean += x / n;
    m.variance += x * x / n;
    m.fourth += x * x * x * x / n;
  }
  m.variance -= m.mean * m.mean;
  return m;
}

}  // namespace

TEST_CASE("rng: the draws are frozen: programs and records rest on them") {
  CHECK(random_bits(0, 0, 0) == 13954360988075892862u);
  CHECK(random_bits(1, 2, 3) == 3306980886702675528u);
}

TEST_CASE("rng: seed, stream and counter all matter, and none stands for another") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t a = 0; a < 20; ++a) {
    for (std::uint64_t b = 0; b < 20; ++b) {
      for (std::uint64_t c = 0; c < 20; ++c) seen.insert(random_bits(a, b, c));
    }
  }
  CHECK(seen.size() == 8000);
}

TEST_CASE("rng: one changed input bit changes half of the output bits") {
  double changed = 0;
  constexpr int kTrials = 200;
  for (std::uint64_t i = 0; i < kTrials; ++i) {
    const auto bit = std::uint64_t{1} << (i % 64);
    const auto base = random_bits(i, i * 7, i * 13);
    changed += std::popcount(base ^ random_bits(i ^ bit, i * 7, i * 13));
    changed += std::popcount(base ^ random_bits(i, (i * 7) ^ bit, i * 13));
    changed += std::popcount(base ^ random_bits(i, i * 7, (i * 13) ^ bit));
  }
  CHECK(changed / (3 * kTrials) == doctest::Approx(32).epsilon(0.02));
}

TEST_CASE("rng: bytes are equally frequent (chi square)") {
  std::array<int, 256> count{};
  constexpr int kDraws = 100000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const auto bits = random_bits(5, 9, i);
    for (int byte = 0; byte < 8; ++byte) ++count[(bits >> (8 * byte)) & 0xff];
  }
  const double expected = kDraws * 8 / 256.0;
  double chi = 0;
  for (const int c : count) chi += (c - expected) * (c - expected) / expected;
  CHECK(chi > 150);  // 255 degrees of freedom: mean 255, deviation 22.6
  CHECK(chi < 370);
}

TEST_CASE("rng: uniform has range, mean and variance, neighbouring streams are uncorrelated") {
  constexpr int kDraws = 200000;
  const auto m = moments_of([](std::uint64_t i) { return uniform(7, 1, i); }, kDraws);
  CHECK(m.mean == doctest::Approx(0.5).epsilon(0.005));
  CHECK(m.variance == doctest::Approx(1.0 / 12).epsilon(0.01));
  double covariance = 0, lag = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double x = uniform(7, 1, i);
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    covariance += (x - 0.5) * (uniform(7, 2, i) - 0.5) / kDraws;
    lag += (x - 0.5) * (uniform(7, 1, i + 1) - 0.5) / kDraws;
  }
  CHECK(std::fabs(covariance) < 0.001);
  CHECK(std::fabs(lag) < 0.001);
}

TEST_CASE("rng: uniform_below covers its range evenly") {
  std::array<int, 10> count{};
  for (std::uint64_t i = 0; i < 100000; ++i) ++count.at(uniform_below(3, 0, i, 10));
  for (const int c : count) CHECK(c == doctest::Approx(10000).epsilon(0.05));
  CHECK(uniform_below(3, 0, 0, 1) == 0);
}

TEST_CASE("rng: normal has the moments and the tails of a normal") {
  constexpr int kDraws = 400000;
  const auto m = moments_of([](std::uint64_t i) { return normal(8, 4, i); }, kDraws);
  CHECK(std::fabs(m.mean) < 0.006);
  CHECK(m.variance == doctest::Approx(1).epsilon(0.01));
  CHECK(m.fourth == doctest::Approx(3).epsilon(0.03));
  int beyond_one = 0, beyond_three = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double x = normal(8, 4, i);
    beyond_one += x > 1;
    beyond_three += x < -3;
  }
  CHECK(beyond_one == doctest::Approx(kDraws * 0.158655).epsilon(0.02));
  CHECK(beyond_three == doctest::Approx(kDraws * 0.00134990).epsilon(0.15));
}

TEST_CASE("rng: normal is Box-Muller as libm would compute it") {
  double worst = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const auto bits = random_bits(21, 5, i);
    const double u = (static_cast<double>(bits >> 32) + 1) * 0x1p-32;
    const double t = (static_cast<double>(bits & 0xffffffffu) + 0.5) * 0x1p-32;
    const double want = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * t);
    worst = std::max(worst, std::fabs(normal(21, 5, i) - want));
  }
  CHECK(worst < 3e-15);
}

TEST_CASE("rng: arrays are the scalar draws, so that any part can be drawn alone") {
  std::vector<float> all(100), tail(40);
  fill_normal(1, 2, 0, 0.5, 2.0, all);
  fill_normal(1, 2, 60, 0.5, 2.0, tail);
  CHECK(std::vector<float>(all.begin() + 60, all.end()) == tail);
  CHECK(all[3] == static_cast<float>(0.5 + 2.0 * normal(1, 2, 3)));
  fill_uniform(1, 2, 10, -1, 3, tail);
  CHECK(tail[5] == static_cast<float>(-1 + 4 * uniform(1, 2, 15)));
}
