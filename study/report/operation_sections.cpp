// Sections about single operations: each against its roof, and each one's stall stack. The largest ones stand
// alone, the rest as one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "study/energy.h"
#include "study/report/fold.h"
#include "study/report/format.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

constexpr std::size_t kShown = 12;
constexpr std::size_t kListed = 1000;  // of the long table and the roofline's points: keeps a page below 1 MB

constexpr auto kRoofs =
    "record:chip_figures.peak_flops_16bit, record:chip_figures.peak_flops_8bit, "
    "record:chip_figures.hbm_bytes_per_s, record:ops[].flops, record:ops[].bytes";

std::string name_of_rest(std::size_t count) {
  return fmt::format("the other {}", count);
}

Cell text_cell(const std::string& text) {
  return text.empty() ? none_cell() : cell(text);
}

/// Work and time of an operation, or of several together.
struct Placement {
  std::string label, kind, phase, bound_by;
  double flops = 0, bytes = 0, seconds = 0;
};

std::optional<Placement> whole_run(const Record& r) {
  const auto hbm = r.bytes.find("hbm");
  if (r.flops <= 0 || r.seconds <= 0 || hbm == r.bytes.end()) return {};
  const double bytes = double(hbm->second.read) + double(hbm->second.write);
  if (bytes <= 0) return {};
  return Placement{"whole run", "", "", "", double(r.flops), bytes, r.seconds};
}

bool computes_or_moves(const OperationRecord& op) {
  return op.cycles > 0 && (op.flops > 0 || op.bytes > 0);
}

/// The operations that the table takes together, each as a point of its own.
void add_small_points(const Record& r, Roofline& chart) {
  const double clock = r.chip_figures.clock_mhz * 1e6;
  std::size_t seen = 0;
  for (const OperationRecord* op : by_cycles(r)) {
    if (!computes_or_moves(*op) || ++seen <= kShown) continue;
    if (seen > kListed) return;
    if (op->flops > 0 && op->bytes > 0)
      chart.points.push_back({"", double(op->flops) / double(op->bytes),
                              double(op->flops) * clock / double(op->cycles),
                              fmt::format("{}: {}", op->phase, op->name)});
  }
}

/// Those operations that compute or move something.
std::vector<Placement> placements(const Record& r) {
  std::vector<Placement> out;
  const double clock = r.chip_figures.clock_mhz * 1e6;
  Placement rest;
  std::size_t others = 0;
  for (const OperationRecord* op : by_cycles(r)) {
    if (!computes_or_moves(*op)) continue;
    const Placement one{op->name,
                        op->kind,
                        op->phase,
                        op->bound_by,
                        double(op->flops),
                        double(op->bytes),
                        double(op->cycles) / clock};
    if (out.size() < kShown) {
      out.push_back(one);
      continue;
    }
    ++others;
    rest.flops += one.flops;
    rest.bytes += one.bytes;
    rest.seconds += one.seconds;
  }
  rest.label = name_of_rest(others);
  if (others > 0) out.push_back(rest);
  return out;
}

double peak_of(const Record& r) {
  return precision_of(r).starts_with("fp8") ? r.chip_figures.peak_flops_8bit
                                            : r.chip_figures.peak_flops_16bit;
}

/// FLOP/s under the lower of two roofs; B/s under the memory's where nothing is multiplied.
struct Attained {
  double rate, roof;
  const char* unit;
};
Attained attained(const Record& r, const Placement& p) {
  const double memory = r.chip_figures.hbm_bytes_per_s;
  if (p.flops <= 0) return {p.bytes / p.seconds, memory, "B/s"};
  const double roof = p.bytes > 0 ? std::min(peak_of(r), p.flops / p.bytes * memory) : peak_of(r);
  return {p.flops / p.seconds, roof, "FLOP/s"};
}

std::vector<Cell> row_of(const Record& r, const Placement& p, const std::string& point) {
  const Attained a = attained(r, p);
  const double intensity = p.bytes > 0 ? p.flops / p.bytes : 0;
  return {text_cell(point),
          cell(p.label),
          text_cell(p.kind),
          text_cell(p.phase),
          intensity > 0 ? Cell{fmt::format("{:.4g}", intensity), intensity, {}} : none_cell(),
          si_cell(a.rate, a.unit),
          si_cell(a.roof, a.unit),
          a.roof > 0 ? percent_cell(a.rate / a.roof) : none_cell(),
          text_cell(p.bound_by)};
}

