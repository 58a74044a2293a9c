// A processing element: two issue cores, the command processor, the engines around a local store, the fabric
// interface.
//
// One SystemC process. At each wake-up the PE takes its mail, then finishes, issues and starts what it can
// until nothing changes, in a fixed order (kQueuedUnits): that order is the arbitration rule inside a PE, so
// no result depends on the order of processes. A unit starts the oldest command of its queue when it has been
// issued, the unit is free and isa::PeState says its tiles and banks are there; loads and stores start while
// earlier ones are still in flight. Values are computed when a command finishes; with values off only what
// index lists need.
#pragma once

#include <memory>

#include "isa/machine.h"
#include "isa/program.h"
#include "isa/race.h"
#include "model/command_processor/command_processor.h"
#include "model/control_core/control_core.h"
#include "model/fabric/fabric.h"
#include "model/issue_core/issue_core.h"
#include "model/kernel/accounts.h"
#include "model/kernel/observer.h"
#include "model/kernel/process.h"
#include "model/kernel/ring.h"
#include "model/kernel/waits.h"
#include "model/layout_engine/layout_engine.h"
#include "model/local_store/local_store.h"
#include "model/matrix_engine/matrix_engine.h"
#include "model/pe/index_flow.h"
#include "model/pe/mail.h"
#include "model/reduction_engine/reduction_engine.h"
#include "model/sort_block/sort_block.h"
#include "model/vector_engine/vector_engine.h"

namespace leto::model {

class AddressTwin;
class BufferTwin;
class Pe;
class Twins;

/// What a PE shares with the rest of the chip.
struct Wiring {
  const isa::Program& program;
  const ChipConfig& chip;
  WhatIf what_if;
  bool values;
  std::uint32_t used_units;  // bit q: the program has commands for queue q
  IndexFlow indices;         // loads and copies that are carried out with values off too
  isa::Memory& memory;
  Accounts& accounts;
  Counters& counters;
  ControlCore& control;
  std::unique_ptr<isa::RaceDetector> races;  // values on; renewed every step
  Observer* observer = nullptr;              // may be null
  const Twins* twins = nullptr;              // RTL beside the engines; may be null
  BodyWatch* watch = nullptr;                // counts repeated bodies of loops; may be null
  Fabric* fabric = nullptr;
  std::vector<Pe*> pes;
};

class Pe : public Process, public TransferClient {
 public:
  Pe(const sc_core::sc_module_name& name, Kernel& kernel, Wiring& wiring, int index);

  /// Starts the program afresh: empty buffers, zero semaphores, first instruction at `at`.
  void launch(Cycle at);
  void deliver(Mail mail);
  void transfer_done(bool store, std::uint64_t sequence, Cycle at, Cycle gathered) override;
  isa::Runs runs(bool store, std::uint64_t sequence) const override;

  /// Both cores have ended and every command is done.
  bool finished() const;
  /// When the last core ended or the last command finished.
  Cycle end() const;
  /// Closes the accounts of a step at `end`.
  void close(Cycle end);
  /// Bills what each core and unit waits for up to `now`, at which the chip has come to rest.
  void settle(Cycle now);
  void add_waits(std::vector<Wait>& waits) const;
  /// Bills what cores and units wait for up to `now`, the rest of those without work to the cores that fed
  /// them last; of what is under way, nothing. Left alone: units that have not worked since `since` (kNever:
  /// none).
  void bill_waits(Cycle now, Cycle since, std::uint32_t queues);
  IssueCore& core(int id) { return cores_[static_cast<std::size_t>(id)]; }
  /// What a command costs a compute unit, whatever else goes on.
  Work work(const isa::Command& command) const;
  /// Defines a buffer; all units are at rest.
  void define(const isa::Command& buffer, Cycle now);
  /// Does a transfer's traffic with memory count for this PE? A multicast's does for the first of its group.
  bool billed(const isa::Command& transfer) const;
  /// The PE on that side; Error(illegal_program) naming `command` when there is none.
  int neighbour(isa::Direction direction, const isa::Command& command) const;
  /// Up to when the last of its engines has billed its time.
  Cycle billed() const;

  void state(Snapshot& s);

 private:
  using Entry = CommandProcessor::Entry;

  /// Billing while an engine has nothing under way.
  struct Lane {
    Lane(Accounts& accounts, Engine engine, int pe) : line(accounts, engine, pe) {}
    Timeline line;
    std::size_t core = 0;        // that gave it its last command
    bool waiting = false;        // a command is due and held
    State cause = State::issue;  // by what
    Cycle waiting_since = 0;
    const Entry* held = nullptr;  // the command that `hold` was seen to hold
    isa::PeState::Hold hold;
    std::array<IssueCore::Waited, isa::kCores> cores{};  // the cores' waits when the lane fell idle

    void state(Snapshot& s, CommandProcessor& processor);
  };
  /// A compute unit: one command at a time.
  struct Slot : Lane {
    using Lane::Lane;
    enum class Phase : std::uint8_t { idle, begun, running } phase = Phase::idle;
    Entry* entry = nullptr;
    Cycle held_ready = 0;                                   // matmul: since when the held tile is there
    Cycle begun = 0, started = 0, finish = 0, stretch = 0;  // stretch: cycles lost to the local store
    std::int64_t grant = 0;
    isa::Partials partials;  // merge: taken from the neighbour

