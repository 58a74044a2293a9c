// NumPy's .npy format, version 1.0: little-endian, C order, types f4 f2 i4 i8 i1 u1. Anything else is refused
// with the conversion that the author of the file can do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace leto {

enum class NpyType : std::uint8_t { f4, f2, i4, i8, i1, u1 };
/// Bytes of one element.
int size_of(NpyType type);
/// "<f4", "|u1", …
std::string_view descr_of(NpyType type);

struct NpyArray {
  NpyType type = NpyType::f4;
  std::vector<std::int64_t> shape;  // empty for a scalar
  std::vector<std::byte> data;      // dense, row-major
  bool operator==(const NpyArray&) const = default;
};
/// Product of the shape.
std::int64_t elements(const NpyArray& array);

/// Throws Error(bad_input) naming `where` when the bytes are not exactly one such array.
NpyArray npy_from_bytes(std::span<const std::byte> bytes, std::string_view where);
/// Throws Error(internal) when `data` is not the size that type and shape say.
std::vector<std::byte> to_bytes(const NpyArray& array);

/// File forms; written whole or not at all.
NpyArray load_npy(const std::filesystem::path& path);
void save_npy(const NpyArray& array, const std::filesystem::path& path);

/// Elements as fp32: exact for f4, f2 and the 8-bit types, nearest for i4 and i8.
std::vector<float> to_floats(const NpyArray& array);
/// Throws Error(internal) when the shape does not hold as many values; so does npy_from_integers.
NpyArray npy_from_floats(std::span<const float> values, std::vector<std::int64_t> shape);
/// Elements as integers; throws Error(bad_input) naming `where` for f4 and f2 arrays.
std::vector<std::int64_t> to_integers(const NpyArray& array, std::string_view where);
NpyArray npy_from_integers(std::span<const std::int64_t> values, std::vector<std::int64_t> shape);

}  // namespace leto
