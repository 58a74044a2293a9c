// Rows of int8 with a scale and a bias of their own, as tables of embeddings are kept: an element is
// fp32(scale * q) + bias, and both stand behind the row's elements. FBGEMM's 8-bit row-wise form, but for its
// unsigned q (ours is theirs less 128, and the bias greater by 128 scales).
#pragma once

#include <cstdint>
#include <vector>

namespace leto {

/// Bytes behind a row's elements: fp32 scale, fp32 bias.
inline constexpr std::int64_t kInt8RowTail = 8;

/// What the width must be a multiple of, so that the scale lies where fp32 may lie.
inline constexpr std::int64_t kInt8RowAlignment = 4;

/// The rows of x[rows, width] as int8[rows, width + kInt8RowTail]: numbers from -128 to 127. The scale is the
/// row's range over 255; x of one value has scale 0 and that value as bias.
std::vector<float> int8_rows(const std::vector<float>& x, std::int64_t width);

/// Of a row of int8 numbers, behind its `width` elements.
struct Int8RowTail {
  float scale, bias;
};
template <class T>
Int8RowTail int8_row_tail(const T* row, std::int64_t width);

}  // namespace leto