/// Cycles per instance of the engine that an operation occupies most, by state.
struct Stack {
  std::string label, kind, phase, engine;
  std::map<std::string, double> states;
  double cycles() const {
    double sum = 0;
    for (const auto& [state, cycles] : states) sum += cycles;
    return sum;
  }
};

Stack stack_of(const Record& r, const OperationRecord& op) {
  std::map<std::string, Stack> by_engine;
  const auto add = [&](const std::string& engine, const std::string& state, std::uint64_t cycles) {
    const auto facts = r.stalls.find(engine);
    const double instances =
        facts == r.stalls.end() ? 1 : double(std::max<std::int64_t>(1, facts->second.instances));
    by_engine[engine].states[state] += double(cycles) / instances;
  };
  for (const auto& [engine, cycles] : op.busy) add(engine, "busy", cycles);
  for (const auto& [stall, cycles] : op.stalls) {
    const std::size_t dot = std::min(stall.find('.'), stall.size() - 1);
    add(stall.substr(0, dot), stall.substr(dot + 1), cycles);
  }
  Stack most;
  for (auto& [engine, stack] : by_engine)
    if (stack.cycles() > most.cycles()) {
      most = stack;
      most.engine = engine;
    }
  most.label = op.name;
  most.kind = op.kind;
  most.phase = op.phase;
  return most;
}

std::vector<Stack> stacks(const Record& r) {
  std::vector<Stack> out;
  Stack rest;
  std::size_t others = 0;
  for (const OperationRecord* op : by_cycles(r)) {
    Stack one = stack_of(r, *op);
    if (one.cycles() <= 0) continue;
    if (out.size() < kShown) {
      out.push_back(std::move(one));
      continue;
    }
    ++others;
    for (const auto& [state, cycles] : one.states) rest.states[state] += cycles;
  }
  rest.label = name_of_rest(others);
  if (others > 0) out.push_back(rest);
  return out;
}

/// Every state of the stacks: busy, then the causes, that of most cycles first; ties by name.
std::vector<std::string> states_of(const std::vector<Stack>& all) {
  std::map<std::string, double> total;
  for (const Stack& stack : all)
    for (const auto& [state, cycles] : stack.states) total[state] += cycles;
  total.erase("busy");
  std::vector<std::string> states;
  for (const auto& [state, cycles] : total) states.push_back(state);
  std::ranges::stable_sort(states, [&](const auto& a, const auto& b) { return total[a] > total[b]; });
  states.insert(states.begin(), "busy");
  return states;
}

/// Energies by operation, each given out once: a record adds up those of one name and phase.
class Energies {
 public:
  explicit Energies(const Record& r) {
    if (r.energy_j) left_ = r.energy_j->by_operation;
  }
  Cell take(const Fold& fold) {
    double sum = 0;
    bool any = false;
    for (const OperationRecord* op : fold.members)
      if (const auto node = left_.extract(energy_name(*op)); !node.empty()) {
        sum += node.mapped();
        any = true;
      }
    return any ? si_cell(sum, "J") : none_cell();
  }

 private:
  std::map<std::string, double> left_;
};

double share_of(const Stack& stack, const std::string& state, double whole) {
  const auto found = stack.states.find(state);
  return found == stack.states.end() ? 0 : found->second / whole;
}

}  // namespace

std::vector<const OperationRecord*> by_cycles(const Record& r) {
  std::vector<const OperationRecord*> order;
  for (const OperationRecord& op : r.ops) order.push_back(&op);
  std::ranges::stable_sort(order, [](const auto* a, const auto* b) { return a->cycles > b->cycles; });
  return order;
}

