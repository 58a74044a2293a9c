// A PE of the event model: the same cores, commands, buffers, banks and engines as model/pe, without a
// calendar.
//
// When a command starts follows from dates that are known when it is looked at: its issue, its unit's last
// command, the tiles it reads and the room it writes to (isa::PeState says which), banks, the network. So a
// PE goes through its commands in the order of their dependencies, not of time, as far as it can; what it
// waits for is a transfer, whose date only Chip-wide order can tell, or a neighbour. Rules that depend on who
// comes first within a cycle are simplified: local-store bandwidth is shared out by the dates at hand.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "isa/core.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "model/command_processor/command_processor.h"
#include "model/pe/index_flow.h"
#include "model/issue_core/issue_core.h"
#include "model/kernel/accounts.h"
#include "model/layout_engine/layout_engine.h"
#include "model/sort_block/sort_block.h"
#include "model/matrix_engine/matrix_engine.h"
#include "model/reduction_engine/reduction_engine.h"
#include "model/vector_engine/vector_engine.h"

namespace leto::model {

class EventPe;

/// What the PEs of the event model share.
struct EventWiring {
  const isa::Program& program;
  const ChipConfig& chip;
  WhatIf what_if;
  IndexFlow indices;
  isa::Memory& memory;
  Accounts& accounts;
  Counters& counters;
  std::vector<std::unique_ptr<EventPe>> pes{};
  std::vector<int> ready{};  // PEs that may be able to go on
};

class EventPe {
 public:
  EventPe(EventWiring& wiring, int index);

  void launch(Cycle at);
  /// Goes on as far as dates are known.
  void advance();

  /// The transfer that a direction wants to begin, and when: nothing while it waits for something else.
  struct Wish {
    const isa::Command* command;
    Cycle at;
    std::int64_t rate;
  };
  const std::optional<Wish>& wish(bool stores) const { return movers_[stores ? 1 : 0].wish; }
  /// It is under way (handed to the traffic): not to be told again.
  bool take_wish(bool stores) {
    Mover& mover = movers_[stores ? 1 : 0];
    return mover.wish && !std::exchange(mover.taken, true);
  }
  isa::Runs runs(bool stores) const;
  /// It ends at `end`; a multicast had its members at `gathered`.
  void transferred(bool stores, Cycle end, Cycle gathered);

  /// The PE, units at rest, is at a barrier of the grid since then.
  std::optional<Cycle> at_barrier() const { return at_barrier_; }
  void open_barrier(Cycle at, isa::Scope scope);
  bool finished() const;
  Cycle end() const;
  void close(Cycle end);

 private:
  using Stop = IssueCore::Stop;
  struct Core {
    Core(const isa::Program& program, int id, const isa::Place& place, Accounts& accounts)
        : core(program.code[id], id, place, program.source_ids()),
          line(accounts, Engine::issue_core, place.index() * isa::kCores + id) {}
    isa::Core core;
    Timeline line;
    Stop stop = Stop::ended;
    Cycle time = 0;
    std::uint32_t busy_with = kNoOperation;
  };
  /// Commands of one unit from one core, and when the places of the last ones were free.
  struct Queue {
    std::vector<CommandProcessor::Entry> entries;
    std::vector<Cycle> freed;
    std::size_t pushed = 0, popped = 0;
  };
  struct Lane {
    Lane(Accounts& accounts, Engine engine, int pe) : line(accounts, engine, pe) {}
    Timeline line;
    Cycle free = 0;  // from when on the unit takes a command
    Cycle last = 0;  // end of its last one
    std::int64_t grant = 0;
    Cycle granted_until = 0;
    const CommandProcessor::Entry* held = nullptr;
    isa::PeState::Hold hold;
  };
  struct Slot : Lane {
    using Lane::Lane;
  };
  struct Mover : Lane {
    using Lane::Lane;
    static constexpr std::size_t kFlights = 16;  // as model/pe has it
    std::array<Cycle, kFlights> ends{};
    std::size_t flights = 0;
    std::optional<Wish> wish;
    bool taken = false;
    std::vector<isa::Run> list;  // gather, scatter
    Cycle port_carry = 0;
  };
  /// When a command can start, and what held it to the last.
  struct Start {
    Cycle at;
    State cause;
    void after(Cycle date, State why) {
      if (date > at) *this = {date, why};
    }
  };

  bool run_cores();
  bool run_core(Core& core, int id);
  bool issue(Core& core, int id, isa::Unit unit);
  void spend(Core& core, int cycles);
  void wait_until(Core& core, Cycle at, State why);
  bool resume(Core& core);
  bool done_before(Cycle date) const;
  void post(const isa::Command& command, Cycle at);
  bool barrier();

  Queue& queue(std::size_t unit, int core) {
    return queues_[unit * isa::kCores + static_cast<std::size_t>(core)];
  }
  const Queue& queue(std::size_t unit, int core) const {
    return queues_[unit * isa::kCores + static_cast<std::size_t>(core)];
  }
  CommandProcessor::Entry* oldest(std::size_t unit);
  void pop(std::size_t unit, const isa::Command& command, Cycle at);
  bool empty() const;

  bool serve(std::size_t unit, Slot& slot);
  bool serve(std::size_t unit, Mover& mover);
  bool may_start(std::size_t unit, Lane& lane, const CommandProcessor::Entry& entry);
  Start start_of(std::size_t unit, const Lane& lane, const CommandProcessor::Entry& entry) const;
  void wait_for_network(const isa::Command& command, Start& start) const;
  Work work(const isa::Command& command, Cycle now, Cycle held_ready) const;
  Cycle held_ready(const CommandProcessor::Entry& entry) const;
  std::int64_t grant(const Lane& lane, std::int64_t rate, Start& start) const;
  void bill_start(Lane& lane, const CommandProcessor::Entry& entry, const Start& start);
  void take_partials(const isa::Command& command, Cycle at);
  void send_partials(const isa::Command& command, Cycle at);
  EventPe& neighbour(isa::Direction direction) const;
  void note(const isa::Command& command, Cycle end);
  void wake();

  EventWiring& wiring_;
  int index_;
  isa::Place place_;
  std::array<Core, isa::kCores> cores_;
  std::array<Queue, kQueues * isa::kCores> queues_;
  isa::PeState state_;
  MatrixEngine matrix_;
  ReductionEngine reduction_;
  VectorEngine vector_;
  LayoutEngine layout_;
  SortBlock sort_;
  std::array<Mover, 2> movers_;
  std::array<Slot, 4> slots_;
  struct Tiles {
    std::vector<Cycle> pushed, popped;  // by tile, modulo depth
  };
  std::array<Tiles, isa::kBuffers> tiles_;
  std::vector<Cycle> banks_;  // since when each is as it is
  std::array<std::vector<Cycle>, isa::kSemaphores> semaphores_;
  std::array<std::optional<Cycle>, 4> arrived_;  // partial sums, by direction
  std::array<std::optional<Cycle>, 4> link_;     // nothing: taken; else free since
  std::optional<Cycle> at_barrier_;
  Cycle last_finish_ = 0;
  bool waiting_ = false;  // in wiring_.ready
};

}  // namespace leto::model
