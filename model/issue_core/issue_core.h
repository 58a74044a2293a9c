// The time of an issue core: what isa::Core executes, and when.
//
// Models: scalar_cycles per scalar instruction (a loop instruction too; going back is free), issue_cycles per
// command word, buffer and sync words included. The core stops at a full queue, and at whatever must be
// judged at its own date: buffer definitions, barriers, posts, waits. Between stops it runs ahead of
// simulated time; what it issues is dated. Leaves out: instruction fetch and the vector units of the real
// cores.
#pragma once

#include <array>

#include "isa/core.h"
#include "model/command_processor/command_processor.h"
#include "model/kernel/accounts.h"

namespace leto::model {

/// Counts of a whole simulation.
struct Counters {
  std::int64_t commands = 0, instructions = 0, macs = 0;
  std::array<std::int64_t, kDTypeCount> macs_by_dtype{};
  std::uint64_t local_store_read = 0, local_store_written = 0;
};
void report(const Counters& counters, Statistics& statistics);
/// What went from `before` to `now`, `times` times more.
void add_repeated(Counters& to, const Counters& now, const Counters& before, std::int64_t times);

/// Hears of the bodies of loops that a core comes to, and may send it on (model/reuse).
class BodyWatch {
 public:
  virtual ~BodyWatch() = default;
  /// A core of a PE has come to the begin of a body, `issued` commands after its launch: where it goes on in
  /// its place; nullptr: there.
  virtual const isa::Core* at_body(int pe, int core, std::int64_t issued) = 0;
  /// A command of a core is done.
  virtual void finished(int pe, int core) = 0;
  /// It hears of the loops' bodies that begin there.
  bool hears_of(int core, std::uint32_t pc) const {
    const std::vector<char>& at = bodies_[static_cast<std::size_t>(core)];
    return pc < at.size() && at[pc];
  }

 protected:
  using Bodies = std::array<std::vector<char>, isa::kCores>;  // by instruction
  Bodies bodies_;
};

class IssueCore {
 public:
  /// What the core stopped at. `pause`: nothing, it only ran far enough for one turn.
  enum class Stop : std::uint8_t { none, pause, queue_full, define, barrier, post, wait, ended };

  IssueCore(const isa::Program& program, int id, const isa::Place& place,
            const CommandProcessorConfig& config, bool free_issue, Accounts& accounts);

  /// Tells `watch` of the bodies of loops from now on.
  void watch(BodyWatch& watch) { watch_ = &watch; }
  /// Starts the program afresh at `at`.
  void launch(Cycle at);
  /// Executes instructions until one stops the core.
  void run(CommandProcessor& processor, Counters& counters);
  /// The instruction it stopped at is done at `at`; everything since time() was waiting.
  void resume(Cycle at);

  Stop stop() const { return stop_; }
  bool ended() const { return stop_ == Stop::ended; }
  /// The core's own date: when it stopped, or how far it ran ahead.
  Cycle time() const { return time_; }
  std::size_t wanted_queue() const { return queue_of(core_.unit()); }
  const isa::Instruction& instruction() const { return core_.current(); }
  std::uint32_t source() const { return core_.source(); }
  isa::Command command() const { return core_.capture_current(); }
  /// The architectural core, to see what its code comes to next.
  isa::Core ahead() const { return core_; }
  std::uint32_t pc() const { return core_.pc(); }
  std::optional<isa::Core::Trips> trips() const { return core_.trips(); }
  std::span<const std::int64_t> registers() const { return core_.registers(); }
  /// It waits at a barrier: goes on at one further on instead.
  void wait_at(const isa::Core& barrier) { core_ = barrier; }
  void skip_trips(std::int64_t count, std::span<const std::int64_t> change) {
    core_.skip_trips(count, change);
  }

  /// Cycles spent stopped for launch, barrier, semaphore and post, full queue, up to `at`.
  using Waited = std::array<Cycle, 4>;
  static constexpr std::array<State, 4> kWaitedFor = {State::launch, State::barrier, State::semaphore,
                                                      State::idle};
  Waited waited(Cycle at) const;

  /// The step is over at `end`.
  void close(Cycle end) { line_.until(end, State::idle, kNoOperation); }
  /// It still waits at `now`.
  void settle(Cycle now);
  /// What a stopped core waits for.
  State waiting_for() const;
  /// Up to when it has billed its time.
  Cycle billed() const { return line_.since(); }

  void state(Snapshot& s) { s(core_, line_, issued_, stop_, time_, busy_with_, waited_); }

 private:
  void spend(int cycles);
  void bill_busy();
  void step(CommandProcessor& processor, Counters& counters);
  void issue(CommandProcessor& processor, Counters& counters);
  void moved();
  std::size_t waited_index() const;

  const isa::Program* program_;
  int id_;
  isa::Place place_;
  CommandProcessorConfig config_;
  bool free_issue_;  // instructions cost nothing
  isa::Core core_;
  Timeline line_;
  BodyWatch* watch_ = nullptr;
  std::int64_t issued_ = 0;  // commands since the launch
  Stop stop_ = Stop::ended;
  Cycle time_ = 0;
  std::uint32_t busy_with_ = kNoOperation;  // since the line's end
  Waited waited_{};
};

}  // namespace leto::model
