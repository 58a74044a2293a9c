#include "apps/host/digits.h"

#include <fmt/format.h>
#include <zlib.h>

#include <charconv>
#include <memory>
#include <numeric>

#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"

namespace leto::host {
namespace {

constexpr std::int64_t kTestSamples = 360;
constexpr int kDarkest = 16;
constexpr std::size_t kUnpackedLimit = 16 << 20;  // the set unpacks to 0.3 MB

std::string gunzip(const std::filesystem::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file)
    throw Error(ExitCode::bad_input, fmt::format("{}: cannot be opened", path.string()),
                "traces/ of the source tree holds it");
  std::string text;
  std::vector<char> chunk(1 << 16);
  int got = 0;
  while ((got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0 &&
         text.size() < kUnpackedLimit)
    text.append(chunk.data(), static_cast<std::size_t>(got));
  if (got != 0)
    throw Error(ExitCode::bad_input, fmt::format("{}: damaged, or not gzip", path.string()),
                "restore the file from traces/");
  return text;
}

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
    if (value > (i == kDigitPixels ? kDigitClasses - 1 : kDarkest)) throw bad("a number is too large");
    if (i < kDigitPixels)
      samples.pixels.push_back(static_cast<float>(value) / kDarkest);
    else
      samples.labels.push_back(value);
    at = next + (next != end);
  }
}

Samples pick(const Samples& all, std::span<const std::int64_t> which) {
  Samples some;
  for (const auto i : which) {
    const auto first = all.pixels.begin() + i * kDigitPixels;
    some.pixels.insert(some.pixels.end(), first, first + kDigitPixels);
    some.labels.push_back(all.labels[static_cast<std::size_t>(i)]);
  }
  return some;
}

}  // namespace

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

Samples read_digits(const std::filesystem::path& path) {
  const auto text = gunzip(path);
  Samples samples;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    parse_line(std::string_view(text).substr(at, end - at), fmt::format("{}:{}", path.string(), ++number),
               samples);
    at = end + 1;
  }
  return samples;
}

Digits load_digits(std::uint64_t seed) {
  const auto path = traces() / "digits" / "digits.csv.gz";
  const auto all = read_digits(path);
  if (all.count() <= kTestSamples)
    throw Error(ExitCode::bad_input, fmt::format("{}: only {} samples", path.string(), all.count()),
                "restore the file from traces/");
  const auto order = shuffled(all.count(), seed, "digits.split");
  const std::span<const std::int64_t> whole(order);
  const auto train = static_cast<std::size_t>(all.count() - kTestSamples);
  return {pick(all, whole.first(train)), pick(all, whole.subspan(train))};
}

}  // namespace leto::host
