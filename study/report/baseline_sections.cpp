// The simulated chip beside other parts. A comparison rests on figures of the same precision, and an estimate
// says that it is one and what it rests on.
#include <fmt/format.h>

#include <algorithm>

#include "study/baseline_rate.h"
#include "study/fact_table.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

Cell figure_cell(const Baseline& baseline, std::string_view metric) {
  const Figure* figure = baseline.figure(metric);
  if (!figure) return none_cell();
  return {fmt::format("{:.4g} {} ({})", figure->value, figure->unit, kind_text(figure->from)), figure->value,
          fmt::format("baseline:{}/{}", baseline.name, metric)};
}

Cell simulated_cell(double value, std::string_view unit, const std::string& key) {
  return {fmt::format("{:.4g} {} (configuration)", value, unit), value, "record:chip_figures." + key};
}

/// "44 rows, 26.3 % to 47.5 %" of the measured rows in bf16.
std::string measured_range(const Baseline& baseline) {
  int rows = 0;
  double low = 1, high = 0;
  for (const TrainingRow& row : baseline.training) {
    if (row.from.kind != Kind::measured || row.precision != "bf16") continue;
    ++rows;
    low = std::min(low, row.mfu);
    high = std::max(high, row.mfu);
  }
  return rows == 0 ? "no measured row" : fmt::format("{} rows, {} to {}", rows, percent(low), percent(high));
}

Table parts_table(const std::vector<Record>& records, const std::vector<Baseline>& baselines) {
  Table table{"Public figures of the parts",
              {{"Part"},
               {"Peak BF16", true},
               {"Memory bandwidth", true},
               {"Memory", true},
               {"Power", true},
               {"Best BF16 matmul", true},
               {"BF16 training MFU (measured)", true}},
              {},
              "The simulated chip is styled after public figures, our reading; its modelled power stands "
              "under Energy. "
              "Dense peaks."};
  std::vector<std::string> seen;
  for (const Record& r : records) {
    if (std::ranges::find(seen, r.config_hash) != seen.end()) continue;
    seen.push_back(r.config_hash);
    const ChipFigures& chip = r.chip_figures;
    table.rows.push_back({cell(fmt::format("{} (simulated; {})", r.chip, chip.description)),
                          simulated_cell(chip.peak_flops_16bit / 1e12, "TFLOP/s", "peak_flops_16bit"),
                          simulated_cell(chip.hbm_bytes_per_s / 1e12, "TB/s", "hbm_bytes_per_s"),
                          simulated_cell(double(chip.hbm_bytes) / 1e9, "GB", "hbm_bytes"), none_cell(),
                          none_cell(), none_cell()});
  }
  for (const Baseline& b : baselines)
    table.rows.push_back({cell(b.title), figure_cell(b, "peak_bf16"), figure_cell(b, "memory_bandwidth"),
                          figure_cell(b, "memory_capacity"), figure_cell(b, "power"),
                          figure_cell(b, "best_matmul_bf16"), cell(measured_range(b))});
  return table;
}

using Row = std::vector<Cell>;

/// The time the useful FLOPs take at a rate that was measured elsewhere.
Row estimate_row(const Record& r, const Baseline& b, const std::string& basis, double rate,
                 const Provenance& from, const std::string& row) {
  const std::string origin = fmt::format("baseline:{}/{}", b.name, row);
  return {cell(b.title),
          cell(basis),
          sourced(si_cell(rate, "FLOP/s"), origin),
          sourced(si_cell(double(r.flops) / rate, "s"), "record:flops, " + origin),
          cell(fmt::format("estimate; rests on: {}", kind_text(from))),
          cell(fmt::format("{} [{}]", from.source, from.reference))};
}

Row no_row(const Baseline& b, const std::string& why) {
  return {cell(b.title), cell(why), none_cell(), none_cell(), none_cell(), none_cell()};
}

/// "record:kernel, record:steps" of "kernel, steps".
std::string record_keys(const Counted& counted) {
  std::string out = "record:" + counted.from;
  if (const auto comma = out.find(", "); comma != std::string::npos) out.insert(comma + 2, "record:");
  return out;
}

Row simulated_row(const Record& r) {
  const Counted counted = counted_in(r);
  return {cell(r.chip + " (simulated)"),
          cell("this run"),
          r.seconds > 0 && counted.amount > 0 ? sourced(si_cell(counted.amount / r.seconds, counted.unit),
                                                        record_keys(counted) + ", record:seconds")
                                              : none_cell(),
          sourced(si_cell(r.seconds, "s"), "record:seconds"),
          cell(fmt::format("simulation, {} fidelity", r.fidelity)),
          cell(fmt::format("program {}", r.program_hash))};
}

/// The rate that the decision takes too, with its interval.
Row rate_row(const Record& r, const Baseline& b, const PartRate& rate) {
  const Counted counted = counted_in(r);
  const double work = counted.amount;
  const std::string origin = fmt::format("{}", fmt::join(rate.origins, ", "));
  const bool measured = rate.from.kind == Kind::measured;
  return {cell(b.title),
          cell(rate.basis),
          sourced(si_cell(rate.value, rate.unit), origin),
          {fmt::format("{} ({} to {})", si(work / rate.value, "s"), si(work / rate.high, "s"),
                       si(work / rate.low, "s")),
           work / rate.value, record_keys(counted) + ", " + origin},
          cell((measured ? "estimate; rests on: " : "") + kind_text(rate.from)),
          cell(fmt::format("{} [{}]; {}", rate.from.source, rate.from.reference, rate.from.note))};
}

