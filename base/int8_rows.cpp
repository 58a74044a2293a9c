#include "base/int8_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace leto {
namespace {

constexpr float kLeast = -128, kMost = 127;

void append_bytes(float x, std::vector<float>& to) {
  std::int8_t bytes[sizeof x];
  std::memcpy(bytes, &x, sizeof x);
  to.insert(to.end(), std::begin(bytes), std::end(bytes));
}

template <class T>
float from_bytes(const T* from) {
  std::int8_t bytes[sizeof(float)];
  std::transform(from, from + sizeof(float), bytes, [](T x) { return static_cast<std::int8_t>(x); });
  float x;
  std::memcpy(&x, bytes, sizeof x);
  return x;
}

}  // namespace

std::vector<float> int8_rows(const std::vector<float>& x, std::int64_t width) {
  std::vector<float> out;
  out.reserve(x.size() / static_cast<std::size_t>(width) * static_cast<std::size_t>(width + kInt8RowTail));
  for (auto row = x.begin(); row != x.end(); row += width) {
    const auto [low, high] = std::minmax_element(row, row + width);
    const float scale = (*high - *low) / (kMost - kLeast), bias = *low - scale * kLeast;
    for (auto element = row; element != row + width; ++element) {
      const float q = scale == 0 ? 0 : std::nearbyint((*element - bias) / scale);
      out.push_back(std::clamp(q, kLeast, kMost));
    }
    append_bytes(scale, out);
    append_bytes(bias, out);
  }
  return out;
}

template <class T>
Int8RowTail int8_row_tail(const T* row, std::int64_t width) {
  return {from_bytes(row + width), from_bytes(row + width + sizeof(float))};
}
template Int8RowTail int8_row_tail(const float*, std::int64_t);
template Int8RowTail int8_row_tail(const double*, std::int64_t);

}  // namespace leto
