#include "study/rank_correlation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using leto::study::kendall_tau_b;

TEST_CASE("rank correlation: Kendall's tau-b") {
  const std::vector<double> a = {1, 2, 3, 4}, backward = {4, 3, 2, 1}, one_swapped = {1, 3, 2, 4},
                            tied = {1, 2, 2, 3}, flat = {5, 5, 5, 5};
  CHECK(kendall_tau_b(a, a) == doctest::Approx(1));
  CHECK(kendall_tau_b(a, backward) == doctest::Approx(-1));
  CHECK(kendall_tau_b(a, one_swapped) == doctest::Approx(4.0 / 6));
  CHECK(kendall_tau_b(a, tied) == doctest::Approx(5 / std::sqrt(30.0)));
  CHECK(kendall_tau_b(tied, tied) == doctest::Approx(1));
  CHECK(kendall_tau_b(a, flat) == 0);
}
