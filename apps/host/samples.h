// Data sets of traces/ that a recipe trains on: images and their labels, a part of them kept for the test, or
// windows of a text and the character after each of theirs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto::host {

struct Samples {
  std::int64_t width = 0;            // pixels of an image, or characters of a window
  std::int64_t targets = 1;          // labels of a sample: one of an image, `width` of a window
  std::vector<float> inputs;         // count x width: pixels in [0, 1], exact in bf16, or tokens
  std::vector<std::int64_t> labels;  // count x targets
  std::int64_t kinds = 10;           // labels, and tokens, are below it
  bool text = false;
  std::int64_t count() const { return std::ssize(labels) / targets; }
};

/// The samples with these numbers, in this order.
Samples pick(const Samples& all, std::span<const std::int64_t> which);

struct DataSet {
  Samples train, test;
};

/// "digits" (8x8, 1,437 to train on and 360 to test with) or "mnist" (28x28, 8,000 and 2,000 of the 10,000
/// images of its test set), split by a shuffle that depends on the seed alone; or "names" (32,033 of them,
/// cut into windows of `window` characters that touch; all to train on). Error(unsupported) on another name.
DataSet load_data_set(std::string_view name, std::uint64_t seed, std::int64_t window);

/// All samples of a set, in the file's order. Error(bad_input) when a file is damaged, or when the text has
/// no such window.
Samples read_samples(std::string_view name, std::int64_t window);

/// The order of `count` things under a seed: Fisher-Yates on the counter-based generator.
std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, std::string_view stream);

/// Folder of traces/: beside the binary when installed, else the source tree.
std::filesystem::path traces();

}  // namespace leto::host