    void state(Snapshot& s, CommandProcessor& processor);
  };
  /// A transfer under way.
  struct Flight {
    Entry* entry;
    std::uint64_t sequence;
    Cycle begun, done, gathered, port_cycles;
    std::vector<isa::Run> list;  // gather, scatter: the memory that the indices lead to
  };
  /// Transfers under way per direction: as many as hide memory latency with short ones (ours).
  static constexpr std::size_t kFlights = 16;
  /// One direction of the fabric interface.
  struct Mover : Lane {
    using Lane::Lane;
    Ring<Flight, kFlights> flights;
    std::uint64_t next_sequence = 0;
    std::int64_t grant = 0;
    Cycle port_carry = 0;  // port cycles not yet billed as busy

    void state(Snapshot& s, CommandProcessor& processor);
  };

  void step(Cycle now) override;
  void turn(Cycle now);
  Cycle next_event(Cycle now) const;
  bool take_mail(Cycle now);
  void take(Mail& mail);

  bool run_cores(Cycle now);
  bool run_core(IssueCore& core, Cycle now);
  bool may_resume(IssueCore& core, Cycle now);
  bool barrier(Cycle now);
  void leave_barriers(Cycle now);
  void open_barrier(Cycle now, isa::Scope scope);
  void define(const IssueCore& core, Cycle now);
  void post(const isa::Command& command, Cycle now);
  bool idle() const;
  bool done_before(Cycle date) const;

  bool finish_all(Cycle now);
  bool start_all(Cycle now);
  bool may_start(std::size_t queue, const Lane& lane, Cycle now) const;
  const Entry& look(std::size_t queue, Lane& lane, Cycle now);
  void bill_gap(Lane& lane, std::uint32_t operation, Cycle until);
  void bill_wait(Lane& lane, const Entry& entry, Cycle now);
  void hold(Lane& lane, State cause, Cycle now);
  void rest(Lane& lane, Cycle now);

  bool start(std::size_t queue, Slot& slot, Cycle now);
  bool resume(Slot& slot, Cycle now);
  State held_by(const Entry& entry, Lane& lane, Cycle now) const;
  void begin(std::size_t queue, Slot& slot, Cycle now);
  bool go(Slot& slot, Cycle now);
  void finish(Slot& slot, Cycle now);
  void compute(Slot& slot, isa::Partials& outgoing);
  void take_partials(Slot& slot, Cycle now);
  void send_partials(const isa::Command& command, isa::Partials partials, Cycle now);
  void count_macs(const isa::Command& command);

  bool start(std::size_t queue, Mover& mover, Cycle now);
  bool carries_indices(const isa::Command& command) const {
    return wiring_.indices.carries(command.core, command.pc);
  }
  void fly(Mover& mover, bool stores, Entry& entry, Cycle now);
  void check_memory(const isa::Command& command, isa::Runs runs) const;
  static isa::Runs runs_of(const Flight& flight);
  bool land(Mover& mover, bool stores, Cycle now);
  void bill_flight(Mover& mover, const Flight& flight, Cycle now);
  void execute_transfer(const Flight& flight, bool stores);

  void note_pushes(const isa::Command& command, Cycle now);
  void observe(const Entry& entry, Cycle begun, Cycle now) const;
  void wait_of_core(const IssueCore& core, int id, std::vector<Wait>& waits) const;
  void wait_of_lane(std::size_t queue, const Lane& lane, std::vector<Wait>& waits) const;
  Release needs_of(const isa::Command& command, State cause) const;
  Release needs_at_barrier(int core) const;
  int multicast_group(const isa::Command& command) const;
  void add_releases(const isa::Command& command, std::vector<Release>& to) const;
  std::vector<Release> brings(std::size_t queue) const;
  std::vector<Release> brings(const IssueCore& core, int id) const;
  std::string describe_hold(std::size_t queue, const Lane& lane) const;

  Slot& slot(std::size_t queue) { return slots_[queue - 2]; }
  const Slot& slot(std::size_t queue) const { return slots_[queue - 2]; }

  Wiring& wiring_;
  int index_;
  isa::Place place_;
  CommandProcessor processor_;
  std::array<IssueCore, isa::kCores> cores_;
  isa::PeState state_;
  LocalStore store_;
  MatrixEngine matrix_;
  ReductionEngine reduction_;
  VectorEngine vector_;
  LayoutEngine layout_;
  SortBlock sort_;
  std::array<Mover, 2> movers_;                              // load, store
  std::array<Slot, 4> slots_;                                // matrix, reduction, vector, layout
  std::array<std::vector<Cycle>, isa::kBuffers> pushed_at_;  // by tile, modulo depth
  std::array<std::int64_t, isa::kSemaphores> semaphores_{};
  BufferTwin* buffer_twin_;  // RTL beside the buffers; may be null
  std::array<AddressTwin*, 2>
      address_twins_{};  // RTL beside load's and store's address generator; may be null
  std::vector<Mail> mail_;
  Cycle last_finish_ = 0;
  bool at_grid_barrier_ = false, left_ = false;
};

}  // namespace leto::model
