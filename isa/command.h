// A command: an instruction for a unit, with the registers it names read at issue.
#pragma once

#include <algorithm>

#include "base/dtypes.h"
#include "isa/instruction.h"

namespace leto::isa {

struct Command {
  Opcode opcode = Opcode::end;
  Unit unit = Unit::core;
  std::uint32_t source = 0;  // graph operation
  std::uint32_t pc = 0;      // instruction index in the core's code, for messages
  std::uint8_t core = 0;
  std::array<std::int64_t, kShapeRegisters>
      shape{};                         // content of the shape registers, if the instruction has a shape
  std::array<std::int64_t, 3> tile{};  // set by PeState::begin: local-store address of each operand's tile
  std::array<std::int64_t, kMaxFields>
      value{};  // as Instruction::field, but reg fields hold the register's content

  std::int64_t operator[](int field) const { return value[static_cast<std::size_t>(field)]; }
  DType dtype(int field) const { return static_cast<DType>(value[static_cast<std::size_t>(field)]); }
};

/// Reads the registers an instruction names. `registers` has kRegisters entries.
Command capture(const Instruction& instruction, std::span<const std::int64_t> registers, int core,
                std::uint32_t pc);
/// The same, in the place of a command that is no longer needed.
void capture(const Instruction& instruction, std::span<const std::int64_t> registers, int core,
             std::uint32_t pc, Command& to);

/// A read or write operand in the local store: the buffer and what the command does to its pointers.
struct Operand {
  int buffer;
  std::int64_t offset;  // bytes into the tile
  bool hold;            // wait (reading) or reserve (writing)
  bool advance;         // pop (reading) or push (writing)
  bool writes;
  std::int64_t tile = 0;  // local-store address of the tile, once the command has begun
};
/// Does a vector command read its first (second) operand from a buffer? Not when it is an immediate, nor b of
/// a unary operation, nor a of column_is.
bool reads_a(const Command& vector);
bool reads_b(const Command& vector);
/// The buffer operands of a command, in table order (none for pass and merge). Vector lists a and b only when
/// it reads them; the wait and pop flags of one it does not read do nothing.
struct Operands {
  std::array<Operand, 3> item;
  int count = 0;
};
Operands operands_of(const Command& command);

/// Bytes that operand `index` of operands_of touches, from its offset: the last byte's distance plus one,
/// gaps between rows included; 0 when an extent is zero. Needs a checked command.
std::int64_t footprint(const Command& command, int index);

/// Throws Error(illegal_program) when an extent is negative or beyond what the encoding means, a type is not
/// one the unit reads or writes, or memory addresses leave [0, 2 * kSramBase). PeState::begin calls it.
void check(const Command& command);

/// "core 1 pc 42: matmul @7" for messages.
std::string describe(const Command& command);

/// count, offsets, group, number: what the sort block does, where the chip has one.
inline bool is_sort(Opcode opcode) {
  return opcode == Opcode::count || opcode == Opcode::offsets || opcode == Opcode::group ||
         opcode == Opcode::number;
}

/// Pairs of a number command that are the tile's own.
inline std::int64_t numbered_pairs(const Command& command) {
  return std::max<std::int64_t>(0, command.shape[0] - command.shape[2] - command.shape[3]);
}

/// gather, scatter, spread: the memory they touch is known from a tile.
inline bool is_indexed(const Command& command) {
  return command.opcode == Opcode::gather || command.opcode == Opcode::scatter ||
         command.opcode == Opcode::spread;
}

/// A transfer's memory side: `planes` x `rows` pieces of `bytes`. Of load and store only; gather and scatter
/// go by index.
struct Transfer {
  std::uint64_t address = 0;
  std::int64_t bytes = 0, rows = 0, row_stride = 0, planes = 0, plane_stride = 0, pitch = 0;
  bool operator==(const Transfer&) const = default;
};
Transfer transfer_of(const Command& command);
/// From its lowest byte to behind its highest one. Needs a checked command's transfer with bytes to move.
struct Extent {
  std::uint64_t begin, end;
};
Extent extent_of(const Transfer& transfer);
/// One contiguous piece of memory.
struct Run {
  std::uint64_t address;
  std::int64_t bytes;
  bool operator==(const Run&) const = default;
};
/// The memory that a transfer touches, run by run, without a list of them.
class Runs {
 public:
  Runs() = default;
  /// Of a load or store: its rows in order, neighbouring ones joined when they touch.
  explicit Runs(const Transfer& transfer);
  /// Of a gather or scatter: those of runs_of, which must outlive this.
  explicit Runs(std::span<const Run> list) : list_(list) {}

  /// The next run; of zero bytes when there is none left.
  Run next();
  /// Of all that are left.
  std::int64_t bytes() const;
  /// Do both come to the same runs?
  friend bool same(Runs a, Runs b);

 private:
  void step();

  std::span<const Run> list_;
  Transfer transfer_;
  std::int64_t row_ = 0, plane_ = 0;  // the next row
  std::uint64_t address_ = 0;         // at which it starts
};
bool same(Runs a, Runs b);

/// Of a gather or scatter: where row `index` of its table begins.
std::uint64_t row_address(const Command& command, std::int64_t index);

/// The memory a load or store touches, in order, neighbouring rows joined when they touch.
std::vector<Run> runs_of(const Command& command);
/// The same for a gather or scatter with these indices: one run an index that names a row.
std::vector<Run> runs_of(const Command& command, std::span<const std::int64_t> indices);

/// Accumulator banks of a matmul or reduce command: `count` banks from `first`.
struct Banks {
  int first = 0, count = 0;
};
Banks banks_of(const Command& command);

/// Multiply-accumulates of a matmul (m*n*k); 0 for other commands.
std::int64_t macs_of(const Command& command);

}  // namespace leto::isa
