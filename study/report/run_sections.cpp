// Sections about one run: what it was, its headline, loss, memory fit, twins, and the speed of the simulator.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "study/record_keys.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

Table facts_table(std::string caption, std::vector<std::vector<Cell>> rows) {
  return {std::move(caption), {{"Fact"}, {"Value"}}, std::move(rows), ""};
}

std::string versions_of(const Record& r) {
  std::string out;
  for (const auto& [component, version] : r.versions)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", component, version);
  return out.empty() ? "–" : out;
}

/// The recipe's lines in one, so that every format shows the same text.
std::string recipe_line(const std::string& recipe) {
  if (recipe.empty()) return "none: forward only";
  std::string out;
  for (const char c : recipe) {
    if (c != '\n')
      out += c;
    else if (!out.empty() && !out.ends_with("; "))
      out += "; ";
  }
  return out.ends_with("; ") ? out.substr(0, out.size() - 2) : out;
}

/// Tokens of sequences; what else a step counts are samples.
Cell throughput_cell(const Record& r) {
  return si_cell(*r.tokens_per_s, r.sequence > 0 ? "tok/s" : "samples/s");
}

double lowest(const std::vector<double>& values) {
  double best = std::nan("");
  for (const double value : values) best = std::isnan(best) || value < best ? value : best;
  return best;
}

Cell loss_cell(double value) {
  return std::isfinite(value) ? Cell{fmt::format("{:.6g}", value), value, {}} : cell("not finite");
}

/// The chip file's keys whose values differ. A record of a version that kept none has its hash alone.
void add_config_rows(const Record& first, const Record& other, const std::string& name, Table& table) {
  if (first.config.empty() || other.config.empty()) return;
  std::map<std::string, std::array<std::string, 2>> values;
  for (const auto& [key, value] : first.config) values[key][0] = value;
  for (const auto& [key, value] : other.config) values[key][1] = value;
  const auto shown = [](const std::string& value) { return value.empty() ? none_cell() : cell(value); };
  for (const auto& [key, pair] : values)
    if (pair[0] != pair[1])
      table.rows.push_back({cell(name), cell("config." + key), shown(pair[0]), shown(pair[1])});
}

}  // namespace

std::string run_name(const Record& r) {
  const std::string name =
      fmt::format("{} on {}{}", r.workload, r.chip, r.incomplete.value_or(false) ? ", INCOMPLETE" : "");
  return r.what_if ? fmt::format("{}, WHAT IF unlimited {}", name, *r.what_if) : name;
}

std::string precision_of(const Record& r) {
  std::set<std::string> precisions;  // what parts are rated in: they do not tell fp8's two formats apart
  for (const auto& [dtype, flops] : r.flops_by_dtype)
    precisions.insert(dtype.starts_with("fp8") ? "fp8" : dtype);
  return precisions.size() == 1 ? *precisions.begin() : "";
}

std::vector<Block> what_ran(const Record& r) {
  std::vector<std::vector<Cell>> rows = {
      {cell("Model"), cell(r.workload)},
      {cell("Chip"), cell(fmt::format("{}: {}", r.chip, r.chip_figures.description))},
      {cell("Grid and clock"), cell(fmt::format("{} x {} PEs at {} MHz", r.chip_figures.rows,
                                                r.chip_figures.columns, r.chip_figures.clock_mhz))},
      {cell("Recipe"), cell(recipe_line(r.recipe))},
      {cell("Steps"), sourced(count_cell(double(r.steps)), "record:steps")},
      {cell("Fidelity"), cell(r.fidelity)},
      {cell("Values"), cell(r.values ? "computed" : "off: time only")},
      {cell("Seed"), cell(fmt::format("{}", r.seed))},
      {cell("Source revision"), cell(r.commit)},
      {cell("Configuration hash"), cell(r.config_hash)},
      {cell("Program hash"), cell(r.program_hash)},
      {cell("Versions"), cell(versions_of(r))},
  };
  if (r.sharding) {
    const auto& s = *r.sharding;
    rows.insert(
        rows.begin() + 1,
        {cell("Share of a system"),
         sourced(cell(fmt::format(
                     "one of {} chips that share the embedding tables by {}; a step's {} exchanges "
                     "send {} and get as much, {} of links alone ({})",
                     s.chips, s.by, s.exchanges, si(double(s.bytes), "B"), si(s.seconds, "s"), s.source)),
                 "record:sharding")});
  }
  if (r.parameters > 0)
    rows.insert(rows.begin() + 1,
                {cell("Parameters"), sourced(si_cell(double(r.parameters), ""), "record:parameters")});
  return {facts_table("What ran, and what it can be repeated from", std::move(rows))};
}

