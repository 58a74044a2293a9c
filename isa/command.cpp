#include "isa/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace leto::isa {
namespace {

// Appends the operand whose five fields start at `buffer`: buffer, offset, hold, advance stand side by side.
void add(Operands& operands, const Command& command, int buffer, bool writes) {
  const auto index = static_cast<std::size_t>(operands.count++);
  operands.item[index] = {static_cast<int>(command[buffer]),
                          command[buffer + 1],
                          command[buffer + 2] != 0,
                          command[buffer + 3] != 0,
                          writes,
                          command.tile[index]};
}

void add_vector(Operands& operands, const Command& command) {
  add(operands, command, vector_t::dst, true);
  if (reads_a(command)) add(operands, command, vector_t::a, false);
  if (reads_b(command)) add(operands, command, vector_t::b, false);
}

std::int64_t ceil_banks(std::int64_t extent) {
  return (extent + kBankRows - 1) / kBankRows;
}

int first_bank(const Command& command) {
  switch (command.opcode) {
    case Opcode::matmul:
      return static_cast<int>(command[matmul_t::bank]);
    case Opcode::drain:
      return static_cast<int>(command[drain_t::bank]);
    case Opcode::fill:
      return static_cast<int>(command[fill_t::bank]);
    case Opcode::pass:
      return static_cast<int>(command[pass_t::bank]);
    default:
      return static_cast<int>(command[merge_t::bank]);
  }
}

// What capture needs of an instruction's row in the table.
struct RegistersRead {
  Unit unit = Unit::core;
  std::size_t count = 0;     // of fields
  std::uint32_t fields = 0;  // bit i: field i names a register
  int shape = -1;            // the field that names shape registers
};

std::array<RegistersRead, 256> registers_read() {
  std::array<RegistersRead, 256> by_opcode;
  for (const InstructionSpec& spec : instructions()) {
    RegistersRead& reads = by_opcode[spec.opcode];
    reads.unit = spec.unit;
    reads.count = spec.fields.size();
    for (std::size_t i = 0; i < spec.fields.size(); ++i) {
      if (spec.fields[i].kind == FieldKind::reg) reads.fields |= 1u << i;
      if (spec.fields[i].kind == FieldKind::shape) reads.shape = static_cast<int>(i);
    }
  }
  return by_opcode;
}

}  // namespace

Command capture(const Instruction& instruction, std::span<const std::int64_t> registers, int core,
                std::uint32_t pc) {
  Command command;
  capture(instruction, registers, core, pc, command);
  return command;
}

void capture(const Instruction& instruction, std::span<const std::int64_t> registers, int core,
             std::uint32_t pc, Command& to) {
  static const auto reads_of = registers_read();
  const RegistersRead& reads = reads_of[static_cast<std::size_t>(instruction.opcode)];
  to.opcode = instruction.opcode;
  to.unit = reads.unit;
  to.source = instruction.source;
  to.pc = pc;
  to.core = static_cast<std::uint8_t>(core);
  to.tile = {};
  std::copy_n(instruction.field.begin(), reads.count, to.value.begin());
  for (std::uint32_t left = reads.fields; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    to.value[i] = registers[static_cast<std::size_t>(instruction.field[i])];
  }
  if (reads.shape < 0)
    to.shape = {};
  else
    std::copy_n(registers.begin() + instruction.field[static_cast<std::size_t>(reads.shape)], kShapeRegisters,
                to.shape.begin());
}

bool reads_a(const Command& vector) {
  return static_cast<VectorOp>(vector[vector_t::op]) != VectorOp::column_is &&
         static_cast<Broadcast>(vector[vector_t::a_mode]) != Broadcast::immediate;
}

bool reads_b(const Command& vector) {
  return is_binary(static_cast<VectorOp>(vector[vector_t::op])) &&
         static_cast<Broadcast>(vector[vector_t::b_mode]) != Broadcast::immediate;
}

Operands operands_of(const Command& command) {
  Operands operands;
  switch (command.opcode) {
    case Opcode::load:
      add(operands, command, load_t::dst, true);
      break;
    case Opcode::store:
      add(operands, command, store_t::src, false);
      break;
    case Opcode::gather:
      add(operands, command, gather_t::dst, true);
      add(operands, command, gather_t::index, false);
      break;
    case Opcode::scatter:
      add(operands, command, scatter_t::src, false);
      add(operands, command, scatter_t::index, false);
      break;
    case Opcode::matmul:
      add(operands, command, matmul_t::held, false);
      add(operands, command, matmul_t::stream, false);
      break;
    case Opcode::drain:
      add(operands, command, drain_t::dst, true);
      break;
    case Opcode::fill:
      add(operands, command, fill_t::src, false);
      break;
    case Opcode::vector:
      add_vector(operands, command);
      break;
    case Opcode::transpose:
    case Opcode::copy:
      add(operands, command, copy_t::dst, true);
      add(operands, command, copy_t::src, false);
      break;
    case Opcode::collect:
      add(operands, command, collect_t::dst, true);
      add(operands, command, collect_t::src, false);
      add(operands, command, collect_t::slots, false);
      break;
    case Opcode::count:
    case Opcode::offsets:
    case Opcode::number:
      add(operands, command, count_t::dst, true);
      add(operands, command, count_t::src, false);
      break;
    case Opcode::group:
      add(operands, command, group_t::dst, true);
      add(operands, command, group_t::src, false);
      add(operands, command, group_t::places, true);
      break;
    case Opcode::spread:
      add(operands, command, spread_t::src, false);
      break;
    default:
      break;
  }
  return operands;
}
static_assert(int{transpose_t::dst} == int{copy_t::dst} && int{transpose_t::src} == int{copy_t::src} &&
              int{transpose_t::type} == int{copy_t::type});
static_assert(int{count_t::dst} == int{copy_t::dst} && int{offsets_t::dst} == int{copy_t::dst} &&
              int{group_t::dst} == int{copy_t::dst} && int{number_t::dst} == int{copy_t::dst} &&
              int{count_t::src} == int{offsets_t::src} && int{count_t::src} == int{number_t::src});

Banks banks_of(const Command& command) {
  if (command.unit != Unit::matrix && command.unit != Unit::reduction) return {};
  constexpr std::int64_t kMost = std::int64_t{kMaxBanks} * kBankRows;
  for (int i = 0; i < 2; ++i)
    if (command.shape[i] < 0 || command.shape[i] > kMost) return {};  // check() reports it
  return {first_bank(command), static_cast<int>(ceil_banks(command.shape[0]) * ceil_banks(command.shape[1]))};
}

std::int64_t macs_of(const Command& command) {
  return command.opcode == Opcode::matmul ? command.shape[0] * command.shape[1] * command.shape[2] : 0;
}

std::string describe(const Command& command) {
  return fmt::format("core {} pc {}: {} @{}", command.core, command.pc, spec_of(command.opcode).mnemonic,
                     command.source);
}

}  // namespace leto::isa
