#include "model/kernel/accounts.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "isa/instruction.h"
#include "model/kernel/observer.h"

namespace leto::model {
namespace {

constexpr std::array<std::string_view, kEngines> kEngineNames = {
    "issue_core",    "matrix_engine",         "reduction_engine",      "vector_engine",
    "layout_engine", "fabric_interface_load", "fabric_interface_store"};
constexpr std::array<std::string_view, kStates> kStateNames = {
    "busy",      "idle",  "data",       "space",   "banks",     "neighbour", "local_store", "memory",
    "multicast", "issue", "queue_full", "barrier", "semaphore", "post",      "launch"};

constexpr std::size_t index(auto e) {
  return static_cast<std::size_t>(e);
}

int instances(std::size_t engine, int pes) {
  return engine == index(Engine::issue_core) ? pes * isa::kCores : pes;
}

// Cycles that are open are the rest of units without work: shared out as that is. Those billed too often were
// the longest of the states.
void settle(std::array<Cycle, kStates>& row, std::int64_t open) {
  if (open <= 0) {
    *std::ranges::max_element(row) += static_cast<Cycle>(open);
    return;
  }
  constexpr std::array kRests = {State::idle, State::issue, State::barrier, State::semaphore};
  double sum = 0;
  for (const State state : kRests) sum += static_cast<double>(row[index(state)]);
  auto left = static_cast<Cycle>(open);
  for (const State state : kRests) {
    Cycle& spent = row[index(state)];
    const auto share =
        sum == 0 ? 0 : static_cast<Cycle>(static_cast<double>(open) * static_cast<double>(spent) / sum);
    spent += std::min(share, left);
    left -= std::min(share, left);
  }
  row[index(State::idle)] += left;
}

}  // namespace

std::string_view name_of(Engine engine) {
  return kEngineNames[index(engine)];
}
std::string_view name_of(State state) {
  return kStateNames[index(state)];
}

Accounts::Accounts(std::size_t operations, Observer* observer)
    : by_operation_(operations), operations_(operations), touched_(operations, 0), observer_(observer) {}

void Accounts::bill(Engine engine, int instance, State state, std::uint32_t operation, Cycle from, Cycle to) {
  totals_[index(engine)][index(state)] += to - from;
  if (operation != kNoOperation) by_operation_[operation][index(engine)][index(state)] += to - from;
  if (observer_) observer_->on_interval(engine, instance, state, operation, from, to);
}

void Accounts::touch(std::uint32_t operation, Cycle at) {
  at += skipped_;
  OperationAccount& account = operations_[operation];
  account.first_cycle = touched_[operation] ? std::min<std::uint64_t>(account.first_cycle, at) : at;
  account.last_cycle = std::max<std::uint64_t>(account.last_cycle, at);
  touched_[operation] = 1;
}

void Accounts::repeat(const Accounts& before, const Accounts& now, std::int64_t times, std::uint32_t step,
                      Cycle duration) {
  for (std::size_t e = 0; e < kEngines; ++e) unbilled_[e] += (now.unbilled_[e] - before.unbilled_[e]) * times;
  for (std::size_t e = 0; e < kEngines; ++e)
    for (std::size_t s = 0; s < kStates; ++s)
      add_repeated(totals_[e][s], now.totals_[e][s], before.totals_[e][s], times);
  for (std::size_t o = 0; o < operations_.size(); ++o) {
    const OperationAccount &had = before.operations_[o], &has = now.operations_[o];
    if (now.by_operation_[o] == before.by_operation_[o] && has.commands == had.commands) continue;
    for (std::int64_t t = 1; t <= times; ++t) {
      const std::size_t target = o + static_cast<std::size_t>(t) * step;
      if (target >= operations_.size()) break;
      for (std::size_t e = 0; e < kEngines; ++e)
        for (std::size_t s = 0; s < kStates; ++s)
          add_repeated(by_operation_[target][e][s], now.by_operation_[o][e][s], before.by_operation_[o][e][s],
                       1);
      OperationAccount& account = operations_[target];
      account.commands += has.commands - had.commands;
      account.macs += has.macs - had.macs;
      account.bytes += has.bytes - had.bytes;
      const Cycle later =
          static_cast<Cycle>(t) * duration - skipped_;  // touch() adds what was skipped before
      if (!now.touched_[o]) continue;
      touch(static_cast<std::uint32_t>(target), has.first_cycle + later);
      touch(static_cast<std::uint32_t>(target), has.last_cycle + later);
    }
  }
  skipped_ += static_cast<Cycle>(times) * duration;
}

void Accounts::add_between(Ledger& sum, const Ledger& now, const Ledger& then) {
  for (std::size_t e = 0; e < kEngines; ++e)
    for (std::size_t s = 0; s < kStates; ++s) sum[e][s] += now[e][s] - then[e][s];
}

void Accounts::Spent::add(const Spent& other) {
  add_between(totals, other.totals, {});
  for (const auto& [operation, ledger] : other.by_operation) add_between(by_operation[operation], ledger, {});
}

void Accounts::add_since(const Accounts& before, Spent& to) const {
  add_between(to.totals, totals_, before.totals_);
  for (std::size_t o = 0; o < by_operation_.size(); ++o)
    if (by_operation_[o] != before.by_operation_[o])
      add_between(to.by_operation[static_cast<std::uint32_t>(o)], by_operation_[o], before.by_operation_[o]);
}

// Shares of the time spent, rounded down; what rounding leaves goes to the largest.
void Accounts::go_on(const Spent& spent, Cycle cycles, int pes) {
  skipped_ += cycles;
  for (std::size_t e = 0; e < kEngines; ++e) {
    const auto& row = spent.totals[e];
    const Cycle sum = std::accumulate(row.begin(), row.end(), Cycle{0});
    Cycle left = cycles * static_cast<Cycle>(instances(e, pes));
    if (sum == 0) {
      unbilled_[e] += static_cast<std::int64_t>(left);
      continue;
    }
    const double times = static_cast<double>(left) / static_cast<double>(sum);
    const auto grown = [times](Cycle part) { return static_cast<Cycle>(static_cast<double>(part) * times); };
    for (std::size_t s = 0; s < kStates; ++s) {
      totals_[e][s] += grown(row[s]);
      left -= grown(row[s]);
    }
    totals_[e][static_cast<std::size_t>(std::ranges::max_element(row) - row.begin())] += left;
    for (const auto& [operation, ledger] : spent.by_operation)
      for (std::size_t s = 0; s < kStates; ++s) by_operation_[operation][e][s] += grown(ledger[e][s]);
  }
}

void Accounts::repeat(const Spent& spent, Cycle cycles, int pes) {
  skipped_ += cycles;
  add_between(totals_, spent.totals, {});
  for (const auto& [operation, ledger] : spent.by_operation)
    add_between(by_operation_[operation], ledger, {});
  for (std::size_t e = 0; e < kEngines; ++e) {
    const Cycle billed = std::accumulate(spent.totals[e].begin(), spent.totals[e].end(), Cycle{0});
    unbilled_[e] += static_cast<std::int64_t>(cycles * static_cast<Cycle>(instances(e, pes)) - billed);
  }
}

// Engines of operations are counted in by_operation_ and named in reports only.
void Accounts::state(Snapshot& s) {
  s(totals_, by_operation_, touched_, skipped_, unbilled_);
  for (OperationAccount& o : operations_) s(o.first_cycle, o.last_cycle, o.commands, o.macs, o.bytes);
}

void Accounts::report(Statistics& statistics, Cycle cycles, int pes) const {
  for (int e = 0; e < kEngines; ++e) {
    auto row = totals_[static_cast<std::size_t>(e)];
    settle(row, unbilled_[static_cast<std::size_t>(e)]);
    EngineAccount& account = statistics.engines[std::string(kEngineNames[static_cast<std::size_t>(e)])];
    account = {};
    account.instances = instances(static_cast<std::size_t>(e), pes);
    const Cycle sum = std::accumulate(row.begin(), row.end(), Cycle{0});
    if (sum != (cycles + skipped_) * static_cast<Cycle>(account.instances))
      throw Error(
          ExitCode::internal,
          fmt::format("stall accounts of {} sum to {} cycles, not {} x {}",
                      kEngineNames[static_cast<std::size_t>(e)], sum, account.instances, cycles + skipped_),
          "report this with the program and the chip file");
    account.busy = row[index(State::busy)];
    account.idle = row[index(State::idle)];
    for (std::size_t s = index(State::data); s < kStates; ++s)
      if (row[s] != 0) account.causes[std::string(kStateNames[s])] = row[s];
  }
  statistics.operations = operations_;
  for (std::size_t o = 0; o < operations_.size(); ++o)
    for (std::size_t e = 0; e < kEngines; ++e)
      for (std::size_t s = 0; s < kStates; ++s) {
        const Cycle spent = by_operation_[o][e][s];
        if (spent == 0 || s == index(State::idle)) continue;
        OperationAccount& account = statistics.operations[o];
        if (s == index(State::busy))
          account.busy[std::string(kEngineNames[e])] = spent;
        else
          account.stalls[fmt::format("{}.{}", kEngineNames[e], kStateNames[s])] = spent;
      }
}

}  // namespace leto::model
