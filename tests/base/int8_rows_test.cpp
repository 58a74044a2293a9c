#include "base/int8_rows.h"

#include <doctest/doctest.h>

#include <cmath>

namespace leto {

TEST_CASE("int8 rows: an element comes back within half a step, a row's ends and equal elements exactly") {
  constexpr std::int64_t kWidth = 8;
  std::vector<float> x;
  for (int i = 0; i < 5 * kWidth; ++i) x.push_back(std::sin(float(i)) * float(1 + i / kWidth));
  x.insert(x.end(), kWidth, 0.3F);
  x.insert(x.end(), kWidth, 0.0F);
  const std::vector<float> q = int8_rows(x, kWidth);
  REQUIRE(q.size() == x.size() / kWidth * (kWidth + kInt8RowTail));
  for (std::size_t r = 0; r < x.size() / kWidth; ++r) {
    const float* row = q.data() + r * (kWidth + kInt8RowTail);
    const auto [scale, bias] = int8_row_tail(row, kWidth);
    float low = 127, high = -128;
    for (std::size_t k = 0; k < kWidth; ++k) {
      CHECK(row[k] == std::trunc(row[k]));
      CHECK(std::fabs(row[k] * scale + bias - x[r * kWidth + k]) <= 0.5001F * scale);
      low = std::min(low, row[k]), high = std::max(high, row[k]);
    }
    if (r < 5) CHECK((low == -128 && high == 127));
    if (r >= 5) CHECK((scale == 0 && bias == x[r * kWidth]));
  }
}

TEST_CASE("int8 rows: scale and bias are the bits of fp32, whatever type the bytes are numbers of") {
  const std::vector<float> q = int8_rows({-1, 0, 2, 4.1F}, 4);
  const std::vector<double> wide(q.begin(), q.end());
  CHECK(int8_row_tail(q.data(), 4).scale == (4.1F + 1) / 255);
  CHECK(int8_row_tail(wide.data(), 4).scale == int8_row_tail(q.data(), 4).scale);
  CHECK(int8_row_tail(wide.data(), 4).bias == int8_row_tail(q.data(), 4).bias);
}

}  // namespace leto
