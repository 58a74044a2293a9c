// Sections about the machine in one run: engines, memories, operations.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "study/report/fold.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

constexpr std::size_t kTopOperations = 30;
constexpr auto kMemoryPeaks =
    "record:chip_figures.hbm_bytes_per_s, record:chip_figures.sram_bytes_per_s, "
    "record:chip_figures.ls_bytes_per_s";

/// Causes of all engines, the largest first; ties by name.
std::vector<std::string> causes_of(const Record& r) {
  std::map<std::string, double> total;
  for (const auto& [engine, account] : r.stalls)
    for (const auto& [cause, cycles] : account.causes)
      total[cause] += double(cycles) / double(account.instances);
  std::vector<std::string> causes;
  for (const auto& [cause, cycles] : total) causes.push_back(cause);
  std::ranges::stable_sort(causes, [&](const auto& a, const auto& b) { return total[a] > total[b]; });
  return causes;
}

double share_of(const EngineFacts& account, std::uint64_t cycles) {
  double all = double(account.busy) + double(account.idle);
  for (const auto& [cause, stalled] : account.causes) all += double(stalled);
  return all > 0 ? double(cycles) / all : 0;
}

/// busy, then `causes`, then idle.
std::vector<double> shares_of(const EngineFacts& account, const std::vector<std::string>& causes) {
  std::vector<double> parts = {share_of(account, account.busy)};
  for (const std::string& cause : causes) {
    const auto found = account.causes.find(cause);
    parts.push_back(found == account.causes.end() ? 0 : share_of(account, found->second));
  }
  parts.push_back(share_of(account, account.idle));
  return parts;
}

Cell flops_cell(std::int64_t flops) {
  return flops > 0 ? si_cell(double(flops), "FLOP") : none_cell();
}

struct Group {
  std::uint64_t cycles = 0;
  std::int64_t flops = 0, bytes = 0, operations = 0;
};

Table grouped_table(const Record& r, const std::string& what, std::string OperationRecord::*key) {
  std::map<std::string, Group> groups;
  for (const OperationRecord& op : r.ops) {
    Group& group = groups[op.*key];
    group.cycles += op.cycles;
    group.flops += op.flops;
    group.bytes += op.bytes;
    ++group.operations;
  }
  std::vector<std::pair<std::string, Group>> order(groups.begin(), groups.end());
  std::ranges::stable_sort(order,
                           [](const auto& a, const auto& b) { return a.second.cycles > b.second.cycles; });
  Table table{fmt::format("Operations by {}", what),
              {{what == "kind" ? "Kind" : "Phase"},
               {"Operations", true, false, "record:ops[].name"},
               {"Cycles", true, false, "record:ops[].cycles"},
               {"Share of the run", true, true, "record:ops[].cycles, record:cycles"},
               {"Useful FLOPs", true, false, "record:ops[].flops"},
               {"Memory bytes", true, false, "record:ops[].bytes"}},
              {},
              ""};
  for (const auto& [name, group] : order)
    table.rows.push_back({cell(name), count_cell(double(group.operations)), count_cell(double(group.cycles)),
                          percent_cell(r.cycles ? double(group.cycles) / double(r.cycles) : 0),
                          flops_cell(group.flops), si_cell(double(group.bytes), "B")});
  return table;
}

}  // namespace

