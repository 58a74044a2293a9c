#include "apps/host/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "apps/host/packed_file.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"

namespace leto::host {
namespace {

constexpr std::int64_t kClasses = 10;

// ---- digits: lines of 64 pixels 0..16 and a label ----

constexpr std::int64_t kDigitPixels = 64;
constexpr int kDarkest = 16;

/// One line: 64 pixels and a label.
void parse_line(std::string_view line, const std::string& where, Samples& samples) {
  const auto bad = [&](const char* what) {
    return Error(ExitCode::bad_input, fmt::format("{}: {}", where, what),
                 "write 64 pixels 0..16 and a label 0..9, separated by commas");
  };
  const char* at = line.data();
  const char* const end = at + line.size();
  for (std::int64_t i = 0; i <= kDigitPixels; ++i) {
    int value = -1;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value < 0) throw bad("not a number");
    if ((i == kDigitPixels) != (next == end) || (next != end && *next != ',')) throw bad("not 65 numbers");
    if (value > (i == kDigitPixels ? kClasses - 1 : kDarkest)) throw bad("a number is too large");
    if (i < kDigitPixels)
      samples.inputs.push_back(static_cast<float>(value) / kDarkest);
    else
      samples.labels.push_back(value);
    at = next + (next != end);
  }
}

Samples read_digits(const std::filesystem::path& path) {
  const auto text = gunzip(path);
  Samples samples;
  samples.width = kDigitPixels;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    parse_line(std::string_view(text).substr(at, end - at), fmt::format("{}:{}", path.string(), ++number),
               samples);
    at = end + 1;
  }
  return samples;
}

// ---- mnist: IDX files, a header of big-endian numbers and then bytes ----

constexpr std::int64_t kMnistPixels = 28 * 28;
constexpr float kMnistScale = 1.0F / 256;  // a power of two: the eight bits of a pixel stay exact in bf16

/// The bytes behind an IDX header of `dimensions` sizes, which must multiply to their number.
std::string idx_bytes(const std::filesystem::path& path, int dimensions) {
  auto file = gunzip(path);
  const auto number = [&](int i) {
    std::uint32_t value = 0;
    for (int byte = 0; byte < 4; ++byte)
      value = value << 8 | static_cast<unsigned char>(file[static_cast<std::size_t>(4 * i + byte)]);
    return value;
  };
  const auto header = static_cast<std::size_t>(4 * (1 + dimensions));
  constexpr std::uint32_t kUnsignedBytes = 0x800;
  if (file.size() < header || number(0) != kUnsignedBytes + static_cast<std::uint32_t>(dimensions))
    damaged(path, fmt::format("no IDX file of {} dimensions", dimensions));
  double count = 1;
  for (int i = 1; i <= dimensions; ++i) count *= number(i);
  if (count != static_cast<double>(file.size() - header)) damaged(path, "not the size that its header says");
  return file.substr(header);
}

Samples read_mnist(const std::filesystem::path& folder) {
  const auto images = idx_bytes(folder / "t10k-images-idx3-ubyte.gz", 3);
  const auto labels = idx_bytes(folder / "t10k-labels-idx1-ubyte.gz", 1);
  if (images.size() != labels.size() * static_cast<std::size_t>(kMnistPixels))
    damaged(folder, "images and labels do not match");
  Samples samples;
  samples.width = kMnistPixels;
  for (const char pixel : images)
    samples.inputs.push_back(static_cast<float>(static_cast<unsigned char>(pixel)) * kMnistScale);
  for (const char label : labels) {
    if (label < 0 || label >= kClasses) damaged(folder, "a label is above 9");
    samples.labels.push_back(label);
  }
  return samples;
}

// ---- names: a text of the letters a to z, one name a line ----

constexpr std::int64_t kLetters = 27;  // and the end of a line, which is token 0

/// a = 1 … z = 26.
std::vector<std::int64_t> read_tokens(const std::filesystem::path& path) {
  std::vector<std::int64_t> tokens;
  for (const char c : gunzip(path)) {
    if (c != '\n' && (c < 'a' || c > 'z')) damaged(path, "not only names of the letters a to z");
    tokens.push_back(c == '\n' ? 0 : c - 'a' + 1);
  }
  return tokens;
}

/// Every token's label is the token after it.
Samples read_names(const std::filesystem::path& path, std::int64_t window) {
  const auto tokens = read_tokens(path);
  const auto used = window < 1 ? 0 : (std::ssize(tokens) - 1) / window * window;
  if (used < 1)
    throw Error(ExitCode::bad_input, fmt::format("data = \"names\": no windows of {} characters", window),
                "use a model of tokens [batch, sequence]: leto zoo gpt2-small");
  Samples samples;
  samples.width = samples.targets = window;
  samples.kinds = kLetters;
  samples.text = true;
  samples.inputs.assign(tokens.begin(), tokens.begin() + used);
  samples.labels.assign(tokens.begin() + 1, tokens.begin() + 1 + used);
  return samples;
}

struct Set {
  std::string_view name;
  std::int64_t test;  // samples kept for it
  Samples (*read)(std::int64_t window);
};

constexpr Set kSets[] = {
    {"digits", 360, [](std::int64_t) { return read_digits(traces() / "digits" / "digits.csv.gz"); }},
    {"mnist", 2000, [](std::int64_t) { return read_mnist(traces() / "mnist"); }},
    {"names", 0, [](std::int64_t window) { return read_names(traces() / "text" / "names.txt.gz", window); }},
};

const Set& set_of(std::string_view name) {
  for (const auto& set : kSets)
    if (set.name == name) return set;
  throw Error(ExitCode::unsupported, fmt::format("data = \"{}\": no such data set here", name),
              "use data = \"digits\", \"mnist\" or \"names\", or leave it out and give --inputs");
}

}  // namespace

Samples pick(const Samples& all, std::span<const std::int64_t> which) {
  Samples some{all.width, all.targets, {}, {}, all.kinds, all.text};
  for (const auto i : which) {
    const auto input = all.inputs.begin() + i * all.width;
    const auto label = all.labels.begin() + i * all.targets;
    some.inputs.insert(some.inputs.end(), input, input + all.width);
    some.labels.insert(some.labels.end(), label, label + all.targets);
  }
  return some;
}

std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, std::string_view stream) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (auto i = static_cast<std::uint64_t>(count); i > 1; --i)
    std::swap(order[i - 1], order[uniform_below(seed, fnv1a(stream), i, i)]);
  return order;
}

std::filesystem::path traces() {
  const auto binary = std::filesystem::read_symlink("/proc/self/exe");
  const auto installed = binary.parent_path().parent_path() / "share" / "leto" / "traces";
  return std::filesystem::is_directory(installed) ? installed
                                                  : std::filesystem::path(LETO_SOURCE_DATA) / "traces";
}

Samples read_samples(std::string_view name, std::int64_t window) {
  return set_of(name).read(window);
}

DataSet load_data_set(std::string_view name, std::uint64_t seed, std::int64_t window) {
  const auto& set = set_of(name);
  const auto all = set.read(window);
  if (all.count() <= set.test) damaged(traces() / name, fmt::format("only {} samples", all.count()));
  const auto order = shuffled(all.count(), seed, fmt::format("{}.split", name));
  const std::span<const std::int64_t> whole(order);
  const auto train = static_cast<std::size_t>(all.count() - set.test);
  return {pick(all, whole.first(train)), pick(all, whole.subspan(train))};
}

}  // namespace leto::host