std::vector<Block> roofline(const Record& run) {
  const Record r = folded(run);
  std::vector<Placement> placed = placements(r);
  if (const auto run = whole_run(r)) placed.insert(placed.begin(), *run);
  if (placed.empty()) return {};
  const ChipFigures& chip = r.chip_figures;
  Roofline chart{"Attained FLOP/s over FLOP per byte of memory traffic",
                 peak_of(r),
                 {{"device memory", chip.hbm_bytes_per_s}, {"shared SRAM", chip.sram_bytes_per_s}},
                 {}};
  Table table{
      "Operations under their roof",
      {{"Point"},
       {"Of"},
       {"Kind"},
       {"Phase"},
       {"Intensity, FLOP/B", true, false,
        "record:ops[].flops, record:ops[].bytes, record:flops, record:bytes.<memory>.read"},
       {"Attained", true, false,
        "record:ops[].flops, record:ops[].bytes, record:ops[].cycles, record:flops, record:seconds"},
       {"Roof", true, false, kRoofs},
       {"Share of the roof", true, true, kRoofs},
       {"Bound by"}},
      {},
      fmt::format("Roof: the lower of {} and intensity x {}; for operations without useful FLOPs, the "
                  "latter alone. The run counts device-memory bytes, an operation its own bytes to and "
                  "from memory, shared SRAM included; its time is its cycles as below.",
                  si(peak_of(r), "FLOP/s"), si(chip.hbm_bytes_per_s, "B/s"))};
  for (const Placement& p : placed) {
    std::string point;
    if (p.flops > 0 && p.bytes > 0) {
      point = fmt::format("{}", chart.points.size() + 1);
      chart.points.push_back({point, p.flops / p.bytes, p.flops / p.seconds, p.label});
    }
    table.rows.push_back(row_of(r, p, point));
  }
  add_small_points(r, chart);
  if (chart.points.empty()) return {table};
  return {chart, table};
}

std::vector<Block> operation_stalls(const Record& run) {
  const Record r = folded(run);
  const std::vector<Stack> all = stacks(r);
  if (all.empty()) return {};
  const std::vector<std::string> states = states_of(all);
  double longest = 0;
  for (const Stack& stack : all) longest = std::max(longest, stack.cycles());
  StackedBars bars{"Cycles of each operation on the engine it occupies most", states, {}};
  bars.legend.push_back("less than the longest");
  Table table{
      "Stall stack of each operation",
      {{"Operation"},
       {"Kind"},
       {"Phase"},
       {"Engine"},
       {"Cycles", true, false, "record:ops[].busy.<engine>, record:ops[].stalls.<engine.cause>"}},
      {},
      "Cycles per instance of the engine, and what share of them it was in each state. Every cause is said "
      "by leto explain stalls.<engine>.<cause>."};
  for (const std::string& state : states)
    table.columns.push_back(
        {state, true, false, "record:ops[].busy.<engine>, record:ops[].stalls.<engine.cause>"});
  for (const Stack& stack : all) {
    bars.bars.push_back({stack.label, {}});
    table.rows.push_back({cell(stack.label), text_cell(stack.kind), text_cell(stack.phase),
                          text_cell(stack.engine), count_cell(std::round(stack.cycles()))});
    for (const std::string& state : states) {
      bars.bars.back().parts.push_back(share_of(stack, state, longest));
      const double share = share_of(stack, state, stack.cycles());
      table.rows.back().push_back(share > 0 ? percent_cell(share) : none_cell());
    }
    bars.bars.back().parts.push_back(1 - stack.cycles() / longest);
  }
  return {bars, table};
}

std::vector<Block> every_operation(const Record& r) {
  Table table{
      "Every operation",
      {{"Operation"},
       {"Kind"},
       {"Phase"},
       {"Cycles", true, false, "record:ops[].cycles"},
       {"Share", true, true, "record:ops[].share"},
       {"Bound by"},
       {"FLOP", true, false, "record:ops[].flops"},
       {"Bytes", true, false, "record:ops[].bytes"},
       {"Energy (estimate)", true, false, "record:energy_j.by_operation.<phase: operation>, table:energy"}},
      {},
      "Operations overlap: their shares add up to more than the run. Bytes to and from memory. Layers that "
      "do the same work stand in one row, as sums (x count). An energy is that of all operations of a name "
      "and phase: it stands at the longest of them.",
      true};
  std::vector<Fold> order = folds(r);
  std::ranges::stable_sort(order, std::greater<>{}, [](const Fold& f) { return f.sum.cycles; });
  Energies energies(r);
  for (std::size_t i = 0; i < std::min(order.size(), kListed); ++i) {
    const OperationRecord& op = order[i].sum;
    table.rows.push_back({cell(op.name), text_cell(op.kind), text_cell(op.phase),
                          count_cell(double(op.cycles)), percent_cell(op.share), text_cell(op.bound_by),
                          si_cell(double(op.flops), "FLOP"), si_cell(double(op.bytes), "B"),
                          energies.take(order[i])});
  }
  if (order.size() > kListed)
    table.note += fmt::format(" The {} of most cycles of {}; record.json has all.", kListed, order.size());
  if (table.rows.empty()) return {};
  return {table};
}

}  // namespace leto::study