std::vector<Block> engine_stalls(const Record& r) {
  if (r.stalls.empty()) return {};
  const std::vector<std::string> causes = causes_of(r);
  StackedBars bars{"Share of each engine's cycles: busy, stalled by cause, idle", {"busy"}, {}};
  Table table{
      "Share of each engine's cycles",
      {{"Engine"},
       {"Instances", true, false, "record:stalls.<engine>.instances"},
       {"busy", true, false, "record:stalls.<engine>.busy"}},
      {},
      "Busy, causes and idle add up to all cycles of all instances; idle means that no work was pending."};
  for (const std::string& cause : causes) {
    bars.legend.push_back(cause);
    table.columns.push_back({cause, true, false, "record:stalls.<engine>.<cause>"});
  }
  bars.legend.push_back("idle");
  table.columns.push_back({"idle", true, false, "record:stalls.<engine>.idle"});
  for (const auto& [engine, account] : r.stalls) {
    const std::vector<double> parts = shares_of(account, causes);
    bars.bars.push_back({engine, parts});
    table.rows.push_back({cell(engine), count_cell(double(account.instances))});
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool has = i == 0 || i > causes.size() || account.causes.contains(causes[i - 1]);
      table.rows.back().push_back(has ? percent_cell(parts[i]) : none_cell());
    }
  }
  return {bars, table};
}

std::vector<Block> memory_traffic(const Record& r) {
  if (r.bytes.empty()) return {};
  const std::map<std::string, double> peaks = {{"hbm", r.chip_figures.hbm_bytes_per_s},
                                               {"sram", r.chip_figures.sram_bytes_per_s},
                                               {"ls", r.chip_figures.ls_bytes_per_s}};
  Table table{
      "Bytes on each memory's bus, and the bandwidth that makes",
      {{"Memory"},
       {"Read", true, false, "record:bytes.<memory>.read"},
       {"Written", true, false, "record:bytes.<memory>.write"},
       {"Achieved", true, false, "record:bytes.<memory>.read, record:bytes.<memory>.write, record:seconds"},
       {"Peak", true, false, kMemoryPeaks},
       {"Share of peak", true, true,
        "record:bytes.<memory>.read, record:bytes.<memory>.write, record:seconds"}},
      {},
      "hbm is the device memory, LPDDR too; ls is all local stores together. Whole bursts are counted."};
  for (const auto& [memory, traffic] : r.bytes) {
    const double rate = r.seconds > 0 ? (double(traffic.read) + double(traffic.write)) / r.seconds : 0;
    const auto peak = peaks.find(memory);
    table.rows.push_back({cell(memory), si_cell(double(traffic.read), "B"),
                          si_cell(double(traffic.write), "B"), si_cell(rate, "B/s"),
                          peak == peaks.end() ? none_cell() : si_cell(peak->second, "B/s"),
                          peak == peaks.end() ? none_cell() : percent_cell(rate / peak->second)});
  }
  return {table};
}

std::vector<Block> operations(const Record& r) {
  if (r.ops.empty()) return {};
  const Record layers_together = folded(r);
  const auto order = by_cycles(layers_together);
  Table top{
      fmt::format("The {} largest operations of {}, layers that do the same work together",
                  std::min(kTopOperations, order.size()), order.size()),
      {{"Operation"},
       {"Kind"},
       {"Phase"},
       {"Cycles", true, false, "record:ops[].cycles"},
       {"Share of the run", true, true, "record:ops[].share"},
       {"Bound by"},
       {"Commands", true, false, "record:ops[].commands"},
       {"Useful FLOPs", true, false, "record:ops[].flops"},
       {"Memory bytes", true, false, "record:ops[].bytes"}},
      {},
      "An operation's cycles are what is billed to it, busy and stalled, on the engine where that is most. "
      "Operations "
      "overlap: shares need not add up to 100 %."};
  for (std::size_t i = 0; i < std::min(kTopOperations, order.size()); ++i) {
    const OperationRecord& op = *order[i];
    top.rows.push_back({cell(op.name), cell(op.kind), cell(op.phase), count_cell(double(op.cycles)),
                        percent_cell(op.share), cell(op.bound_by), count_cell(double(op.commands)),
                        flops_cell(op.flops), si_cell(double(op.bytes), "B")});
  }
  return {grouped_table(r, "phase", &OperationRecord::phase),
          grouped_table(r, "kind", &OperationRecord::kind), top};
}

}  // namespace leto::study
