#include "model/kernel/accounts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

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

/// What a unit without work rests for while the core that feeds it is in `state`.
State rest_while(State state) {
  switch (state) {
    case State::barrier:
    case State::semaphore:
    case State::launch:
    case State::idle:
      return state;
    case State::queue_full:
      return State::idle;  // of another unit
    default:
      return State::issue;
  }
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
  if (engine == Engine::issue_core)
    cores_[static_cast<std::size_t>(instance) % isa::kCores][index(state)] += to - from;
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
  for (std::size_t e = 0; e < kEngines; ++e) {
    const bool works = now.totals_[e][index(State::busy)] != before.totals_[e][index(State::busy)];
    if (works) take_pending(e);
    Open& open = works ? open_[e] : pending_[e];
    for (const auto part : {&Accounts::open_, &Accounts::pending_}) {
      open.add((now.*part)[e], static_cast<double>(times));
      open.add((before.*part)[e], -static_cast<double>(times));
    }
  }
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

void Accounts::Spent::bill_to(const std::map<std::uint32_t, std::int64_t>& commands) {
  Ledger sum{};
  double all = 0;
  for (const auto& [operation, ledger] : by_operation) add_between(sum, ledger, {});
  for (const auto& [operation, count] : commands) all += static_cast<double>(count);
  by_operation.clear();
  for (const auto& [operation, count] : commands)
    for (std::size_t e = 0; e < kEngines; ++e)
      for (std::size_t s = 0; s < kStates; ++s)
        by_operation[operation][e][s] =
            static_cast<Cycle>(static_cast<double>(sum[e][s]) * static_cast<double>(count) / all);
}

void Accounts::end_by(std::uint32_t operation, Cycle at) {
  OperationAccount& account = operations_[operation];
  account.first_cycle = std::min<std::uint64_t>(account.first_cycle, at + skipped_);
  account.last_cycle = std::min<std::uint64_t>(account.last_cycle, at + skipped_);
}

void Accounts::add_since(const Accounts& before, Spent& to) const {
  add_between(to.totals, totals_, before.totals_);
  add_between(to.cores, cores_, before.cores_);
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
      leave_open(e, static_cast<std::int64_t>(left), spent);
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
  add_between(cores_, spent.cores, {});
  for (const auto& [operation, ledger] : spent.by_operation)
    add_between(by_operation_[operation], ledger, {});
  for (std::size_t e = 0; e < kEngines; ++e) {
    const Cycle billed = std::accumulate(spent.totals[e].begin(), spent.totals[e].end(), Cycle{0});
    const Cycle all = cycles * static_cast<Cycle>(instances(e, pes));
    leave_open(e, static_cast<std::int64_t>(all - billed), spent);
  }
}

void Accounts::Open::add(const Open& more, double times) {
  cycles += std::llround(static_cast<double>(more.cycles) * times);
  for (std::size_t s = 0; s < kStates; ++s) rests[s] += more.rests[s] * times;
}

/// The engine has worked since what is pending: then that is no end.
void Accounts::take_pending(std::size_t engine) {
  if (totals_[engine][index(State::busy)] == worked_[engine]) return;
  open_[engine].add(std::exchange(pending_[engine], {}), 1);
  worked_[engine] = totals_[engine][index(State::busy)];
}

void Accounts::leave_open(std::size_t engine, std::int64_t cycles, const Spent& spent) {
  const States& at = spent.cores[feeders_[engine]];
  const auto sum = static_cast<double>(std::accumulate(at.begin(), at.end(), Cycle{0}));
  Open open{cycles, {}};
  for (std::size_t s = 0; s < kStates && sum > 0; ++s)
    open.rests[index(rest_while(static_cast<State>(s)))] +=
        static_cast<double>(cycles) * static_cast<double>(at[s]) / sum;
  take_pending(engine);
  const bool works = spent.totals[engine][index(State::busy)] != 0;
  (works ? open_ : pending_)[engine].add(open, 1);
}

// Those billed too often were the longest of the states.
void Accounts::settle(States& row, const Open& open) {
  if (open.cycles <= 0) {
    *std::ranges::max_element(row) += static_cast<Cycle>(open.cycles);
    return;
  }
  double sum = 0;
  for (const double rest : open.rests) sum += std::max(rest, 0.0);
  auto left = static_cast<Cycle>(open.cycles);
  for (std::size_t s = 0; s < kStates && sum > 0; ++s) {
    const auto share =
        static_cast<Cycle>(static_cast<double>(open.cycles) * std::max(open.rests[s], 0.0) / sum);
    row[s] += std::min(share, left);
    left -= std::min(share, left);
  }
  row[index(State::idle)] += left;
}

// Engines of operations are counted in by_operation_ and named in reports only.
void Accounts::state(Snapshot& s) {
  s(totals_, by_operation_, touched_, skipped_, cores_, feeders_, open_, pending_, worked_);
  for (OperationAccount& o : operations_) s(o.first_cycle, o.last_cycle, o.commands, o.macs, o.bytes);
}

void Accounts::report(Statistics& statistics, Cycle cycles, int pes) const {
  for (int e = 0; e < kEngines; ++e) {
    auto row = totals_[static_cast<std::size_t>(e)];
    Open open = open_[static_cast<std::size_t>(e)];
    const Open& pending = pending_[static_cast<std::size_t>(e)];
    const bool works_again = row[index(State::busy)] != worked_[static_cast<std::size_t>(e)];
    if (works_again || pending.cycles < 0)
      open.add(pending, 1);
    else
      row[index(State::idle)] += static_cast<Cycle>(pending.cycles);
    settle(row, open);
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