std::string why_none(const Record& r, const std::string& precision) {
  if (precision.empty()) return "no estimate: the useful FLOPs are of no or several precisions";
  if (r.flops <= 0) return fmt::format("nothing measured of this operator in {}", precision);
  if (r.what_if) return "no estimate: no chip is like this run's";
  if (!r.is_forecast()) return "no estimate: the run had not ended";
  return fmt::format("no measured share of the peak in {}", precision);
}

void add_estimates(const Record& r, double parameters, const Baseline& b, const BaselineRates& rates,
                   std::vector<Row>& rows) {
  const std::string precision = counted_in(r).precision;
  const auto rate = rates.of(r, parameters, b);
  rows.push_back(rate ? rate_row(r, b, *rate) : no_row(b, why_none(r, precision)));
  const Figure* matmul = b.figure("best_matmul_" + precision);
  if (rate && trains_a_language_model(r) && matmul && matmul->from.kind == Kind::measured)
    rows.push_back(
        estimate_row(r, b, fmt::format("best measured matmul in {}: an upper bound of the rate", precision),
                     matmul->value * 1e12, matmul->from, matmul->metric));
}

Table estimates_table(const Record& r, double parameters, const std::vector<Baseline>& baselines,
                      const BaselineRates& rates) {
  Table table{
      fmt::format("{}: estimated time of other parts for the same work", run_name(r)),
      {{"Part"}, {"Basis"}, {"Rate", true}, {"Time", true}, {"Kind"}, {"Source"}},
      {simulated_row(r)},
      "Estimates, not measurements: useful FLOPs, of an operator without any its elements, / the rate that "
      "leto "
      "decide takes, in the same precision. "
      "It "
      "is that of measured rows of the workload; else, for the training of a language model, peak x MFU of "
      "the nearest measured rows, which hold the communication of several devices; for anything else the "
      "roofline x the measured shares of the peaks, with the record's memory traffic. The interval is that "
      "of the rows, or of the model's errors on rows left out, or of all parts' shares. No ratio is formed."};
  for (const Baseline& b : baselines) add_estimates(r, parameters, b, rates, table.rows);
  return table;
}

/// The times of the table that follows, without those that are bounds.
IntervalBars times_chart(const Record& r, double parameters, const std::vector<Baseline>& baselines,
                         const BaselineRates& rates) {
  IntervalBars chart{
      fmt::format("{}: time for the same work, simulated and estimated", run_name(r)), "s", {}};
  const double work = counted_in(r).amount;
  if (r.seconds > 0) chart.bars.push_back({r.chip + " (simulated)", r.seconds, r.seconds, r.seconds, false});
  for (const Baseline& b : baselines)
    if (const auto rate = rates.of(r, parameters, b))
      chart.bars.push_back({b.title, work / rate->value, work / rate->high, work / rate->low, true});
  return chart;
}

Row source_row(const Baseline& b, const std::string& figure, const Cell& value, const std::string& precision,
               const Provenance& from) {
  return {
      cell(b.name),
      cell(figure),
      value,
      cell(precision.empty() ? "–" : precision),
      cell(kind_text(from)),
      cell(fmt::format("{} [{}]{}{}", from.source, from.reference, from.note.empty() ? "" : "; ", from.note)),
      cell(from.date),
      cell(from.confidence)};
}

/// One row a figure, one a group of training rows with the same source and precision.
Table sources_table(const std::vector<Baseline>& baselines) {
  Table table{
      "Where each figure comes from",
      {{"Part"}, {"Figure"}, {"Value", true}, {"Precision"}, {"Kind"}, {"Source"}, {"Date"}, {"Confidence"}},
      {},
      ""};
  for (const Baseline& b : baselines) {
    for (const Figure& f : b.figures)
      table.rows.push_back(source_row(b, f.metric,
                                      {fmt::format("{:.4g} {}", f.value, f.unit), f.value,
                                       fmt::format("baseline:{}/{}", b.name, f.metric)},
                                      f.precision, f.from));
    for (std::size_t i = 0; i < b.training.size();) {
      const TrainingRow& first = b.training[i];
      std::size_t end = i;
      double low = first.mfu, high = first.mfu;
      for (; end < b.training.size() && b.training[end].from.source == first.from.source &&
             b.training[end].precision == first.precision;
           ++end) {
        low = std::min(low, b.training[end].mfu);
        high = std::max(high, b.training[end].mfu);
      }
      table.rows.push_back(source_row(b, fmt::format("training MFU, {} rows", end - i),
                                      cell(fmt::format("{} to {}", percent(low), percent(high))),
                                      first.precision, first.from));
      i = end;
    }
  }
  return table;
}

}  // namespace

std::vector<Block> beside_baselines(const std::vector<Record>& records,
                                    const std::vector<Baseline>& baselines) {
  if (baselines.empty()) return {};
  std::vector<Block> blocks;
  for (const Baseline& b : baselines)
    if (!b.note.empty()) blocks.push_back(Text{fmt::format("{}: {}", b.title, b.note)});
  blocks.push_back(parts_table(records, baselines));
  const BaselineRates rates(load_baselines());
  const FactTable workloads = load_facts("workloads");
  for (const Record& r : records) {
    const double parameters = whole_model(workloads, r);
    if (auto chart = times_chart(r, parameters, baselines, rates); chart.bars.size() > 1)
      blocks.push_back(std::move(chart));
    blocks.push_back(estimates_table(r, parameters, baselines, rates));
  }
  blocks.push_back(sources_table(baselines));
  return blocks;
}

}  // namespace leto::study
