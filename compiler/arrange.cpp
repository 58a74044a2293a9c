#include "compiler/arrange.h"

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "compiler/lower/select.h"
#include "compiler/lower/update.h"
#include "compiler/passes/recompute.h"

namespace leto::compiler {
namespace {

/// Loops bind addresses, and shared SRAM has few.
bool loops_wanted(const Options& options) {
  return !options.unroll && options.resident == Resident::none;
}

/// With loops if they fit, else without: then `repeats` is empty.
MemoryFit place_for(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident,
                    Repeats& repeats) {
  try {
    return place(lowered, graph, chip, resident, repeats);
  } catch (const Error& e) {
    if (e.code() != ExitCode::does_not_fit || repeats.list.empty()) throw;
  }
  repeats = {};
  return place(lowered, graph, chip, resident, repeats);
}

/// `again` and these.
Again joined(Again again, const std::vector<ValueId>& values) {
  for (const ValueId v : values) again[static_cast<std::size_t>(v)] = true;
  return again;
}

}  // namespace

Arranged arrange(const Graph& graph, const ChipConfig& chip, const Options& options) {
  Arranged out{select(graph, chip), {}, {}};
  update_in_place(out.lowered, graph);
  updates_last(out.lowered);
  find_lifetimes(out.lowered);
  if (loops_wanted(options)) out.repeats = find_repeats(out.lowered);
  out.fit = place_for(out.lowered, graph, chip, options.resident, out.repeats);
  return out;
}

std::int64_t memory_budget(const ChipConfig& chip, const Recipe& recipe) {
  const std::int64_t bytes = chip.hbm.bytes;
  return recipe.memory_budget > 0 ? std::min(recipe.memory_budget, bytes) : bytes;
}

std::int64_t memory_peak(const Graph& graph, const ChipConfig& chip, const Options& options) {
  ChipConfig roomy = chip;
  roomy.hbm.bytes = std::int64_t{1} << 50;  // more than any step asks for
  return arrange(graph, roomy, options).fit.hbm_peak;
}

Graph recompute_to_fit(const Graph& graph, const ChipConfig& chip, std::int64_t budget,
                       const Options& options) {
  Graph best = graph;
  Again again(graph.values.size(), false);
  std::int64_t peak = memory_peak(graph, chip, options);
  std::set<ValueId> useless;  // the first value of what was tried and lowered no peak
  while (peak > budget) {
    const auto list = savings(graph, again);
    const auto next = std::find_if(list.begin(), list.end(),
                                   [&](const Saving& s) { return !useless.contains(s.values[0]); });
    if (next == list.end()) break;
    const Again wider = joined(again, next->values);
    Graph trial = recompute(graph, wider);
    const std::int64_t lower = memory_peak(trial, chip, options);
    if (lower >= peak) {
      useless.insert(next->values[0]);
      continue;
    }
    again = wider, peak = lower, best = std::move(trial);
  }
  return best;
}

}  // namespace leto::compiler
