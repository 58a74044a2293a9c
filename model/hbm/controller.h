// The memory controller of one DRAM channel (one pseudo channel, or two that share its command buses): every
// burst of every run is scheduled, first ready, first come, and takes the ticks that the grade gives it.
//
// Modelled. Reads and writes wait in a queue each, filled in order from one FIFO of runs (a full queue blocks
// what is behind). Row commands and column commands have a bus each, or share one; a bus takes a command a
// tick. The oldest request whose next command can start goes: the column command if its row is open, else a
// precharge or an activate. A waiting hit does not keep its row open, but an activate moves its request out
// of the queue: that frees a slot, protects the row until the request is served, and puts it first on the
// column bus. Writes are done when accepted; they are drained between two watermarks, or when no read waits.
// A read of a queued write is answered from the queue, a write to it is merged. Read data comes back in the
// order of the read commands. A refresh that is due (all banks at once, or bank by bank in turn) keeps its
// banks from opening rows; it closes them once no moved request and no hit of the direction that is served
// needs them. When more are due than may be postponed, all stop for it: only moved requests pass. Distances
// between commands of a bank, bank group, stack id and pseudo channel: dram_device.h.
//
// Left out: refreshes ahead of time, refresh management, power-down, ECC, temperature; of LPDDR the CAS
// commands that start its data clock and commands between the two halves of an activate.
//
// Events, no clock: between two ticks at which a command starts, a run arrives or a refresh falls due,
// nothing changes, and the next such tick follows from the state by arithmetic. Time is in ticks
// (command_timing.h). Policy and addresses are those of Ramulator 2.1 (github.com/CMU-SAFARI/ramulator2), see
// `leto validate dram`.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/snapshot.h"
#include "model/hbm/address_map.h"
#include "model/hbm/burst_filter.h"
#include "model/hbm/dram_device.h"
#include "model/hbm/moved_list.h"
#include "model/hbm/request_queue.h"
#include "model/hbm/run_list.h"

namespace leto::model {

/// What the controllers of all channels share: the grade in ticks, the address map, the policy.
struct ControllerSpec {
  ControllerSpec(const DramTiming& grade, const HbmConfig& policy, int pseudo_channels = 1);

  enum class Refresh : std::uint8_t { none, all_bank, per_bank };

  CommandTiming timing;
  BankGeometry geometry;
  AddressMap map;
  Refresh refresh;
  int postponable;  // refreshes that may be due before all stop for them
  bool closed_rows;
  int read_queue, write_queue;   // bursts
  int drain_above, drain_below;  // queued writes: above, turn to writes; below, back to reads
};

/// Totals since the start.
struct ControllerCounts {
  std::uint64_t reads = 0, writes = 0;         // bursts on the data bus
  std::uint64_t forwarded = 0, merged = 0;     // reads answered from queued writes, writes merged into them
  std::uint64_t activates = 0, conflicts = 0;  // conflicts: rows closed for a request of another row
  std::uint64_t refreshes = 0;
  std::uint64_t turnarounds = 0;  // of the data bus
  std::uint64_t read_ticks = 0;   // latencies of all reads, from acceptance to data

  ControllerCounts& operator+=(const ControllerCounts& other);
  std::uint64_t row_hits() const { return reads + writes - activates; }
  std::uint64_t busy_ticks(const CommandTiming& timing) const { return (reads + writes) * timing.burst; }
};

class Controller {
 public:
  static constexpr Tick kNever = ~Tick{0};
  /// Bursts that can enter the queues in one tick: more than leave them, as reference models have it.
  static constexpr int kIntake = 4;

  /// `spec` outlives the controller and its copies.
  explicit Controller(const ControllerSpec& spec);

  /// A run that arrives at `at`: not before the run submitted last, and after the last advance.
  void submit(const Run& run, Tick at) {
    const Tick arrival = std::max(at, from_);
    if (runs_.empty()) next_arrival_ = arrival;
    runs_.push(run, arrival);
    backlog_ += static_cast<std::uint64_t>(run.bursts);
  }

  /// No completion becomes known before this tick unless another run arrives earlier; kNever: all are known.
  Tick next() const;

  /// Simulates all ticks up to and with `to`; the runs that arrive until then have been submitted. Calls
  /// done(tag, tick, write) for every run whose completion has become known: of a read, the tick at which its
  /// last data is back, which may lie after `to`; of a write, the tick at which its last burst was accepted.
  template <typename Done>
  void advance(Tick to, Done&& done) {
    simulate(to);
    for (const Completion& c : completed_) done(c.tag, c.tick, c.write);
    completed_.clear();
  }

  std::uint64_t backlog() const { return backlog_; }  // bursts submitted and not accepted yet
  const ControllerCounts& counts() const { return counts_; }

