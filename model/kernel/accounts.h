// Where the cycles went. Every engine instance bills each interval of its life exactly once, either to the
// work it did or to the one thing it waited for; the sum over states is instances * cycles by construction,
// and checked.
#pragma once

#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "base/snapshot.h"
#include "model/kernel/time.h"
#include "model/simulation.h"

namespace leto::model {

enum class Engine : std::uint8_t {
  issue_core,
  matrix_engine,
  reduction_engine,
  vector_engine,
  layout_engine,
  fabric_interface_load,
  fabric_interface_store,
};
inline constexpr int kEngines = 7;
std::string_view name_of(Engine engine);

/// What an engine did or waited for.
enum class State : std::uint8_t {
  busy,
  idle,         // no work pending, to the end of the step or while the core fed others through a full queue
  data,         // a tile that is not there yet
  space,        // a tile that is not free yet
  banks,        // accumulator banks in another state
  neighbour,    // a partial sum, or room for one, on the reduction network
  local_store,  // bandwidth of the local store
  memory,       // transfers in flight, port not moving data
  multicast,    // the other members of a multicast
  issue,        // queue empty, the core is issuing something else first
  queue_full,   // issue core: a unit's queue
  barrier,
  semaphore,
  post,  // issue core: earlier commands, before a semaphore is posted
  launch,
};
inline constexpr int kStates = 15;
std::string_view name_of(State state);

inline constexpr std::uint32_t kNoOperation = ~0u;

class Observer;

/// What went from `before` to `now`, `times` times more.
template <class Number>
void add_repeated(Number& to, Number now, Number before, std::int64_t times) {
  to += (now - before) * static_cast<Number>(times);
}

class Accounts {
 public:
  /// `observer` hears of every interval; may be null.
  explicit Accounts(std::size_t operations, Observer* observer = nullptr);

  /// Instance `instance` of `engine` was in `state` for `operation` from `from` to `to`.
  void bill(Engine engine, int instance, State state, std::uint32_t operation, Cycle from, Cycle to);
  /// The core of its PE that an engine has its work from.
  void feed(Engine engine, std::size_t core) { feeders_[static_cast<std::size_t>(engine)] = core; }
  /// A command of `operation` began or ended at `at`.
  void touch(std::uint32_t operation, Cycle at);
  /// No command of `operation` ended later than `at`.
  void end_by(std::uint32_t operation, Cycle at);
  OperationAccount& operation(std::uint32_t id) { return operations_[id]; }

  /// As if what happened between `before` and `now`, copies of this, had happened `times` times more,
  /// `duration` cycles each: each time for operations `step` further on.
  void repeat(const Accounts& before, const Accounts& now, std::int64_t times, std::uint32_t step,
              Cycle duration);
  /// What engines did in some stretch of time.
  struct Spent;
  /// Adds what they did since `before`, a copy of this.
  void add_since(const Accounts& before, Spent& to) const;
  /// As if the chip, of so many PEs, had gone on for `cycles` more as in that time.
  void go_on(const Spent& spent, Cycle cycles, int pes);
  /// As if the chip had done that once more, in `cycles`. What was billed in it may have happened before or
  /// behind.
  void repeat(const Spent& spent, Cycle cycles, int pes);
  /// go_on() is to add about `cycles`: dates from now on are so much later. Taken back, modulo 2^64, before
  /// it does.
  void foresee(Cycle cycles) { skipped_ += cycles; }
  /// Cycles that repeat() and go_on() have added, by which the chip's own time lags behind.
  Cycle skipped() const { return skipped_; }

  /// Totals into `statistics`, `cycles` being the chip's own; throws Error(internal) unless they sum to
  /// instances * cycles.
  void report(Statistics& statistics, Cycle cycles, int pes) const;

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  using States = std::array<Cycle, kStates>;
  using Ledger = std::array<States, kEngines>;
  /// Adds what is in `now` and not in `then`.
  template <std::size_t N>
  static void add_between(std::array<States, N>& sum, const std::array<States, N>& now,
                          const std::array<States, N>& then) {
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t s = 0; s < kStates; ++s) sum[i][s] += now[i][s] - then[i][s];
  }
  Ledger totals_{};
  std::array<States, isa::kCores> cores_{};  // of totals_, the issue cores by their number
  std::array<std::size_t, kEngines> feeders_{};
  std::vector<Ledger> by_operation_;
  std::vector<OperationAccount> operations_;
  std::vector<char> touched_;
  Cycle skipped_ = 0;
  /// Cycles that repeat(spent, …) and go_on() have left open, all instances: of units that did no work. What
  /// they rested for is what the cores that feed them were at, but when they never work again.
  struct Open {
    std::int64_t cycles = 0;
    std::array<double, kStates> rests{};
    void add(const Open& more, double times);
  };
  static void settle(States& row, const Open& open);
  void leave_open(std::size_t engine, std::int64_t cycles, const Spent& spent);
  void take_pending(std::size_t engine);
  std::array<Open, kEngines> open_{}, pending_{};  // pending: since its last work
  std::array<Cycle, kEngines> worked_{};           // up to pending_'s begin
  Observer* observer_;
};

struct Accounts::Spent {
  Ledger totals{};
  std::array<States, isa::kCores> cores{};  // of totals, the issue cores by their number
  std::map<std::uint32_t, Ledger> by_operation;
  /// It was all for these, as much as they have commands.
  void bill_to(const std::map<std::uint32_t, std::int64_t>& commands);
  void state(Snapshot& s) { s(totals, cores, by_operation); }
};

/// One engine instance's life so far: bills intervals one after the other, without gap or overlap.
class Timeline {
 public:
  /// `instance`: the PE, for issue cores PE * isa::kCores + core.
  Timeline(Accounts& accounts, Engine engine, int instance)
      : accounts_(&accounts), engine_(engine), instance_(instance) {}
  Cycle since() const { return since_; }
  /// It has its work from core `core` of its PE.
  void fed_by(std::size_t core) { accounts_->feed(engine_, core); }
  /// What happened from since() to `at` (nothing if `at` is not later).
  void until(Cycle at, State state, std::uint32_t operation) {
    if (at <= since_) return;
    accounts_->bill(engine_, instance_, state, operation, since_, at);
    since_ = at;
  }
  void state(Snapshot& s) { s(since_); }

 private:
  Accounts* accounts_;
  Engine engine_;
  int instance_;
  Cycle since_ = 0;
};

}  // namespace leto::model
