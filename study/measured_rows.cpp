#include "study/measured_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/errors.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

constexpr std::size_t kNeighbours = 3;
constexpr double kSame = 0.001;    // of a logarithm: the same shape
constexpr double kOutside = 0.05;  // share of the errors beyond each end of the interval

double distance(const MeasuredRow& a, const MeasuredRow& b) {
  return std::abs(std::log(a.rows / b.rows)) + std::abs(std::log(a.columns / b.columns));
}

/// "MxN" or "MxNxK".
bool read_extents(const char* text, double& rows, double& columns) {
  long long m = 0, n = 0, k = 1;
  if (std::sscanf(text, "%18lldx%18lldx%18lld", &m, &n, &k) < 2 || m <= 0 || n <= 0 || k <= 0) return false;
  rows = double(m);
  columns = double(n) * double(k);
  return true;
}

/// Of a row's figure, in a second.
double per_second(const Fact& fact) {
  return fact.unit == "TFLOP/s" ? 1e12 : fact.unit == "Gelem/s" ? 1e9 : 0;
}

MeasuredRow row_of(const Fact& fact) {
  const std::size_t shape = fact.key.rfind('.');
  const std::size_t precision = shape == std::string::npos ? shape : fact.key.rfind('.', shape - 1);
  MeasuredRow row{"", "", 0, 0, &fact};
  if (precision == std::string::npos || !read_extents(fact.key.c_str() + shape + 1, row.rows, row.columns) ||
      fact.value <= 0 || per_second(fact) == 0)
    throw Error(ExitCode::bad_input,
                fmt::format("'{}' ({} {}) is no measured rate of a shape", fact.key, fact.value, fact.unit),
                "write <part>.<precision>.<M>x<N>[x<K>], in TFLOP/s or Gelem/s");
  row.part = fact.key.substr(0, precision);
  row.precision = fact.key.substr(precision + 1, shape - precision - 1);
  return row;
}

/// The rows' mean on the logarithm, the nearer one counting for more; per second.
double between(const std::vector<const MeasuredRow*>& rows, const MeasuredRow& to) {
  double sum = 0, weights = 0;
  for (const MeasuredRow* row : rows) {
    const double weight = 1 / std::max(distance(*row, to), kSame);
    sum += weight * std::log(row->fact->value * per_second(*row->fact));
    weights += weight;
  }
  return std::exp(sum / weights);
}

}  // namespace

std::optional<Kernel> kernel_of(const Record& r) {
  Kernel kernel;
  if (!r.kernel) return std::nullopt;
  char name[32], dtype[32], extents[96];
  if (std::sscanf(r.kernel->c_str(), "%31s %31s %95s", name, dtype, extents) != 3 ||
      !read_extents(extents, kernel.rows, kernel.columns))
    return std::nullopt;
  kernel.name = name;
  kernel.dtype = std::string_view(dtype).starts_with("fp8") ? "fp8" : dtype;
  if (std::ranges::find(kMeasuredKernels, kernel.name) == std::end(kMeasuredKernels)) return std::nullopt;
  return kernel;
}

Counted counted_in(const Record& r) {
  if (r.flops > 0) return {double(r.flops), "FLOP/s", precision_of(r), "flops"};
  const auto kernel = kernel_of(r);
  if (!kernel) return {};
  return {kernel->rows * kernel->columns * double(std::max<std::int64_t>(1, r.steps)), "elem/s",
          kernel->dtype, "kernel, steps"};
}

MeasuredRows::MeasuredRows(const FactTable& table) : table_(table) {
  for (const Fact& fact : table_.facts()) rows_.push_back(row_of(fact));
}

/// But for `to` itself.
std::vector<const MeasuredRow*> MeasuredRows::nearest(const std::string& part, const std::string& precision,
                                                      const MeasuredRow& to) const {
  std::vector<const MeasuredRow*> out;
  for (const MeasuredRow& row : rows_)
    if (&row != &to && row.part == part && row.precision == precision) out.push_back(&row);
  std::ranges::stable_sort(out, {}, [&](const MeasuredRow* row) { return distance(*row, to); });
  out.resize(std::min(out.size(), kNeighbours));
  return out;
}

std::vector<double> MeasuredRows::left_out(const std::string& part, const std::string& precision) const {
  std::vector<double> ratios;
  for (const MeasuredRow& row : rows_)
    if (row.part == part && row.precision == precision)
      if (const auto others = nearest(part, precision, row); !others.empty())
        ratios.push_back(between(others, row) / (row.fact->value * per_second(*row.fact)));
  std::ranges::sort(ratios);
  return ratios;
}

std::optional<RowPrediction> MeasuredRows::predict(const std::string& part, const std::string& precision,
                                                   const Kernel& kernel) const {
  const MeasuredRow to{part, precision, kernel.rows, kernel.columns, nullptr};
  const auto rows = nearest(part, precision, to);
  if (rows.empty()) return std::nullopt;
  RowPrediction out;
  if (distance(*rows[0], to) < kSame) {
    const Fact& fact = *rows[0]->fact;
    const double unit = per_second(fact);
    return RowPrediction{fact.value * unit, fact.low * unit, fact.high * unit, true, {&fact}};
  }
  out.rate = between(rows, to);
  for (const MeasuredRow* row : rows) out.rests_on.push_back(row->fact);
  const auto ratios = left_out(part, precision);
  if (ratios.empty()) return std::nullopt;  // one row says nothing of another shape
  const auto at = [&](double share) {
    return ratios[std::size_t(std::lround(share * double(ratios.size() - 1)))];
  };
  out.low = out.rate / std::max(1.0, at(1 - kOutside));
  out.high = out.rate / std::min(1.0, at(kOutside));
  return out;
}

}  // namespace leto::study