  void state(Snapshot& s) {
    s(device_, queues_, queued_writes_, runs_, moved_, first_moved_, completed_, column_, row_, column_stale_,
      row_stale_, next_arrival_, blocked_, next_refresh_, row_bus_free_, data_back_, from_, backlog_,
      refreshes_due_, to_refresh_, writing_, bus_writing_, last_stack_, counts_);
  }

 private:
  static constexpr int kNone = RequestQueue::kNone;
  struct Command {
    Tick tick = kNever;  // of its start
    int bank = kNone;
    bool moved = false;     // a column command of the moved request
    std::uint64_t age = 0;  // of the request; the moved ones go before all others of the tick
    bool refresh = false;   // a refresh, or a precharge for it
  };
  struct Completion {
    Tick tick;
    std::uint32_t tag;
    bool write;
  };

  void simulate(Tick to);
  bool skip_refreshes(Tick to);
  void refresh_due(Tick now);
  void step(Tick now);

  Tick next_event() const {
    return std::min(std::min(column_.tick, row_.tick), std::min(next_arrival_, next_refresh_));
  }
  void plan(Tick from);
  void plan_column(Tick from);
  void plan_hits(Tick from);
  void plan_row(Tick from);
  void plan_misses(Tick bus);
  void offer(const RequestQueue::Request& request, bool hit, Tick from);
  void offer_hit(const RequestQueue::Request& hit, Tick from);
  void offer_moved(const MovedList::Moved& moved, Tick from);
  void offer_miss_of(int bank, Tick from);
  void offer_miss(int bank, Tick from);
  void plan_refresh(Tick from);
  Command refresh_command(Tick from) const;
  bool needed(BankSet open) const;
  bool wants_row(int bank) const;
  bool row_goes_first() const;
  void choose_direction();

  void issue_column(Tick now);
  void serve_hit(int bank, Tick now);
  void serve_moved(int bank, Tick now);
  void use_data_bus(int bank, bool write, Tick now);
  void issue_row(Tick now);
  void issue_refresh(Tick now);
  void precharge(int bank, Tick now);
  void activate(int bank, Tick now);
  void closed(int bank);
  bool row_wanted(int bank) const;

  void accept(Tick now);
  bool accept_burst(std::int32_t front, std::uint64_t age);
  void enqueue(std::uint64_t burst, std::int32_t run, bool write, std::uint64_t age);
  void meet_queued_write(std::int32_t run, bool write, Tick now);
  bool write_queued(std::uint64_t burst) const;
  void return_burst(std::int32_t run, Tick back, Tick accepted);

  Tick rising(Tick tick) const { return spec_->timing.rising(tick); }
  /// When a column command may start at the earliest.
  Tick column_bus(Tick from) const {
    return rising(spec_->timing.shared_bus ? std::max(from, row_bus_free_) : from);
  }
  RequestQueue& queue(bool write) { return queues_[write ? 1 : 0]; }
  const RequestQueue& queue(bool write) const { return queues_[write ? 1 : 0]; }
  /// First ready, then first come. Without a branch: nothing foretells which it is.
  static bool goes_before(Tick tick, std::uint64_t age, const Command& other) {
    return (tick < other.tick) | ((tick == other.tick) & (age < other.age));
  }
  bool idle() const { return queue(false).size() + queue(true).size() == 0 && moved_.empty(); }
  /// While more refreshes are due than may be postponed.
  bool stopped() const { return refreshes_due_ > spec_->postponable; }
  bool stopped_from(Tick tick) const {
    return refreshes_due_ + (next_refresh_ == tick ? spec_->geometry.pseudo_channels : 0) >
           spec_->postponable;
  }
  BankSet banks_to_refresh() const;
  bool all_banks() const { return spec_->refresh == ControllerSpec::Refresh::all_bank; }
  Tick refresh_interval() const;

  const ControllerSpec* spec_;
  DramDevice device_;
  std::array<RequestQueue, 2> queues_;  // reads, writes
  BurstFilter queued_writes_;
  RunList runs_;
  MovedList moved_;
  MovedList::Moved first_moved_{};  // column_ is its, if that is a moved one's
  std::vector<Completion> completed_;

  Command column_, row_;                         // the next ones, if nothing happens before
  bool column_stale_ = true, row_stale_ = true;  // to be planned anew
  Tick next_arrival_ = kNever;                   // the FIFO's front may be accepted
  bool blocked_ = false;                         // it waits for room
  Tick next_refresh_;                            // falls due
  Tick row_bus_free_ = 0;
  Tick data_back_ = 0;  // of the read that returned last
  Tick from_ = 0;       // the first tick that is not simulated yet
  std::uint64_t backlog_ = 0;
  int refreshes_due_ = 0;
  BankSet to_refresh_ = 0;    // the banks of the refresh that is due first
  bool writing_ = true;       // direction of the queue that is served: writes, while no read waits
  bool bus_writing_ = false;  // direction of the last column command
  int last_stack_ = 0;        // and its stack id
  ControllerCounts counts_;
};

}  // namespace leto::model
