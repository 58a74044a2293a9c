#include "study/decide/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "study/matmul_rows.h"
#include "study/mfu_model.h"
#include "study/report/sections.h"
#include "study/roofline_model.h"

namespace leto::study {
namespace {

constexpr double kSameSize = 0.03;  // parameters that differ by less are the same model's
constexpr double kTera = 1e12, kGiga = 1e9;

Provenance simulated(const Evidence& e, const std::string& key) {
  return {Kind::estimate,
          fmt::format("{}: {}", e.path, key),
          fmt::format("leto {}, program {}, {} fidelity", e.record.commit, e.record.program_hash,
                      e.record.fidelity),
          "",
          "document read",
          ""};
}

Input from_fact(const Fact& fact) {
  return {fact.key, fact.unit, "", fact.value, fact.low, fact.high, std::string(name_of(fact.from.kind)),
          fact.from};
}

Input certain(const std::string& id, const std::string& unit, double value, const std::string& kind,
              const Provenance& from) {
  return {id, unit, "", value, value, value, kind, from};
}

double whole_model(const Sheet& sheet, const Record& r) {
  const Input* known = sheet.find(r.workload + ".parameters");
  return known ? known->value : double(r.parameters);
}

bool is_part_of_model(const Sheet& sheet, const Record& r) {
  return double(r.parameters) < whole_model(sheet, r) * (1 - kSameSize);
}

void add_record(Sheet& sheet, const Evidence& e) {
  const Record& r = e.record;
  const std::string precision = precision_of(r), name = r.workload;
  const auto add = [&](const std::string& id, const char* unit, double value, const std::string& key) {
    Input input = certain(id, unit, value, "simulated", simulated(e, key));
    if (is_part_of_model(sheet, r))
      input.from.note = fmt::format("a part of the model: {:.3g} G of {:.3g} G parameters",
                                    double(r.parameters) / 1e9, whole_model(sheet, r) / 1e9);
    input.precision = precision;
    sheet.add(input);
  };
  if (r.what_if) return;  // no chip is like that
  if (!precision.empty() && r.flops > 0 && r.seconds > 0) {
    add(rate_id(e.part, name), "FLOP/s", double(r.flops) / r.seconds, "flops / seconds");
    add(mfu_id(name), "share", r.mfu, "mfu");
  }
  const auto fit = nlohmann::json::parse(r.memory_fit);
  if (!is_part_of_model(sheet, r) && fit.contains("hbm_peak") && fit.contains("hbm_capacity"))
    add(memory_id(name), "share", fit["hbm_peak"].get<double>() / fit["hbm_capacity"].get<double>(),
        "memory_fit.hbm_peak / memory_fit.hbm_capacity");
  if (r.energy_j && r.seconds > 0) {
    add("power." + name, "W", r.energy_j->total / r.seconds, "energy_j.total / seconds");
  }
}

/// Measured rows of this very workload on this part: their range is the interval.
std::optional<Input> measured_rate(const Sheet& sheet, const Record& r, const Baseline& b,
                                   const std::string& precision) {
  std::vector<const TrainingRow*> rows;
  for (const TrainingRow& row : b.training)
    if (row.from.kind == Kind::measured && row.precision == precision && row.sequence == r.sequence &&
        std::abs(row.parameters / whole_model(sheet, r) - 1) < kSameSize)
      rows.push_back(&row);
  if (rows.empty() || r.sequence == 0) return std::nullopt;
  double low = 1e300, high = 0, sum = 0;
  for (const TrainingRow* row : rows) {
    const double rate = row->mfu * row->of_peak_flops;
    low = std::min(low, rate);
    high = std::max(high, rate);
    sum += rate;
  }
  Input out{"", "FLOP/s", precision, sum / double(rows.size()), low, high, "measured", rows[0]->from};
  out.from.note = fmt::format("{} rows, the first is {}", rows.size(), rows[0]->id);
  return out;
}

/// Roofline x the measured efficiency of the nearest training rows.
std::optional<Input> modelled_training(const Sheet& sheet, const Record& r, const Baseline& b,
                                       const MfuModel& model, const Figure& peak) {
  const double flops = peak.value * kTera;
  const auto found = model.predict({peak.precision, whole_model(sheet, r), r.sequence, 1, flops});
  if (!found) return std::nullopt;
  std::vector<std::string> ids;
  for (const TrainingRow* row : found->rests_on) ids.push_back(row->id);
  Input out{
      "",         "FLOP/s", peak.precision, found->share * flops, found->low * flops, found->high * flops,
      "estimate", {}};
  out.from = peak.from;
  out.from.kind = Kind::estimate;
  out.from.source =
      fmt::format("peak of {} x MFU {:.1f} % of the nearest measured rows {} (docs/validation.md)", b.name,
                  found->share * 100, fmt::join(ids, ", "));
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

/// Whether the nearest rows of training language models say anything of this workload.
bool trains_a_language_model(const Record& r) {
  return !r.recipe.empty() && r.sequence > 0;
}

/// Roofline x the measured efficiencies of products and streams.
std::optional<Input> modelled_roofline(const Record& r, const Baseline& b, const std::vector<Baseline>& all,
                                       const Figure& peak) {
  if (!r.bytes.contains("hbm")) return std::nullopt;
  const double flops = double(r.flops);
  const auto found = roofline_time(b, all, peak.precision, work_of(r));
  if (!found) return std::nullopt;
  Input out{
      "",         "FLOP/s", peak.precision, flops / found->seconds, flops / found->most, flops / found->least,
      "estimate", peak.from};
  out.from.kind = Kind::estimate;
  out.from.source = fmt::format("{}; interval: {} and {} measured rows of all parts", found->basis,
                                found->matmul.rows, found->stream.rows);
  out.from.note =
      "its memory traffic is taken as the record's, rows read at random as a stream" + beyond(r, b);
  return out;
}

/// Measured matrix products of the part: the row of that very shape, else an estimate between the nearest
/// ones.
std::optional<Input> measured_product(const Record& r, const Baseline& b, const std::string& precision,
                                      const MatmulRows& rows) {
  const auto shape = shape_of(r);
  const auto found = shape ? rows.predict(b.name, precision, *shape) : std::nullopt;
  if (!found) return std::nullopt;
  Input out{"",
            "FLOP/s",
            precision,
            found->flops_per_s,
            found->low,
            found->high,
            found->measured ? "measured" : "estimate",
            found->rests_on[0]->from};
  if (!found->measured) out.from.kind = Kind::estimate;
  std::vector<std::string> keys;
  for (const Fact* fact : found->rests_on) keys.push_back(fact->key);
  out.from.note = fmt::format("{} {} ({})", found->measured ? "the row" : "between the rows",
                              fmt::join(keys, ", "), found->rests_on[0]->from.note);
  return out;
}

/// A part's rate on the record's workload: its measured rows, else a model, nearest to the workload first.
std::optional<Input> baseline_rate(const Sheet& sheet, const Record& r, const Baseline& b,
                                   const std::vector<Baseline>& all, const MfuModel& model,
                                   const MatmulRows& products) {
  const std::string precision = precision_of(r);
  if (precision.empty() || r.flops <= 0 || r.what_if) return std::nullopt;
  if (auto product = measured_product(r, b, precision, products)) return product;
  const Figure* peak = b.figure("peak_" + precision);
  if (!peak) return std::nullopt;
  if (!trains_a_language_model(r)) return modelled_roofline(r, b, all, *peak);
  if (auto measured = measured_rate(sheet, r, b, precision)) return measured;
  return modelled_training(sheet, r, b, model, *peak);
}

std::string part_of(const Record& r) {
  const auto presets = chip_names();
  const bool preset = std::ranges::find(presets, r.chip) != presets.end() &&
                      r.config_hash == fmt::format("{:016x}", config_hash(load_chip(r.chip)));
  return preset ? r.chip : fmt::format("{} (config {})", r.chip, r.config_hash);
}

}  // namespace

Evidence::Evidence(std::string where, Record what)
    : path(std::move(where)), record(std::move(what)), part(part_of(record)) {}

std::string rate_id(const std::string& who, const std::string& workload) {
  return fmt::format("rate.{}.{}", who, workload);
}
std::string mfu_id(const std::string& workload) {
  return "mfu." + workload;
}
std::string memory_id(const std::string& workload) {
  return "memory." + workload;
}

void fill(Sheet& sheet, const std::vector<Evidence>& records, const std::vector<Baseline>& baselines) {
  for (const char* name : {"fleet", "cost", "workloads"}) {
    const FactTable table = load_facts(name);
    for (const Fact& fact : table.facts()) sheet.add(from_fact(fact));
  }
  for (const Baseline& b : baselines)
    if (const Figure* power = b.figure("power"))
      sheet.add(certain(b.name + ".power", power->unit, power->value, std::string(name_of(power->from.kind)),
                        power->from));
  const MfuModel model(baselines);
  const MatmulRows products(load_facts("matmul"));
  for (const Evidence& e : records) {
    sheet.add(certain(e.part + ".memory_gb", "GB", double(e.record.chip_figures.hbm_bytes) / 1e9, "simulated",
                      simulated(e, "chip_figures.hbm_bytes")));
    add_record(sheet, e);
    for (const Baseline& b : baselines)
      if (auto rate = baseline_rate(sheet, e.record, b, baselines, model, products)) {
        rate->id = rate_id(b.name, e.record.workload);
        sheet.add(*rate);
      }
  }
}

}  // namespace leto::study
