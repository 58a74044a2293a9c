// Number types of the chip and their conversions, bit for bit (docs/why/002-numerics.md).
//
// Every conversion from fp32 rounds to nearest even, or stochastically with a counter-based draw
// (base/rng.h). Subnormals are kept; a NaN result is canonical (0x7fc00000 in fp32 and its truncation in the
// narrow types). fp8 follows OCP: E4M3 has no infinity and saturates to its NaN only from NaN, finite
// overflow goes to +-448 (saturating); E5M2 is IEEE-like and overflows to infinity.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace leto {

enum class DType : std::uint8_t {
  fp32 = 0,
  bf16 = 1,
  fp16 = 2,
  e4m3 = 3,
  e5m2 = 4,
  int8 = 5,
  int32 = 6,
  int64 = 7
};
inline constexpr int kDTypeCount = 8;

/// Bytes of one element.
int size_of(DType type);
/// "fp32", "bf16", "fp16", "fp8_e4m3", "fp8_e5m2", "int8", "int32", "int64".
std::string_view name_of(DType type);
std::optional<DType> dtype_from_name(std::string_view name);
bool is_float(DType type);

/// The canonical NaN of every arithmetic result.
inline constexpr std::uint32_t kCanonicalNan = 0x7fc00000u;
inline float canonical(float x) {
  return x == x ? x : std::bit_cast<float>(kCanonicalNan);
}

// Scalar conversions; round to nearest even.
std::uint16_t bf16_from_float(float x);
float float_from_bf16(std::uint16_t bits);
std::uint16_t fp16_from_float(float x);
float float_from_fp16(std::uint16_t bits);
std::uint8_t e4m3_from_float(float x);
float float_from_e4m3(std::uint8_t bits);
std::uint8_t e5m2_from_float(float x);
float float_from_e5m2(std::uint8_t bits);

/// Stochastic rounding to bf16: `draw` is uniform over 16 bits; E[result] = x for finite x inside the range.
std::uint16_t bf16_from_float_stochastic(float x, std::uint16_t draw);

/// Reads element `i` of an array of `type` as a number (int types converted to the nearest float).
float load_element(DType type, const std::byte* base, std::int64_t i);
/// Writes `x` as element `i` (RNE; int types truncate towards zero and saturate, NaN becomes 0).
void store_element(DType type, std::byte* base, std::int64_t i, float x);

/// Bulk forms of the two above, `n` contiguous elements. The hot path of the values-on engines.
void load_elements(DType type, const std::byte* from, float* to, std::int64_t n);
void store_elements(DType type, const float* from, std::byte* to, std::int64_t n);

}  // namespace leto
