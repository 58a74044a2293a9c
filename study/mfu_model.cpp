#include "study/mfu_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

namespace leto::study {
namespace {

constexpr std::size_t kNeighbours = 3;
/// Parts of another peak come after rows of the same one, however far those are in size.
constexpr double kPeakWeight = 10;
/// A tenth of the leave-one-out errors lies outside the interval, half of it on each side.
constexpr double kOutside = 0.05;

double apart(double a, double b) {
  return a > 0 && b > 0 ? std::abs(std::log(a / b)) : 0;
}

double distance(const TrainingPoint& point, const TrainingRow& row, double peak_flops) {
  return apart(point.parameters, row.parameters) + apart(double(point.sequence), double(row.sequence)) +
         apart(double(point.devices), double(row.devices)) /
             4 +  // scaling out costs less than length or size
         kPeakWeight * apart(point.peak_flops, peak_flops);
}

double peak_of(const Baseline& baseline, const TrainingRow& row) {
  const Figure* peak = baseline.figure("peak_" + row.precision);
  return peak ? peak->value * 1e12 : row.of_peak_flops;
}

/// The mean of what `share` says of each.
double mean(const auto& items, auto&& share) {
  double sum = 0;
  for (const auto* item : items) sum += std::invoke(share, *item);
  return sum / double(items.size());
}

double quantile(std::vector<double> sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - double(below));
}

}  // namespace

MfuModel::MfuModel(const std::vector<Baseline>& baselines) {
  for (const Baseline& b : baselines)
    for (const TrainingRow& row : b.training)
      if (row.from.kind == Kind::measured) entries_.push_back({b.name, row, peak_of(b, row)});
  for (const Entry& e : entries_) {
    const TrainingPoint point{e.row.precision, e.row.parameters, e.row.sequence, e.row.devices, e.peak_flops};
    if (const auto rows = nearest(point, &e); !rows.empty())
      checks_.push_back({e.part, &e.row, e.share(), mean(rows, &Entry::share)});
  }
}

std::vector<const MfuModel::Entry*> MfuModel::nearest(const TrainingPoint& point,
                                                      const Entry* without) const {
  std::vector<const Entry*> rows;
  for (const Entry& e : entries_)
    if (&e != without && e.row.precision == point.precision) rows.push_back(&e);
  std::ranges::stable_sort(rows, {}, [&](const Entry* e) {
    return std::tuple(distance(point, e->row, e->peak_flops), e->row.id, e->row.mfu);
  });
  rows.resize(std::min(rows.size(), kNeighbours));
  return rows;
}

std::optional<MfuPrediction> MfuModel::predict(const TrainingPoint& point) const {
  const auto rows = nearest(point, nullptr);
  if (rows.empty()) return std::nullopt;
  MfuPrediction out;
  out.share = mean(rows, &Entry::share);
  for (const Entry* e : rows) out.rests_on.push_back(&e->row);
  std::vector<double> truth;  // measured over predicted
  for (const Check& check : checks_)
    if (check.row->precision == point.precision) truth.push_back(check.measured / check.predicted);
  std::ranges::sort(truth);
  out.low = truth.empty() ? 0 : out.share * std::min(1.0, quantile(truth, kOutside));
  out.high = truth.empty() ? 1 : std::min(1.0, out.share * std::max(1.0, quantile(truth, 1 - kOutside)));
  return out;
}

std::string mfu_table(const MfuModel& model) {
  std::map<std::tuple<std::string, std::string, double>, std::vector<const MfuModel::Check*>> groups;
  for (const MfuModel::Check& check : model.checks())
    groups[{check.part, check.row->precision, check.row->parameters}].push_back(&check);
  std::string out =
      "| part | precision | parameters | rows | measured MFU | predicted | mean error | largest |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const auto& [key, checks] : groups) {
    using Check = MfuModel::Check;
    const auto worst =
        std::ranges::max_element(checks, {}, [](const Check* c) { return std::abs(c->error()); });
    const double measured = mean(checks, [](const Check& c) { return c.measured; });
    const double predicted = mean(checks, [](const Check& c) { return c.predicted; });
    const double error = mean(checks, &Check::error), largest = (*worst)->error();
    const auto& [part, precision, parameters] = key;
    out += fmt::format("| {} | {} | {} | {} | {:.1f} % | {:.1f} % | {:+.1f} % | {:+.1f} % |\n", part,
                       precision, parameters > 0 ? fmt::format("{:.3g} G", parameters / 1e9) : "not stated",
                       checks.size(), measured * 100, predicted * 100, error * 100, largest * 100);
  }
  return out;
}

}  // namespace leto::study
