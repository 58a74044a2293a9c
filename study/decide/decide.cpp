#include "study/decide/decide.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "study/decide/economics.h"

namespace leto::study {
namespace {

/// A record's rate, less what the fidelity's error and a production compiler leave of it.
double expected_ratio(const Values& v, const Evidence& e, const std::string& baseline) {
  return v.ratio(rate_id(e.part, e.record.workload), rate_id(baseline, e.record.workload)) *
         v(e.record.fidelity + ".rate") * v(e.part + ".software");
}

double worst_error(const Sheet& sheet, const std::string& fidelity) {
  const Input* rate = sheet.find(fidelity + ".rate");
  if (!rate) throw Missing(fidelity + ".rate");
  return std::max(rate->high - 1, 1 - rate->low);
}

Formula formula_of(const Criterion& c, const Evidence& e, const Sheet& sheet) {
  const std::string part = e.part, base = c.baseline, level = c.level, workload = c.workload;
  if (c.metric == "speedup") return [=, &e](const Values& v) { return expected_ratio(v, e, base); };
  if (c.metric == "perf_per_watt")
    return [=, &e](const Values& v) {
      return expected_ratio(v, e, base) * watts(v, base, level) / watts(v, part, level);
    };
  if (c.metric == "perf_per_dollar")
    return [=, &e](const Values& v) {
      return expected_ratio(v, e, base) * dollars(v, base, level) / dollars(v, part, level);
    };
  const std::string fidelity = e.record.fidelity;
  if (c.metric == "mfu") return [=](const Values& v) { return v(mfu_id(workload)) * v(fidelity + ".rate"); };
  if (c.metric == "memory_fit") return [=](const Values& v) { return v(memory_id(workload)); };
  return [&sheet, fidelity](const Values& v) {
    v(fidelity + ".rate");  // the figure rests on that row's interval, not on a draw of it
    return worst_error(sheet, fidelity);
  };
}

bool is_ratio(const Criterion& c) {
  return !c.baseline.empty();
}

Shown shown_of(const Sheet& sheet, const std::string& name, const std::string& unit, const Formula& formula) {
  Shown out{name, sheet.evaluate(unit, formula), "", false, false};
  for (const std::string& id : out.quantity.from) {
    const Input& input = *sheet.find(id);
    out.estimate |= input.estimated() || !input.certain();
    out.recalled |= input.from.recalled();
  }
  return out;
}

const Evidence* record_of(const std::vector<Evidence>& records, const std::string& workload) {
  const auto found =
      std::ranges::find(records, workload, [](const Evidence& e) { return e.record.workload; });
  return found == records.end() ? nullptr : &*found;
}

std::string what_is_missing(const Criterion& c, const Evidence& e, const Missing& missing) {
  if (c.metric != "memory_fit") return fmt::format("the input {}", missing.what());
  return fmt::format("the memory fit of the whole {}: the record holds {:.3g} G parameters of it", c.workload,
                     double(e.record.parameters) / 1e9);
}

Judged judge(const Criterion& c, const Criteria& criteria, const std::vector<Evidence>& records,
             const Sheet& sheet) {
  Judged out;
  out.criterion = c;
  const Evidence* e = record_of(records, c.workload);
  if (!e) {
    out.missing = "a record of " + c.workload;
    return out;
  }
  out.fidelity = e->record.fidelity;
  try {
    const Formula formula = formula_of(c, *e, sheet);
    out.known_error = worst_error(sheet, out.fidelity);
    out.shown = shown_of(sheet, c.name, is_ratio(c) ? "x" : "share", formula);
    if (is_ratio(c)) out.shown.precision = sheet.find(rate_id(c.baseline, c.workload))->precision;
    out.tornado = sheet.tornado(formula, out.shown.quantity);
  } catch (const Missing& missing) {
    out.missing = what_is_missing(c, *e, missing);
    return out;
  }
  const Quantity& q = out.shown.quantity;
  const auto met = [&](double value) { return c.at_least ? value >= c.threshold : value <= c.threshold; };
  out.probability = double(std::ranges::count_if(q.draws, met)) / double(q.draws.size());
  out.margin = c.at_least ? q.value / c.threshold - 1 : 1 - q.value / c.threshold;
  out.outcome = out.probability >= criteria.confidence       ? Outcome::met
                : out.probability <= 1 - criteria.confidence ? Outcome::missed
                                                             : Outcome::edge;
  return out;
}

void add_line(std::vector<Line>& lines, const Sheet& sheet, const std::string& about, const std::string& name,
              const std::string& unit, const Formula& formula) {
  try {
    lines.push_back({about, shown_of(sheet, name, unit, formula), ""});
  } catch (const Missing& missing) {
    lines.push_back({about, {name, {}, "", false, false}, missing.what()});
  }
}

std::vector<Line> power_and_cost(const Sheet& sheet, const std::vector<std::string>& parts) {
  std::vector<Line> lines;
  for (const std::string& part : parts) {
    for (const std::string& level : level_names())
      add_line(lines, sheet, part, fmt::format("power, {}", level), "W",
               [=](const Values& v) { return watts(v, part, level); });
    add_line(lines, sheet, part, "price, chip", "USD",
             [=](const Values& v) { return dollars(v, part, "chip"); });
    add_line(lines, sheet, part, "price, with its share of the server", "USD",
             [=](const Values& v) { return dollars(v, part, "server"); });
    for (const CostPart& cost : yearly_parts(part))
      add_line(lines, sheet, part, fmt::format("a year: {}", cost.name), "USD/year", cost.formula);
    add_line(lines, sheet, part, "a year in all", "USD/year",
             [=](const Values& v) { return dollars(v, part, "datacentre"); });
  }
  return lines;
}

/// The modelled power beside the rated one: what the energy table is worth.
void add_modelled_power(std::vector<Line>& lines, const Sheet& sheet, const std::vector<Evidence>& records) {
  for (const Evidence& e : records) {
    const std::string id = "power." + e.record.workload;
    add_line(lines, sheet, e.part, fmt::format("modelled power in {}", e.record.workload), "W",
             [=](const Values& v) { return v(id); });
    add_line(lines, sheet, e.part, fmt::format("modelled over rated power in {}", e.record.workload), "share",
             [=, part = e.part](const Values& v) { return v(id) / v(part + ".power"); });
  }
}

std::vector<Line> fleet(const Sheet& sheet, const Criteria& criteria, const std::vector<Evidence>& records) {
  constexpr auto kUnit = "h100-sxm";  // what the fleet of fleet.toml counts
  std::vector<Line> lines;
  for (const Evidence& e : records) {
    const std::string part = e.part, share = fmt::format("{:.3g} % of the fleet", criteria.fleet_share * 100);
    const auto chips = [=, &e, s = criteria.fleet_share](const Values& v) {
      return s * v("fleet_devices") / expected_ratio(v, e, kUnit);
    };
    const auto add = [&](const std::string& name, const std::string& unit, const Formula& formula) {
      add_line(lines, sheet, e.record.workload, name, unit, formula);
    };
    add("one chip in H100-equivalents (" + std::string(kUnit) + ")", "x",
        [=, &e](const Values& v) { return expected_ratio(v, e, kUnit); });
    add(fmt::format("chips that replace {}", share), "chips", chips);
    add("their power in the data centre", "MW",
        [=](const Values& v) { return chips(v) * watts(v, part, "datacentre") / 1e6; });
    add("power of the H100s that they replace", "MW", [=, s = criteria.fleet_share](const Values& v) {
      return s * v("fleet_devices") * watts(v, kUnit, "datacentre") / 1e6;
    });
    add("their capex, servers included", "USD",
        [=](const Values& v) { return chips(v) * dollars(v, part, "server"); });
    add("that capex over the year's budget", "share",
        [=](const Values& v) { return chips(v) * dollars(v, part, "server") / v("budget_usd"); });
    for (const char* site : {"site_small_w", "site_large_w"})
      add(fmt::format("H100-equivalents in {:.0f} GW", sheet.find(site)->value / 1e9), "H100",
          [=, &e](const Values& v) {
            return v(site) / watts(v, part, "datacentre") * expected_ratio(v, e, kUnit);
          });
  }
  return lines;
}

void collect_inputs(Decision& d, const Sheet& sheet) {
  std::map<std::string, Input> used;
  const auto take = [&](const Shown& shown) {
    for (const std::string& id : shown.quantity.from) used.emplace(id, *sheet.find(id));
  };
  for (const Judged& j : d.judged) take(j.shown);
  for (const auto* lines : {&d.power_and_cost, &d.fleet})
    for (const Line& line : *lines) take(line.shown);
  for (auto& [id, input] : used) d.inputs.push_back(input);
}

void explain(Decision& d, const std::vector<std::string>& lacking) {
  for (const Judged& j : d.judged)
    if (j.outcome == Outcome::missed)
      d.reasons.push_back(
          fmt::format("missed: {} (probability {:.1f} %)", j.criterion.name, j.probability * 100));
  for (const std::string& workload : lacking)
    d.reasons.push_back(fmt::format("no record of {}: without it the best verdict is CONDITIONAL", workload));
  for (const Judged& j : d.judged)
    if (j.outcome == Outcome::missing)
      d.reasons.push_back(fmt::format("missing for {}: {}", j.criterion.name, j.missing));
  for (const Judged& j : d.judged)
    if (j.outcome == Outcome::edge)
      d.reasons.push_back(fmt::format("at its edge: {} holds with a probability of {:.1f} %",
                                      j.criterion.name, j.probability * 100));
  if (d.reasons.empty()) d.reasons.push_back("every criterion is met");
}

std::vector<std::string> parts_of(const std::vector<Evidence>& records, const Criteria& criteria) {
  std::vector<std::string> parts;
  const auto add = [&](const std::string& part) {
    if (!part.empty() && std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  };
  for (const Evidence& e : records) add(e.part);
  for (const Criterion& c : criteria.criteria) add(c.baseline);
  return parts;
}

void check(const Criteria& criteria, const std::vector<Evidence>& records,
           const std::vector<Baseline>& baselines) {
  for (const Criterion& c : criteria.criteria)
    if (!c.baseline.empty() && std::ranges::find(baselines, c.baseline, &Baseline::name) == baselines.end())
      throw Error(ExitCode::bad_input, fmt::format("criterion '{}': no baseline '{}'", c.name, c.baseline),
                  fmt::format("baselines: {}", fmt::join(baseline_names(), ", ")));
  for (std::size_t i = 0; i < records.size(); ++i)
    if (const Evidence* first = record_of(records, records[i].record.workload); first != &records[i])
      throw Error(ExitCode::usage,
                  fmt::format("{} and {} are both records of {}", first->path, records[i].path,
                              records[i].record.workload),
                  "give one record a workload");
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  return verdict == Verdict::go ? "GO" : verdict == Verdict::no_go ? "NO-GO" : "CONDITIONAL";
}

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view kNames[] = {"met", "edge", "missed", "missing"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Verdict verdict_of(const std::vector<Outcome>& outcomes) {
  if (std::ranges::count(outcomes, Outcome::missed)) return Verdict::no_go;
  return std::ranges::count(outcomes, Outcome::met) == std::ssize(outcomes) ? Verdict::go
                                                                            : Verdict::conditional;
}

Decision decide(const Criteria& criteria, const std::vector<Evidence>& records,
                const std::vector<Baseline>& baselines) {
  check(criteria, records, baselines);
  Sheet sheet(criteria.seed, criteria.draws);
  fill(sheet, records, baselines);
  Decision d;
  d.criteria = criteria;
  for (const Evidence& e : records) d.records.push_back(e.path);
  std::vector<Outcome> outcomes;
  for (const Criterion& c : criteria.criteria) {
    d.judged.push_back(judge(c, criteria, records, sheet));
    outcomes.push_back(d.judged.back().outcome);
  }
  std::vector<std::string> lacking;
  for (const std::string& workload : criteria.workloads)
    if (!record_of(records, workload)) {
      lacking.push_back(workload);
      outcomes.push_back(Outcome::missing);
    }
  d.verdict = verdict_of(outcomes);
  d.power_and_cost = power_and_cost(sheet, parts_of(records, criteria));
  add_modelled_power(d.power_and_cost, sheet, records);
  d.fleet = fleet(sheet, criteria, records);
  collect_inputs(d, sheet);
  explain(d, lacking);
  return d;
}

}  // namespace leto::study
