#include "study/baseline_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "study/report/sections.h"
#include "study/roofline_model.h"

namespace leto::study {
namespace {

constexpr double kTera = 1e12, kGiga = 1e9;
const std::string kFlops = "FLOP/s";

std::string origin(const Baseline& b, const std::string& row) {
  return fmt::format("baseline:{}/{}", b.name, row);
}

/// Measured rows of this very workload on this part: their range is the interval.
std::optional<PartRate> measured_training(const Record& r, double parameters, const Baseline& b,
                                          const std::string& precision) {
  std::vector<const TrainingRow*> rows;
  for (const TrainingRow& row : b.training)
    if (row.from.kind == Kind::measured && row.precision == precision && row.sequence == r.sequence &&
        std::abs(row.parameters / parameters - 1) < kSameSize)
      rows.push_back(&row);
  if (rows.empty()) return std::nullopt;
  PartRate out{0, 1e300, 0, kFlops, precision, rows[0]->from, "", {}};
  for (const TrainingRow* row : rows) {
    const double rate = row->mfu * row->of_peak_flops;
    out.low = std::min(out.low, rate);
    out.high = std::max(out.high, rate);
    out.value += rate / double(rows.size());
    out.origins.push_back(origin(b, row->id));
  }
  out.from.note = fmt::format("{} rows, the first is {}", rows.size(), rows[0]->id);
  out.basis = "measured training of this model: " + out.from.note;
  return out;
}

/// Roofline x the measured efficiency of the nearest training rows.
std::optional<PartRate> modelled_training(const Record& r, double parameters, const Baseline& b,
                                          const MfuModel& model, const Figure& peak) {
  const double flops = peak.value * kTera;
  const auto found = model.predict({peak.precision, parameters, r.sequence, 1, flops});
  if (!found) return std::nullopt;
  std::vector<std::string> ids;
  for (const TrainingRow* row : found->rests_on) ids.push_back(row->id);
  PartRate out{
      found->share * flops,    found->low * flops, found->high * flops, kFlops, peak.precision, peak.from, "",
      {origin(b, peak.metric)}};
  out.basis = fmt::format("peak of {} x MFU {:.1f} % of the nearest measured rows {} (docs/validation.md)",
                          b.name, found->share * 100, fmt::join(ids, ", "));
  out.from.kind = Kind::estimate;
  out.from.source = out.basis;
  out.from.note = "rows on several devices hold their communication and software; the record holds neither";
  return out;
}

/// What a step that one device cannot hold means for a figure a device.
std::string beyond(const Record& r, const Baseline& b) {
  const auto fit = nlohmann::json::parse(r.memory_fit);
  const Figure* capacity = b.figure("memory_capacity");
  if (!capacity || !fit.contains("hbm_peak") || fit["hbm_peak"].get<double>() <= capacity->value * kGiga)
    return "";
  return fmt::format(
      "; the step takes {:.0f} GB and {} has {:.0f}: it needs several devices, and their exchange is in no "
      "figure, "
      "which favours {}",
      fit["hbm_peak"].get<double>() / kGiga, b.name, capacity->value, b.name);
}

/// Roofline x the measured efficiencies of products and streams.
std::optional<PartRate> modelled_roofline(const Record& r, const Baseline& b,
                                          const std::vector<Baseline>& all, const Figure& peak) {
  if (!r.bytes.contains("hbm")) return std::nullopt;
  const double flops = double(r.flops);
  const auto found = roofline_time(b, all, peak.precision, work_of(r));
  if (!found) return std::nullopt;
  PartRate out{
      flops / found->seconds,
      flops / found->most,
      flops / found->least,
      kFlops,
      peak.precision,
      peak.from,
      found->basis,
      {"record:ops[].flops", "record:ops[].bytes", origin(b, "memory_bandwidth"), origin(b, peak.metric)}};
  out.from.kind = Kind::estimate;
  out.from.source = fmt::format("{}; interval: {} and {} measured rows of all parts", found->basis,
                                found->matmul.rows, found->stream.rows);
  out.from.note =
      "its memory traffic is taken as the record's, rows read at random as a stream" + beyond(r, b);
  return out;
}

/// Measured kernels of the part: the row of that very shape, else an estimate between the nearest ones.
std::optional<PartRate> measured_kernel(const Kernel& kernel, const Baseline& b, const Counted& counted,
                                        const MeasuredRows& rows) {
  const auto found = rows.predict(b.name, counted.precision, kernel);
  if (!found) return std::nullopt;
  PartRate out{found->rate,
               found->low,
               found->high,
               counted.unit,
               counted.precision,
               found->rests_on[0]->from,
               "",
               {"table:" + kernel.name}};
  if (!found->measured) out.from.kind = Kind::estimate;
  std::vector<std::string> keys;
  for (const Fact* fact : found->rests_on) keys.push_back(fact->key);
  out.from.note = fmt::format("{} {} ({})", found->measured ? "the row" : "between the rows",
                              fmt::join(keys, ", "), found->rests_on[0]->from.note);
  out.basis = fmt::format("measured {}: {}", kernel.name, out.from.note);
  return out;
}

}  // namespace

bool trains_a_language_model(const Record& r) {
  return !r.recipe.empty() && r.sequence > 0;
}

BaselineRates::BaselineRates(const std::vector<Baseline>& all) : all_(all), training_(all) {
  for (const char* name : kMeasuredKernels) kernels_.try_emplace(name, load_facts(name));
}

std::optional<PartRate> BaselineRates::of(const Record& r, double parameters, const Baseline& b) const {
  const Counted counted = counted_in(r);
  const std::string& precision = counted.precision;
  if (precision.empty() || counted.amount <= 0 || !r.is_forecast()) return std::nullopt;
  if (const auto kernel = kernel_of(r); kernel && r.recipe.empty())
    if (auto rate = measured_kernel(*kernel, b, counted, kernels_.at(kernel->name))) return rate;
  if (counted.unit != kFlops) return std::nullopt;
  const Figure* peak = b.figure("peak_" + precision);
  if (!peak) return std::nullopt;
  if (!trains_a_language_model(r)) return modelled_roofline(r, b, all_, *peak);
  if (auto measured = measured_training(r, parameters, b, precision)) return measured;
  return modelled_training(r, parameters, b, training_, *peak);
}

}  // namespace leto::study
