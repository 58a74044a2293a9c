// Sections about memory in one run: what the placement used, and how much of it was in use when.
#include <fmt/format.h>

#include <algorithm>

#include "study/record_keys.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

/// Every figure of a free JSON object, one row each.
void flatten(const Json& node, const std::string& path, std::vector<std::vector<Cell>>& rows) {
  if (node.is_object() && !node.empty()) {
    for (const auto& [key, child] : node.items()) flatten(child, path.empty() ? key : path + "." + key, rows);
  } else if (node.is_number()) {
    const double value = node.get<double>();
    const bool bytes = path.find("bytes") != std::string::npos || path.starts_with("hbm_") ||
                       path.starts_with("sram_") || path.starts_with("held_");
    rows.push_back({cell(path), bytes ? si_cell(value, "B") : Cell{node.dump(), value, {}}});
  } else {
    rows.push_back({cell(path), cell(node.is_string() ? node.get<std::string>() : node.dump())});
  }
}

/// A figure of the placement; 0 when it is not there.
double placed(const Json& fit, const std::string& key) {
  const auto found = fit.find(key);
  return found != fit.end() && found->is_number() ? found->get<double>() : 0;
}

/// Who holds the device memory at the step's peak, as shares of its capacity.
StackedBars memory_bars(const Json& fit) {
  const double capacity = placed(fit, "hbm_capacity"), peak = placed(fit, "hbm_peak");
  StackedBars bars{"Device memory at the step's peak, of its capacity", {}, {{"device memory", {}}}};
  const auto add = [&](const std::string& holder, double bytes) {
    if (bytes <= 0) return;
    bars.legend.push_back(holder);
    bars.bars[0].parts.push_back(bytes / capacity);
  };
  double held = 0;
  for (const auto& [key, bytes] : fit.items())
    if (key.starts_with("held_") && bytes.is_number()) {
      add(key.substr(5), bytes.get<double>());
      held += bytes.get<double>();
    }
  const double pinned = std::max(placed(fit, "hbm_pinned"), held);
  add("held, of no role", pinned - held);
  add("activations and gradients", peak - pinned);
  const double used = std::max(peak, pinned);
  if (!(capacity > 0) || used > capacity || used <= 0) return {"", {}, {}};
  bars.legend.push_back("free");
  bars.bars[0].parts.push_back(1 - used / capacity);
  return bars;
}

/// One memory over time.
struct Usage {
  const char* label;
  std::optional<std::int64_t> OperationRecord::*live;
  const char* key;  // of `live`
  double capacity, peak, least;
};

/// The most that is in use in each bin of time, as a share of `most`; where no operation runs, what is always
/// held.
std::vector<double> shares_in_use(const Record& r, const Usage& memory, double most) {
  std::vector<double> bins(kBins, memory.least / most);
  const double width = double(r.cycles) / double(kBins);
  for (const OperationRecord& op : r.ops) {
    if (!dated(op) || !(op.*memory.live)) continue;
    const double from = double(*op.first) / width, to = double(*op.last) / width;
    if (from >= double(kBins)) continue;  // beyond the run, as in a record by other hands
    for (auto bin = std::size_t(from); bin < kBins && double(bin) < to; ++bin)
      bins[bin] = std::max(bins[bin], double(*(op.*memory.live)) / most);
  }
  return bins;
}

/// The operation with the most in use; nullptr when none says.
const OperationRecord* fullest(const Record& r, const Usage& memory) {
  const OperationRecord* most = nullptr;
  for (const OperationRecord& op : r.ops)
    if (dated(op) && op.*memory.live && (!most || *(op.*memory.live) > *(most->*memory.live))) most = &op;
  return most;
}

std::vector<Cell> usage_row(const Record& r, const Usage& memory, const OperationRecord& most) {
  const std::string key = fmt::format("record:ops[].{}", memory.key);
  const double live = double(*(most.*memory.live));
  return {cell(memory.label),
          sourced(si_cell(live, "B"), key),
          sourced(percent_cell(live / memory.capacity), key + ", record:memory_fit"),
          si_cell(double(*most.first) * r.seconds / double(r.cycles), "s"),
          cell(fmt::format("{}: {}", most.phase, most.name)),
          sourced(si_cell(std::max(0.0, memory.peak - live), "B"), key + ", record:memory_fit")};
}

}  // namespace

std::vector<Block> memory_fit(const Record& r) {
  const Json fit = Json::parse(r.memory_fit);
  if (fit.empty()) return {};
  std::vector<std::vector<Cell>> rows;
  flatten(fit, "", rows);
  Table table{
      "What the placement used, as the compiler reports it",
      {{"Key"}, {"Value", true, false, "record:memory_fit"}},
      std::move(rows),
      "hbm_pinned is held all step long, held_* says by which role. hbm_peak is the most that lives at "
      "once; largest names its largest holder."};
  std::vector<Block> blocks;
  if (auto bars = memory_bars(fit); !bars.bars.empty()) blocks.emplace_back(std::move(bars));
  blocks.emplace_back(std::move(table));
  return blocks;
}

std::vector<Block> memory_timeline(const Record& r) {
  const Json fit = Json::parse(r.memory_fit);
  const Usage memories[] = {{"device memory", &OperationRecord::live_hbm, "live_hbm",
                             placed(fit, "hbm_capacity"), placed(fit, "hbm_peak"), placed(fit, "hbm_pinned")},
                            {"shared SRAM", &OperationRecord::live_sram, "live_sram",
                             placed(fit, "sram_capacity"), placed(fit, "sram_peak"), 0}};
  Lanes chart{"What is in use of each memory, of the most that ever is", r.seconds, {}, {}};
  Table table{
      "When each memory is fullest",
      {{"Memory"},
       {"Most in use", true},
       {"Of its capacity", true, true},
       {"From", true, false, "record:ops[].first, record:seconds, record:cycles"},
       {"While this runs"},
       {"Gaps", true}},
      {},
      "In use: what the host holds there, and each intermediate from its first to its last operation. "
      "Gaps: what the placement takes beyond that, since blocks of unlike lives do not fill each "
      "other's room."};
  for (const Usage& memory : memories) {
    const OperationRecord* most = fullest(r, memory);
    if (!most || *(most->*memory.live) == 0 || !(memory.capacity > 0) || r.cycles == 0 || !(r.seconds > 0))
      continue;
    chart.lanes.push_back({memory.label, shares_in_use(r, memory, double(*(most->*memory.live)))});
    table.rows.push_back(usage_row(r, memory, *most));
  }
  if (chart.lanes.empty()) return {};
  return {chart, table};
}

}  // namespace leto::study