std::vector<Block> headline(const Record& r) {
  const double steps = double(std::max<std::int64_t>(1, r.steps));
  Tiles tiles;
  tiles.tiles = {
      {"Step time", sourced(si_cell(r.seconds / steps, "s"), "record:seconds, record:steps"),
       fmt::format("{} cycles a step", grouped(std::llround(double(r.cycles) / steps)))},
      {"MFU", sourced(percent_cell(r.mfu), "record:mfu"), "useful FLOPs against the matrix engines' peak"},
      {"Useful FLOPs", sourced(si_cell(double(r.flops) / steps, "FLOP"), "record:flops, record:steps"),
       "a step, matmuls only"},
      {"Executed MACs", sourced(si_cell(double(r.macs) / steps, "MAC"), "record:macs, record:steps"),
       "a step, padding included"},
  };
  if (r.tokens_per_s)
    tiles.tiles.insert(tiles.tiles.begin() + 1,
                       {"Throughput", sourced(throughput_cell(r), "record:tokens_per_s"), "one chip"});
  if (r.accuracy)
    tiles.tiles.push_back(
        {"Accuracy", sourced(percent_cell(*r.accuracy), "record:accuracy"), "samples classified right"});
  if (r.what_if)
    return {tiles,
            Text{fmt::format("What if: {} taken as unlimited. This run bounds what that costs; no chip is "
                             "like that.",
                             *r.what_if)}};
  if (r.incomplete.value_or(false))
    return {tiles,
            Text{"Incomplete: the run had not ended. Cycles, accounts and traffic are those up to its last "
                 "checkpoint, useful FLOPs and losses those of the steps that had ended; leto run --resume "
                 "goes on."}};
  return {tiles, Text{"Every figure on this page comes from the simulation of one chip, unless a row names "
                      "another source."}};
}

std::vector<Block> loss_curve(const Record& r) {
  if (r.loss.empty()) return {};
  Table table{"Loss of a step", {{"Step"}, {"Loss", true, false, "record:loss[]"}}, {}, ""};
  table.rows = {{cell("first"), loss_cell(r.loss.front())},
                {cell(fmt::format("last ({})", r.loss.size())), loss_cell(r.loss.back())},
                {cell("lowest"), loss_cell(lowest(r.loss))}};
  LineChart chart{"Loss over the steps", "step", "loss", r.loss};
  if (r.loss_reference && r.loss_reference->size() == r.loss.size()) {
    chart.reference = {"fp32 on the graph interpreter", *r.loss_reference};
    table.columns.push_back({"fp32 reference", true, false, "record:loss_reference[]"});
    const auto& same = *r.loss_reference;
    const double of[] = {same.front(), same.back(), lowest(same)};
    for (std::size_t i = 0; i < table.rows.size(); ++i) table.rows[i].push_back(loss_cell(of[i]));
  }
  if (r.loss.size() == 1) return {table};
  return {chart, table};
}

/// What others wrote is compared command by command, and not every one is offered to it.
std::string foreign_twins(const Record& r) {
  std::string note;
  for (const auto& [name, twin] : r.twins) {
    if (!twin.descriptor) continue;
    const std::string done =
        twin.commands_replaced
            ? fmt::format("{} commands with its results in the place of the model's", *twin.commands_replaced)
            : fmt::format("{} commands compared", twin.commands_compared.value_or(0));
    note += fmt::format("{}{} is {} of {}, at level {}: {}, {} left out that it does not offer",
                        note.empty() ? "" : "; ", name, twin.module.value_or(""), *twin.descriptor,
                        twin.level.value_or(""), done, twin.commands_left_out.value_or(0));
  }
  return note;
}

