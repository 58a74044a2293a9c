// What the engines did when, from the dates of the operations.
#include <fmt/format.h>

#include <algorithm>

#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

double instances_of(const Record& r, const std::string& engine) {
  const auto found = r.stalls.find(engine);
  return found == r.stalls.end() ? 1 : double(std::max<std::int64_t>(1, found->second.instances));
}

/// Adds `cycles` evenly over [first, last) to bins of `width` cycles.
void spread(std::vector<double>& bins, double width, double first, double last, double cycles) {
  const double density = cycles / (last - first);
  if (first >= width * double(bins.size())) return;  // beyond the run, as in a record by other hands
  for (auto bin = static_cast<std::size_t>(first / width); bin < bins.size(); ++bin) {
    const double from = std::max(first, double(bin) * width), to = std::min(last, double(bin + 1) * width);
    if (to <= from) return;
    bins[bin] += density * (to - from);
  }
}

/// Of each engine with work, the share of its instances that is busy in each bin.
std::map<std::string, std::vector<double>> busy_over_time(const Record& r) {
  const double width = double(r.cycles) / double(kBins);
  std::map<std::string, std::vector<double>> busy;
  for (const OperationRecord& op : r.ops) {
    if (!dated(op)) continue;
    for (const auto& [engine, cycles] : op.busy) {
      std::vector<double>& bins = busy[engine];
      bins.resize(kBins);
      spread(bins, width, double(*op.first), double(*op.last),
             double(cycles) / instances_of(r, engine) / width);
    }
  }
  return busy;
}

}  // namespace

std::vector<Block> engine_timeline(const Record& r) {
  const auto order = by_cycles(r);
  const auto longest = std::ranges::find_if(order, [](const OperationRecord* op) { return dated(*op); });
  auto busy = busy_over_time(r);
  if (busy.empty() || r.cycles == 0 || r.seconds <= 0) return {};
  const double cycle = r.seconds / double(r.cycles);
  const OperationRecord& hot = **longest;
  Lanes chart{"Share of each engine's instances that is busy, over the run", r.seconds, {}, {}};
  chart.mark = {fmt::format("{}: {}", hot.phase, hot.name), double(*hot.first) * cycle,
                double(*hot.last) * cycle};
  Table table{
      "Busy on average, and where it is most",
      {{"Engine"},
       {"Busy", true, true, "record:ops[].busy.<engine>, record:stalls.<engine>.instances, record:cycles"},
       {"Most in one bin", true, true, "record:ops[].busy.<engine>, record:ops[].first, record:ops[].last"},
       {"From", true, false, "record:ops[].first, record:ops[].last, record:seconds, record:cycles"}},
      {},
      fmt::format(
          "{} bins. Within its dates an operation's busy cycles are taken as even, so where operations "
          "overlap a bin is an estimate; more than all instances is shown as all. The marked span is "
          "the operation of most cycles. leto run --trace has every interval.",
          kBins)};
  for (auto& [engine, bins] : busy) {
    double sum = 0;
    for (const double share : bins) sum += share;
    const auto most = std::ranges::max_element(bins);
    table.rows.push_back({cell(engine), percent_cell(sum / double(kBins)), percent_cell(std::min(*most, 1.0)),
                          si_cell(double(most - bins.begin()) / double(kBins) * r.seconds, "s")});
    chart.lanes.push_back({engine, std::move(bins)});
  }
  return {chart, table};
}

}  // namespace leto::study
