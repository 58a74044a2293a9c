#include "base/lookups.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/rng.h"

namespace leto {
namespace {

constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr double kSteepest = 4;

/// The k-th row in popularity lies at place(k): a permutation of the table without a list of it.
class Spread {
 public:
  explicit Spread(std::int64_t rows) : rows_(static_cast<std::uint64_t>(rows)) {
    constexpr double kGolden = 0.6180339887498949;
    step_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(rows) * kGolden));
    while (std::gcd(step_, rows_) != 1) ++step_;
  }
  std::int64_t place(std::int64_t k) const {
    return static_cast<std::int64_t>(static_cast<unsigned __int128>(k) * step_ % rows_);
  }

 private:
  std::uint64_t rows_, step_;
};

/// The rank whose share of the integral of x^-s from 1 to rows + 1 is `u`.
std::int64_t zipf_rank(double u, double s, std::int64_t rows) {
  const double end = static_cast<double>(rows) + 1;
  const double x =
      std::abs(s - 1) < 1e-9 ? std::pow(end, u) : std::pow(1 + u * (std::pow(end, 1 - s) - 1), 1 / (1 - s));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(x) - 1, 0, rows - 1);
}

std::vector<std::int64_t> reused(const std::vector<ReuseBin>& bins, std::int64_t count, std::int64_t rows,
                                 std::uint64_t seed, std::uint64_t stream) {
  const Spread spread(rows);
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(count));
  std::int64_t row = 0;
  double share = 0;
  for (const ReuseBin& bin : bins) {
    share += bin.lookups;
    const auto end = std::min<std::int64_t>(count, std::llround(share * static_cast<double>(count)));
    while (std::ssize(out) < end) {
      // Within a bin small counts are the likelier: the logarithm is uniform.
      const double low = static_cast<double>(bin.above + 1), high = static_cast<double>(bin.most) + 1;
      const double u = uniform(seed, stream, static_cast<std::uint64_t>(row));
      const auto times = std::min<std::int64_t>(static_cast<std::int64_t>(low * std::pow(high / low, u)),
                                                end - std::ssize(out));
      out.insert(out.end(), static_cast<std::size_t>(times), spread.place(row++ % rows));
    }
  }
  while (std::ssize(out) < count) out.push_back(spread.place(row++ % rows));
  const auto shuffle = random_bits(seed, stream, ~std::uint64_t{0});
  for (std::size_t i = out.size(); i > 1; --i)
    std::swap(out[i - 1], out[uniform_below(shuffle, stream, i, i)]);
  return out;
}

[[noreturn]] void damaged(const std::string& line) {
  throw Error(ExitCode::bad_input, fmt::format("histogram of reuse: cannot read '{}'", line),
              "restore the file in traces/embeddings");
}

/// "(4, 8]: 0.138" or "(32768+: 0.076".
ReuseBin bin_of(const std::string& line, std::size_t position) {
  ReuseBin bin{position == 0 ? 0 : std::int64_t{1} << (position - 1), std::int64_t{1} << position, 0, 0};
  const auto colon = line.find(": ");
  if (line.empty() || line[0] != '(' || colon == std::string::npos) damaged(line);
  const char* end = line.data() + line.size();
  const auto [next, error] = std::from_chars(line.data() + colon + 2, end, bin.rows);
  if (error != std::errc{} || next != end || !(bin.rows >= 0 && bin.rows <= 1)) damaged(line);
  return bin;
}

std::vector<ReuseBin> bins_after(const std::vector<std::string>& lines, std::string_view title) {
  auto line = std::find(lines.begin(), lines.end(), title);
  if (line == lines.end()) damaged(std::string(title));
  std::vector<ReuseBin> bins;
  for (++line; line != lines.end() && !line->empty() && line->front() == '('; ++line)
    bins.push_back(bin_of(*line, bins.size()));
  return bins;
}

}  // namespace

LookupLaw parse_lookup_law(std::string_view text, const std::filesystem::path& histogram) {
  if (text == "uniform") return {};
  if (text == "production") return {LookupLaw::Kind::reuse, 0, read_reuse(histogram)};
  constexpr std::string_view kZipf = "zipf=";
  if (text.substr(0, kZipf.size()) == kZipf) {
    LookupLaw law{LookupLaw::Kind::zipf, 0, {}};
    const char* end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data() + kZipf.size(), end, law.exponent);
    if (error == std::errc{} && next == end && law.exponent > 0 && law.exponent <= kSteepest) return law;
  }
  throw Error(ExitCode::usage, fmt::format("--lookups {}: no such law", text),
              "give uniform, zipf=EXPONENT (above 0, to 4) or production");
}

std::vector<std::int64_t> draw_lookups(const LookupLaw& law, std::int64_t count, std::int64_t rows,
                                       std::uint64_t seed, std::string_view name) {
  const std::uint64_t stream = fnv1a(name);
  if (law.kind == LookupLaw::Kind::reuse) return reused(law.bins, count, rows, seed, stream);
  const Spread spread(rows);
  std::vector<std::int64_t> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = law.kind == LookupLaw::Kind::uniform
                 ? static_cast<std::int64_t>(uniform_below(seed, stream, i, static_cast<std::uint64_t>(rows)))
                 : spread.place(zipf_rank(uniform(seed, stream, i), law.exponent, rows));
  return out;
}

std::vector<ReuseBin> read_reuse(const std::filesystem::path& path) {
  const std::string text = read_text(path, kMostBytes);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  auto bins = bins_after(lines, "Histogram of col sizes:");
  const auto lookups = bins_after(lines, "Ratio of index distribution at different column sizes:");
  if (bins.size() != lookups.size() || bins.empty()) damaged("two histograms of one length");
  for (std::size_t i = 0; i < bins.size(); ++i) bins[i].lookups = lookups[i].rows;
  return bins;
}

std::vector<ReuseBin> reuse_of(std::vector<std::int64_t> lookups, const std::vector<ReuseBin>& like) {
  std::sort(lookups.begin(), lookups.end());
  std::vector<ReuseBin> bins = like;
  for (ReuseBin& bin : bins) bin.rows = bin.lookups = 0;
  double rows = 0;
  for (std::size_t i = 0; i < lookups.size();) {
    std::size_t end = i;
    while (end < lookups.size() && lookups[end] == lookups[i]) ++end;
    const auto times = static_cast<std::int64_t>(end - i);
    auto bin = std::find_if(bins.begin(), bins.end(), [&](const ReuseBin& b) { return times <= b.most; });
    if (bin == bins.end()) --bin;
    bin->rows += 1;
    bin->lookups += static_cast<double>(times);
    rows += 1;
    i = end;
  }
  for (ReuseBin& bin : bins) {
    bin.rows /= std::max(1.0, rows);
    bin.lookups /= std::max(1.0, static_cast<double>(lookups.size()));
  }
  return bins;
}

}  // namespace leto
