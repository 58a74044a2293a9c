// Data sets of traces/ that a recipe trains on: images and their labels, a part of them kept for the test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto::host {

struct Samples {
  std::int64_t image = 0;            // pixels of an image
  std::vector<float> pixels;         // count x image, in [0, 1], exact in bf16
  std::vector<std::int64_t> labels;  // 0..9
  std::int64_t count() const { return std::ssize(labels); }
};

/// The samples with these numbers, in this order.
Samples pick(const Samples& all, std::span<const std::int64_t> which);

struct DataSet {
  Samples train, test;
};

/// "digits" (8x8, 1,437 to train on and 360 to test with) or "mnist" (28x28, 8,000 and 2,000 of the 10,000
/// images of its test set), split by a shuffle that depends on the seed alone. Error(unsupported) on another
/// name.
DataSet load_data_set(std::string_view name, std::uint64_t seed);

/// All samples of a set, in the file's order. Error(bad_input) when a file is damaged.
Samples read_samples(std::string_view name);

/// The order of `count` things under a seed: Fisher-Yates on the counter-based generator.
std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, std::string_view stream);

/// Folder of traces/: beside the binary when installed, else the source tree.
std::filesystem::path traces();

}  // namespace leto::host
