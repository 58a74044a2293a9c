// The digits data set (traces/digits): 1,797 hand-written 8x8 digits, pixels 0..16.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace leto::host {

inline constexpr std::int64_t kDigitPixels = 64;
inline constexpr std::int64_t kDigitClasses = 10;

struct Samples {
  std::vector<float> pixels;         // count x 64, scaled to [0, 1]: pixel / 16, exact in bf16
  std::vector<std::int64_t> labels;  // 0..9
  std::int64_t count() const { return std::ssize(labels); }
};

/// 1,437 samples to train on and 360 to test with, split by a shuffle that depends on the seed alone.
struct Digits {
  Samples train, test;
};
Digits load_digits(std::uint64_t seed);

/// Reads `pixel,…,pixel,label` lines of a gzipped CSV; Error(bad_input) with file:line on anything else.
Samples read_digits(const std::filesystem::path& path);

/// The order of `count` things under a seed: Fisher-Yates on the counter-based generator.
std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, std::string_view stream);

/// Folder of traces/: beside the binary when installed, else the source tree.
std::filesystem::path traces();

}  // namespace leto::host
