// The architectural state that commands act on, shared by the untimed interpreter and the SystemC engines.
// No time in here: the caller decides when a command that is `ready` begins and when it finishes.
//
//   ready(command)   may it begin? (tiles there, tiles free, banks in the right state)
//   begin(command)   takes what it holds: reserves and acquires tiles, moves banks on
//   execute(command) computes its values (ops/…); skipped when values are off
//   finish(command)  pushes, pops, hands banks on
//
// Rules that make a missing wait an error, never luck: a command may read a buffer's head tile only if it, or an
// earlier command of the same unit since the last pop, waited for it; it may write a tile only if one reserved it;
// scratch belongs to the first unit that touches it until the next `buffer` definition. Breaking one throws
// Error(illegal_program), on every run, whatever the timing. Races between PEs are caught by race.h.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "isa/command.h"

namespace leto::isa {

/// Sparse byte-addressed memory: HBM (or LPDDR) below kSramBase, shared SRAM from there. Unwritten bytes are zero.
class Memory {
 public:
  void read(std::uint64_t address, std::byte* to, std::size_t bytes) const;
  void write(std::uint64_t address, const std::byte* from, std::size_t bytes);

 private:
  static constexpr std::size_t kPage = 1 << 16;
  std::unordered_map<std::uint64_t, std::unique_ptr<std::byte[]>> pages_;
};

/// A circular buffer of the local store.
struct Buffer {
  std::int64_t base = 0, bytes = 0, depth = 0;
  std::int64_t pushed = 0, popped = 0;   // tiles since definition
  bool defined = false;
  bool reserved = false;                 // the write tile was reserved and not yet pushed
  bool acquired = false;                 // the head tile was waited for and not yet popped
  Unit writer = Unit::core, reader = Unit::core;  // who reserved / acquired; scratch: writer is the owner
  std::int64_t full() const { return pushed - popped; }
  bool scratch() const { return defined && depth == 0; }
};

enum class BankState : std::uint8_t { free, open, full };

/// One PE: local store, buffers, accumulators. `values` off leaves the stores unallocated.
class PeState {
 public:
  PeState(std::int64_t local_store_bytes, int banks, bool values);

  /// Throws Error(illegal_program) if the tiles reach past the local store or a buffer overlaps a non-empty one.
  void define(const Command& buffer_command);

  /// May the command begin? On false, `why` (if given) says what it waits for.
  struct Hold {
    enum class Cause : std::uint8_t { none, data, space, banks_free, banks_full } cause = Cause::none;
    int buffer = -1;  // the buffer, or the first bank, in question
  };
  Hold hold(const Command& command) const;
  void begin(const Command& command);
  void finish(const Command& command);

  const Buffer& buffer(int id) const { return buffers_[static_cast<std::size_t>(id)]; }
  BankState bank(int id) const { return banks_[static_cast<std::size_t>(id)]; }
  bool values() const { return !store_.empty(); }

  /// First byte that an operand of a begun command addresses; `bytes` from there are inside the tile, else
  /// Error(illegal_program). Only with values on.
  std::byte* at(const Operand& operand, std::int64_t bytes);
  /// The 32x32 fp32 elements of a bank.
  float* accumulators(int bank) { return accumulators_.data() + std::size_t(bank) * kBankElements; }

 private:
  std::vector<std::byte> store_;
  std::int64_t store_bytes_;
  std::array<Buffer, kBuffers> buffers_;
  std::vector<BankState> banks_;
  std::vector<float> accumulators_;
};

/// Partial sums in flight on the reduction network from a PE to its neighbour (pass → merge), in order.
struct Partials {
  std::vector<float> values;  // m x n, row-major; empty when values are off
  std::int64_t m = 0, n = 0;
};

/// Computes a command's values: ops/ has one function an instruction. `incoming` is the partial sum a merge takes,
/// `outgoing` what a pass sends. Called between begin and finish; only with values on, except gather and scatter,
/// whose index checks the caller runs in both modes through index_rows.
void execute(const Command& command, PeState& pe, Memory& memory, const Partials* incoming, Partials* outgoing);

}  // namespace leto::isa
