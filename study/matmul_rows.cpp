#include "study/matmul_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/errors.h"

namespace leto::study {
namespace {

constexpr std::size_t kNeighbours = 3;
constexpr double kSame = 0.001;    // of a logarithm: the same shape
constexpr double kOutside = 0.05;  // share of the errors beyond each end of the interval
constexpr double kTera = 1e12;

double distance(const MatmulShape& a, const MatmulShape& b) {
  return std::abs(std::log(a.m / b.m)) + std::abs(std::log(a.weights / b.weights));
}

MatmulRow row_of(const Fact& fact) {
  const auto wrong = [&] {
    return Error(ExitCode::bad_input, fmt::format("study/tables/matmul.toml: '{}' is no shape", fact.key),
                 "write <part>.<precision>.<M>x<N>x<K>");
  };
  const std::size_t shape = fact.key.rfind('.');
  const std::size_t precision = shape == std::string::npos ? shape : fact.key.rfind('.', shape - 1);
  double m = 0, n = 0, k = 0;
  if (precision == std::string::npos ||
      std::sscanf(fact.key.c_str() + shape, ".%lfx%lfx%lf", &m, &n, &k) != 3 || m <= 0 || n * k <= 0 ||
      fact.value <= 0)
    throw wrong();
  return {fact.key.substr(0, precision),
          fact.key.substr(precision + 1, shape - precision - 1),
          {m, n * k},
          &fact};
}

/// TFLOP/s: the rows' mean on the logarithm, the nearer one counting for more.
double between(const std::vector<const MatmulRow*>& rows, const MatmulShape& shape) {
  double sum = 0, weights = 0;
  for (const MatmulRow* row : rows) {
    const double weight = 1 / std::max(distance(row->shape, shape), kSame);
    sum += weight * std::log(row->fact->value);
    weights += weight;
  }
  return std::exp(sum / weights);
}

}  // namespace

std::optional<MatmulShape> shape_of(const Record& r) {
  const auto products = std::ranges::count_if(r.ops, [](const OperationRecord& op) { return op.flops > 0; });
  if (!r.recipe.empty() || r.ops.size() != 1 || products != 1 || r.parameters <= 0 || r.flops <= 0)
    return std::nullopt;
  const double steps = double(std::max<std::int64_t>(1, r.steps));
  return MatmulShape{double(r.flops) / steps / 2 / double(r.parameters), double(r.parameters)};
}

MatmulRows::MatmulRows(const FactTable& table) : table_(table) {
  for (const Fact& fact : table_.facts()) rows_.push_back(row_of(fact));
}

std::vector<const MatmulRow*> MatmulRows::nearest(const std::string& part, const std::string& precision,
                                                  const MatmulShape& shape, const MatmulRow* without) const {
  std::vector<const MatmulRow*> out;
  for (const MatmulRow& row : rows_)
    if (&row != without && row.part == part && row.precision == precision) out.push_back(&row);
  std::ranges::stable_sort(out, {}, [&](const MatmulRow* row) { return distance(row->shape, shape); });
  out.resize(std::min(out.size(), kNeighbours));
  return out;
}

std::vector<double> MatmulRows::left_out(const std::string& part, const std::string& precision) const {
  std::vector<double> ratios;
  for (const MatmulRow& row : rows_)
    if (row.part == part && row.precision == precision)
      if (const auto others = nearest(part, precision, row.shape, &row); !others.empty())
        ratios.push_back(between(others, row.shape) / row.fact->value);
  std::ranges::sort(ratios);
  return ratios;
}

std::optional<MatmulPrediction> MatmulRows::predict(const std::string& part, const std::string& precision,
                                                    const MatmulShape& shape) const {
  const auto rows = nearest(part, precision, shape, nullptr);
  if (rows.empty()) return std::nullopt;
  MatmulPrediction out;
  if (distance(rows[0]->shape, shape) < kSame) {
    const Fact& fact = *rows[0]->fact;
    return MatmulPrediction{fact.value * kTera, fact.low * kTera, fact.high * kTera, true, {&fact}};
  }
  out.flops_per_s = between(rows, shape) * kTera;
  for (const MatmulRow* row : rows) out.rests_on.push_back(row->fact);
  const auto ratios = left_out(part, precision);
  if (ratios.empty()) return std::nullopt;  // one row says nothing of another shape
  const auto at = [&](double share) {
    return ratios[std::size_t(std::lround(share * double(ratios.size() - 1)))];
  };
  out.low = out.flops_per_s / std::max(1.0, at(1 - kOutside));
  out.high = out.flops_per_s / std::min(1.0, at(kOutside));
  return out;
}

}  // namespace leto::study
