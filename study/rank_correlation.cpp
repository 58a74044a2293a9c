#include "study/rank_correlation.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace leto::study {
namespace {

int sign(double a, double b) {
  return (a > b) - (a < b);
}

}  // namespace

double kendall_tau_b(std::span<const double> a, std::span<const double> b) {
  std::int64_t agree = 0, in_a = 0, in_b = 0;  // pairs: in the same order less opposite; not tied in a, in b
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const int x = sign(a[i], a[j]), y = sign(b[i], b[j]);
      agree += x * y;
      in_a += x != 0;
      in_b += y != 0;
    }
  if (in_a == 0 || in_b == 0) return 0;
  return static_cast<double>(agree) / std::sqrt(static_cast<double>(in_a) * static_cast<double>(in_b));
}

}  // namespace leto::study
