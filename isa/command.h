// A command: an instruction for a unit, with the registers it names read at issue.
#pragma once

#include "base/dtypes.h"
#include "isa/instruction.h"

namespace leto::isa {

struct Command {
  Opcode opcode = Opcode::end;
  Unit unit = Unit::core;
  std::uint32_t source = 0;  // graph operation
  std::uint32_t pc = 0;      // instruction index in the core's code, for messages
  std::uint8_t core = 0;
  std::array<std::int64_t, kMaxFields> value{};      // as Instruction::field, but reg fields hold the register's content
  std::array<std::int64_t, kShapeRegisters> shape{};  // content of the shape registers, if the instruction has a shape

  std::int64_t operator[](int field) const { return value[static_cast<std::size_t>(field)]; }
  DType dtype(int field) const { return static_cast<DType>(value[static_cast<std::size_t>(field)]); }
};

/// Reads the registers an instruction names. `registers` has kRegisters entries.
Command capture(const Instruction& instruction, std::span<const std::int64_t> registers, int core, std::uint32_t pc);

/// A read or write operand in the local store: the buffer and what the command does to its pointers.
struct Operand {
  int buffer;
  std::int64_t offset;  // bytes into the tile
  bool hold;            // wait (reading) or reserve (writing)
  bool advance;         // pop (reading) or push (writing)
  bool writes;
};
/// The buffer operands of a command, in table order (none for post, pass, …; vector lists b only when it reads it).
struct Operands {
  std::array<Operand, 3> item;
  int count = 0;
};
Operands operands_of(const Command& command);

/// Accumulator banks of a matmul or reduce command: `count` banks from `first`.
struct Banks {
  int first = 0, count = 0;
};
Banks banks_of(const Command& command);

/// Multiply-accumulates of a matmul (m*n*k); 0 for other commands.
std::int64_t macs_of(const Command& command);

}  // namespace leto::isa
