#include "study/decide/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "study/baseline_rate.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

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

bool is_part_of_model(const Sheet& sheet, const Record& r) {
  return double(r.parameters) < whole_model(sheet, r) * (1 - kSameSize);
}

void add_record(Sheet& sheet, const Evidence& e) {
  const Record& r = e.record;
  const Counted counted = counted_in(r);
  const std::string &precision = counted.precision, name = r.workload;
  const auto add = [&](const std::string& id, const char* unit, double value, const std::string& key) {
    Input input = certain(id, unit, value, "simulated", simulated(e, key));
    if (is_part_of_model(sheet, r))
      input.from.note = fmt::format("a part of the model: {:.3g} G of {:.3g} G parameters",
                                    double(r.parameters) / 1e9, whole_model(sheet, r) / 1e9);
    input.precision = precision;
    sheet.add(input);
  };
  if (!r.is_forecast()) return;
  if (!precision.empty() && counted.amount > 0 && r.seconds > 0) {
    add(rate_id(e.part, name), counted.unit.c_str(), counted.amount / r.seconds, counted.from + " / seconds");
    if (r.flops > 0) add(mfu_id(name), "share", r.mfu, "mfu");
  }
  const auto fit = nlohmann::json::parse(r.memory_fit);
  if (!is_part_of_model(sheet, r) && fit.contains("hbm_peak") && fit.contains("hbm_capacity"))
    add(memory_id(name), "share", fit["hbm_peak"].get<double>() / fit["hbm_capacity"].get<double>(),
        "memory_fit.hbm_peak / memory_fit.hbm_capacity");
  if (r.energy_j && r.seconds > 0) {
    add("power." + name, "W", r.energy_j->total / r.seconds, "energy_j.total / seconds");
  }
}

Input from_rate(const std::string& id, const PartRate& rate) {
  return {id,
          rate.unit,
          rate.precision,
          rate.value,
          rate.low,
          rate.high,
          std::string(name_of(rate.from.kind)),
          rate.from};
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
  const BaselineRates rates(baselines);
  for (const Evidence& e : records) {
    sheet.add(certain(e.part + ".memory_gb", "GB", double(e.record.chip_figures.hbm_bytes) / 1e9, "simulated",
                      simulated(e, "chip_figures.hbm_bytes")));
    add_record(sheet, e);
    for (const Baseline& b : baselines)
      if (const auto rate = rates.of(e.record, whole_model(sheet, e.record), b))
        sheet.add(from_rate(rate_id(b.name, e.record.workload), *rate));
  }
}

}  // namespace leto::study
