#include "study/cycle_difference.h"

#include <algorithm>
#include <tuple>

namespace leto::study {
namespace {

/// state, operation, kind, phase
using Place = std::tuple<std::string, std::string, std::string, std::string>;
using Places = std::map<Place, std::uint64_t>;   // modulo 2^64: a damaged record may bill more than there is
using Accounts = std::map<std::string, Places>;  // by engine

std::int64_t signed_of(std::uint64_t cycles) {
  return static_cast<std::int64_t>(cycles);
}

std::uint64_t magnitude(std::int64_t cycles) {
  const auto bits = static_cast<std::uint64_t>(cycles);
  return cycles < 0 ? -bits : bits;
}

/// Every engine-cycle of a run by place. What the engine's total has beyond its operations is billed to none.
Accounts accounts_of(const Record& record) {
  Accounts accounts;
  for (const auto& [engine, facts] : record.stalls) {
    Places& places = accounts[engine];
    places[{"busy", "", "", ""}] = facts.busy;
    places[{"idle", "", "", ""}] = facts.idle;
    for (const auto& [cause, cycles] : facts.causes) places[{cause, "", "", ""}] = cycles;
  }
  const auto move = [&](const std::string& engine, const std::string& state, const OperationRecord& op,
                        std::uint64_t cycles) {
    const auto found = accounts.find(engine);
    if (found == accounts.end()) return;
    found->second[{state, op.name, op.kind, op.phase}] += cycles;
    found->second[{state, "", "", ""}] -= cycles;
  };
  for (const OperationRecord& op : record.ops) {
    for (const auto& [engine, cycles] : op.busy) move(engine, "busy", op, cycles);
    for (const auto& [stall, cycles] : op.stalls) {
      const std::size_t dot = stall.find('.');
      if (dot != std::string::npos) move(stall.substr(0, dot), stall.substr(dot + 1), op, cycles);
    }
  }
  return accounts;
}

std::vector<Contribution> ranked(const Places& a, const Places& b) {
  std::map<Place, Contribution> all;
  const auto at = [&](const Place& place) -> Contribution& {
    Contribution& one = all[place];
    std::tie(one.state, one.operation, one.kind, one.phase) = place;
    return one;
  };
  for (const auto& [place, cycles] : a) at(place).a = signed_of(cycles);
  for (const auto& [place, cycles] : b) at(place).b = signed_of(cycles);
  std::vector<Contribution> out;
  for (const auto& [place, one] : all)
    if (one.difference() != 0) out.push_back(one);
  std::ranges::stable_sort(out, [](const auto& x, const auto& y) {
    return magnitude(x.difference()) > magnitude(y.difference());
  });
  return out;
}

std::int64_t total(const Places& places) {
  std::uint64_t sum = 0;
  for (const auto& [place, cycles] : places) sum += cycles;
  return signed_of(sum);
}

std::int64_t instances(const Record& record, const std::string& engine) {
  const auto found = record.stalls.find(engine);
  return found == record.stalls.end() ? 0 : found->second.instances;
}

/// Cycles that changed place, idle ones aside: what an engine with nothing to do waits for, others explain.
std::uint64_t moved(const EngineDifference& engine) {
  std::uint64_t sum = 0;
  for (const Contribution& one : engine.contributions)
    if (one.state != "idle") sum += magnitude(one.difference());
  return sum;
}

}  // namespace

std::vector<EngineDifference> cycle_differences(const Record& a, const Record& b) {
  Accounts left = accounts_of(a), right = accounts_of(b);
  for (const auto& [engine, places] : right) left.try_emplace(engine);
  std::vector<EngineDifference> out;
  for (const auto& [engine, places] : left) {
    EngineDifference one{engine,        instances(a, engine), instances(b, engine),
                         total(places), total(right[engine]), ranked(places, right[engine])};
    if (!one.contributions.empty()) out.push_back(std::move(one));
  }
  std::ranges::stable_sort(out, [](const auto& x, const auto& y) { return moved(x) > moved(y); });
  return out;
}

}  // namespace leto::study
