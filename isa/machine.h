// The architectural state that commands act on, shared by the untimed interpreter and the SystemC engines.
// No time in here: the caller decides when a command that is `ready` begins and when it finishes.
//
//   ready(command)   may it begin? (tiles there, tiles free, banks in the right state)
//   begin(command)   takes what it holds: reserves and acquires tiles, moves banks on
//   execute(command) computes its values (ops/…); skipped when values are off
//   finish(command)  pushes, pops, hands banks on
//
// A unit may begin a command before its previous one has finished (a pipelined engine), as long as its
// commands begin and finish in order; execute may come any time between the two, since nobody else may touch
// the tiles meanwhile.
//
// Rules that make a missing wait an error, never luck: a command may read a buffer's head tile only if it, or
// an earlier command of the same unit since the last pop, waited for it; it may write a tile only if one
// reserved it; scratch belongs to the first unit that touches it until the next `buffer` definition. Breaking
// one throws Error(illegal_program), on every run, whatever the timing. Races between PEs are caught by
// race.h. So that no result depends on which unit or core comes first, a buffer has one writing and one
// reading (unit, core) at a time: the first to reserve or wait owns that side until the next `buffer`
// definition or barrier of any scope (barrier_passed). Scratch keeps its unit until redefined and its core
// until a barrier; its wait, pop, reserve and push flags must be zero. A new definition drops the definitions
// it overlaps: using them afterwards is an error. Definitions are ordered by barriers alone: nothing may have begun
// since the last one, and the other core may use the buffer only after the next one.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "base/snapshot.h"
#include "isa/command.h"

namespace leto::isa {

/// Sparse byte-addressed memory: HBM (or LPDDR) below kSramBase, shared SRAM from there. Unwritten bytes are
/// zero.
class Memory {
 public:
  void read(std::uint64_t address, std::byte* to, std::size_t bytes) const;
  void write(std::uint64_t address, const std::byte* from, std::size_t bytes);

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  static constexpr std::size_t kPage = 1 << 16;
  std::unordered_map<std::uint64_t, std::unique_ptr<std::byte[]>> pages_;
};

/// A circular buffer of the local store.
struct Buffer {
  std::int64_t base = 0, bytes = 0, depth = 0;
  std::int64_t pushed = 0, popped = 0;  // tiles since definition, by finished commands
  std::int64_t opened = 0, taken = 0;   // tiles reserved and tiles popped by begun commands
  bool defined = false;
  bool reserved = false;  // the write tile was reserved and not yet pushed
  bool acquired = false;  // the head tile was waited for and not yet popped
  Unit writer = Unit::core,
       reader = Unit::core;                // who reserves / acquires; core = nobody yet. Scratch: writer owns
  int writer_core = -1, reader_core = -1;  // -1 = either
  int definer = -1;                        // core that defined it, until a barrier shows it to both
  std::int64_t full() const { return pushed - popped; }
  bool scratch() const { return defined && depth == 0; }
};

enum class BankState : std::uint8_t { free, open, full };

/// One PE: local store, buffers, accumulators. With `values` off there are no accumulators; the local store
/// is allocated when first addressed, so that a caller can still execute the loads that bring index lists,
/// and the gathers and scatters can read them (index_rows).
class PeState {
 public:
  PeState(std::int64_t local_store_bytes, int banks, bool values);

  /// Throws Error(illegal_program) if the tiles reach past the local store or a buffer overlaps a non-empty
  /// one.
  void define(const Command& buffer_command);

  /// May the command begin? On false, `why` (if given) says what it waits for.
  struct Hold {
    enum class Cause : std::uint8_t { none, data, space, banks_free, banks_full } cause = Cause::none;
    int buffer = -1;  // the buffer, or the first bank, in question
    BankState needed = BankState::free;  // of the bank
  };
  Hold hold(const Command& command) const;
  /// Is what held a command, and it alone, still so?
  bool lasts(const Hold& hold) const;
  /// Checks the rules, fills command.tile.
  void begin(Command& command);
  void finish(const Command& command);
  /// Both cores passed a barrier (of any scope): owners are forgotten, tiles stay.
  void barrier_passed();

  const Buffer& buffer(int id) const { return buffers_[static_cast<std::size_t>(id)]; }
  BankState bank(int id) const { return banks_[static_cast<std::size_t>(id)]; }
  bool values() const { return values_; }
  int banks() const { return static_cast<int>(banks_.size()); }

  /// First byte that an operand of a begun command addresses; `bytes` from there are inside the tile, else
  /// Error(illegal_program).
  std::byte* at(const Operand& operand, std::int64_t bytes);
  const std::byte* at(const Operand& operand, std::int64_t bytes) const;
  /// The 32x32 fp32 elements of a bank.
  float* accumulators(int bank) { return accumulators_.data() + std::size_t(bank) * kBankElements; }

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s) {
    s(store_, buffers_, banks_, moving_, accumulators_, in_flight_, begun_since_barrier_);
  }

 private:
  Buffer& defined_buffer(const Command& command, int id);
  void open_operand(Command& command, const Operand& operand, std::int64_t touched, int index);
  void open_for_write(const Command& command, const Operand& operand, Buffer& buffer);
  void open_for_read(const Command& command, const Operand& operand, Buffer& buffer);
  void open_scratch(const Command& command, const Operand& operand, Buffer& buffer);
  void begin_banks(const Command& command);
  void finish_banks(const Command& command);
  Hold hold_operand(const Operand& operand) const;
  Hold hold_banks(const Command& command) const;
  bool lacks_bank(std::size_t bank, BankState needed) const {
    return moving_[bank] || banks_[bank] != needed;
  }
  void check_inside(const Operand& operand, std::int64_t bytes) const;

  std::int64_t store_bytes_;
  bool values_;
  mutable std::vector<std::byte> store_;  // allocated by the first at()
  std::array<Buffer, kBuffers> buffers_;
  std::vector<BankState> banks_;
  std::vector<char> moving_;  // a bank's state changes when a begun command finishes
  std::vector<float> accumulators_;
  int in_flight_ = 0;             // commands begun and not finished
  bool begun_since_barrier_ = false;
};

/// The indices of a begun gather or scatter, read from its index tile; Error(illegal_program) names an index
/// outside the table. Works with values off, if the index loads were executed.
std::vector<std::int64_t> index_rows(const Command& command, const PeState& pe);

/// Where a begun gather, scatter or spread goes in memory, run by run; the errors of index_rows, and of a spread
/// beyond its places.
std::vector<Run> indexed_runs(const Command& command, const PeState& pe);

/// Partial sums in flight on the reduction network from a PE to its neighbour (pass → merge), in order.
struct Partials {
  std::vector<float> values;  // m x n, row-major; empty when values are off
  std::int64_t m = 0, n = 0;

  void state(Snapshot& s) { s(values, m, n); }
};

/// Computes a command's values: ops/ has one function an instruction. `incoming` is the partial sum a merge
/// takes, `outgoing` what a pass sends. Called between begin and finish; only with values on, except gather
/// and scatter, whose index checks the caller runs in both modes through index_rows. With values off only
/// loads may be executed.
void execute(const Command& command, PeState& pe, Memory& memory, const Partials* incoming,
             Partials* outgoing);

}  // namespace leto::isa