std::vector<Block> twins(const Record& r) {
  if (r.twins.empty()) return {};
  Table table{"RTL against model, in the same run",
              {{"Instance"},
               {"Mode"},
               {"Cycles compared", true, false, "record:twins.<instance>.cycles_compared"},
               {"Values compared", true, false, "record:twins.<instance>.values_compared"},
               {"Mismatches", true, false, "record:twins.<instance>.mismatches"}},
              {},
              foreign_twins(r)};
  for (const auto& [name, twin] : r.twins)
    table.rows.push_back({cell(name), cell(twin.mode), count_cell(double(twin.cycles_compared)),
                          count_cell(double(twin.values_compared)), count_cell(double(twin.mismatches))});
  return {table};
}

std::vector<Block> simulator_speed(const Record& r) {
  const SimulationRecord& s = r.simulation;
  Table table{"How fast the simulator was on its host", {{"Figure"}, {"Value", true}}, {}, ""};
  table.rows = {
      {cell("Host time"), sourced(si_cell(s.wall_s, "s"), "record:simulation.wall_s")},
      {cell("Simulated cycles a second"),
       sourced(si_cell(s.cycles_per_s, "cycle/s"), "record:simulation.cycles_per_s")},
      {cell("MACs a second"), sourced(si_cell(s.macs_per_s, "MAC/s"), "record:simulation.macs_per_s")},
      {cell("Commands"), sourced(count_cell(double(s.commands)), "record:simulation.commands")},
      {cell("Commands a second"),
       sourced(si_cell(s.commands_per_s, "1/s"), "record:simulation.commands_per_s")},
      {cell("DRAM bursts"), sourced(count_cell(double(s.bursts)), "record:simulation.bursts")},
      {cell("Process activations a second"),
       sourced(si_cell(s.kernel_switches_per_s, "1/s"), "record:simulation.kernel_switches_per_s")},
      {cell("Largest resident set"),
       sourced(si_cell(double(s.peak_rss_bytes), "B"), "record:simulation.peak_rss_bytes")},
  };
  return {table};
}

std::vector<Block> runs_side_by_side(const std::vector<Record>& records) {
  Table table{"The runs of this report",
              {{"Run"},
               {"Fidelity"},
               {"Step time", true, false, "record:seconds, record:steps"},
               {"Throughput", true, false, "record:tokens_per_s"},
               {"MFU", true, true, "record:mfu"},
               {"Useful FLOPs a step", true, false, "record:flops, record:steps"},
               {"Executed MACs a step", true, false, "record:macs, record:steps"}},
              {},
              "Runs of different models, recipes or fidelities do not compare."};
  for (const Record& r : records) {
    const double steps = double(std::max<std::int64_t>(1, r.steps));
    table.rows.push_back({cell(run_name(r)), cell(r.fidelity), si_cell(r.seconds / steps, "s"),
                          r.tokens_per_s ? throughput_cell(r) : none_cell(), percent_cell(r.mfu),
                          si_cell(double(r.flops) / steps, "FLOP"), si_cell(double(r.macs) / steps, "MAC")});
  }
  return {table};
}

std::vector<Block> settings_that_differ(const std::vector<Record>& records) {
  constexpr std::string_view kSettings[] = {"chip",
                                            "recipe",
                                            "fidelity",
                                            "values",
                                            "steps",
                                            "workload",
                                            "identity.seed",
                                            "identity.config_hash",
                                            "identity.what_if",
                                            "incomplete"};
  const auto is_setting = [&](const std::string& key) {
    return std::ranges::any_of(kSettings, [&](std::string_view s) { return key.starts_with(s); });
  };
  Table table{
      "Settings of a run that are not the first run's", {{"Run"}, {"Key"}, {"Run 1"}, {"This run"}}, {}, ""};
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::string name = fmt::format("{}: {}", i + 1, run_name(records[i]));
    for (const Difference& d : diff_records(records[0], records[i]))
      if (is_setting(d.key)) table.rows.push_back({cell(name), cell(d.key), cell(d.a), cell(d.b)});
    add_config_rows(records[0], records[i], name, table);
  }
  if (table.rows.empty()) return {};
  return {table};
}

}  // namespace leto::study
