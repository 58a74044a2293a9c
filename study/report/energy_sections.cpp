// Energy by block and by operation.
#include <fmt/format.h>

#include <algorithm>

#include "study/energy.h"
#include "study/report/fold.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

constexpr std::size_t kOperations = 15;

/// Names and joules, those of most energy first.
std::vector<std::pair<std::string, double>> by_energy(const std::map<std::string, double>& items) {
  std::vector<std::pair<std::string, double>> sorted(items.begin(), items.end());
  std::ranges::stable_sort(sorted, std::greater<>{}, &std::pair<std::string, double>::second);
  return sorted;
}

Table shares(const std::string& caption, const std::string& what, const std::string& from,
             const std::map<std::string, double>& items, const EnergyRecord& energy, double seconds) {
  Table table{caption,
              {{what},
               {"Energy", true, false, from + ", table:energy"},
               {"Mean power", true, false, from + ", record:seconds, table:energy"},
               {"Share", true, true, from + ", record:energy_j.total, table:energy"}},
              {},
              ""};
  const auto sorted = by_energy(items);
  for (std::size_t i = 0; i < std::min(sorted.size(), kOperations); ++i) {
    const auto& [name, joules] = sorted[i];
    table.rows.push_back({cell(name), si_cell(joules, "J"), si_cell(joules / seconds, "W"),
                          percent_cell(joules / energy.total)});
  }
  if (sorted.size() > kOperations)
    table.note = fmt::format("The {} largest of {}; record.json has all.", kOperations, sorted.size());
  return table;
}

}  // namespace

std::vector<Block> energy(const Record& r) {
  if (!r.energy_j || r.energy_j->total <= 0 || r.seconds <= 0) return {};
  const EnergyRecord e = *folded(r).energy_j;
  const Text what{fmt::format(
      "Estimate: {} in {}, a mean power of {} ({} to {} with every row of study/tables/energy.toml at an end "
      "of its interval). One chip without its links: NICs, network dies, SerDes and host interface are not "
      "in "
      "it, and rows of older nodes are scaled by factors that are ours.",
      si(e.total, "J"), si(r.seconds, "s"), si(e.total / r.seconds, "W"), si(e.low / r.seconds, "W"),
      si(e.high / r.seconds, "W"))};
  return {what,
          shares("Energy by block (estimate)", "Block", "record:energy_j.by_block.<block>", e.by_block, e,
                 r.seconds),
          shares("Energy by operation (estimate)", "Operation",
                 "record:energy_j.by_operation.<phase: operation>", e.by_operation, e, r.seconds)};
}

}  // namespace leto::study
