// The 128-bit codec: a loop over the fields of the table's row.
#include <fmt/format.h>

#include "base/errors.h"
#include "isa/instruction.h"

namespace leto::isa {
namespace {

__extension__ using Bits = unsigned __int128;

constexpr int kSourceLsb = 8;
constexpr Bits mask(int bits) {
  return (Bits{1} << bits) - 1;
}

Bits bits_of(const Word& word) {
  return Bits{word.hi} << 64 | word.lo;
}

// The values a field may hold, both ends included.
struct Range {
  std::int64_t low, high;
};
Range range_of(const FieldSpec& field) {
  const std::int64_t span = std::int64_t{1} << field.bits;
  const auto names = enumerators(field.kind);
  if (!names.empty()) return {0, static_cast<std::int64_t>(names.size()) - 1};
  if (field.kind == FieldKind::shape) return {0, kRegisters - kShapeRegisters};
  if (field.kind == FieldKind::sint) return {-span / 2, span / 2 - 1};
  return {0, span - 1};
}

std::int64_t sign_extended(std::uint64_t raw, int bits) {
  const int unused = 64 - bits;
  return static_cast<std::int64_t>(raw << unused) >> unused;
}

void put(Bits& word, int lsb, int bits, std::int64_t value) {
  word |= (static_cast<Bits>(static_cast<std::uint64_t>(value)) & mask(bits)) << lsb;
}

void check_range(const InstructionSpec& spec, const FieldSpec& field, std::int64_t value) {
  const Range range = range_of(field);
  if (value >= range.low && value <= range.high) return;
  throw Error(ExitCode::illegal_program,
              fmt::format("{}: field {} cannot hold {}", spec.mnemonic, field.name, value),
              fmt::format("keep {} within {} to {}", field.name, range.low, range.high));
}

bool fail(DecodeError* error, int bit, std::string message) {
  if (error) *error = {bit, std::move(message)};
  return false;
}

bool decode_fields(const InstructionSpec& spec, Bits& rest, Instruction& out, DecodeError* error) {
  for (std::size_t i = 0; i < spec.fields.size(); ++i) {
    const FieldSpec& field = spec.fields[i];
    const auto raw = static_cast<std::uint64_t>(rest >> field.lsb & mask(field.bits));
    const std::int64_t value =
        field.kind == FieldKind::sint ? sign_extended(raw, field.bits) : static_cast<std::int64_t>(raw);
    const Range range = range_of(field);
    if (value < range.low || value > range.high)
      return fail(error, field.lsb,
                  fmt::format("{}: field {} holds {}, the most it can mean is {}", spec.mnemonic, field.name,
                              value, range.high));
    out.field[i] = value;
    rest &= ~(mask(field.bits) << field.lsb);
  }
  return true;
}

int lowest_bit(Bits word) {
  int bit = 0;
  while (!(word >> bit & 1)) ++bit;
  return bit;
}

}  // namespace

Word encode(const Instruction& instruction) {
  const InstructionSpec& spec = spec_of(instruction.opcode);
  Bits word = spec.opcode;
  if (instruction.source >> kSourceBits)
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: source id {} is too large", spec.mnemonic, instruction.source),
                fmt::format("a program has at most {} source ids", 1 << kSourceBits));
  put(word, kSourceLsb, kSourceBits, instruction.source);
  for (std::size_t i = 0; i < spec.fields.size(); ++i) {
    check_range(spec, spec.fields[i], instruction.field[i]);
    put(word, spec.fields[i].lsb, spec.fields[i].bits, instruction.field[i]);
  }
  return {static_cast<std::uint64_t>(word), static_cast<std::uint64_t>(word >> 64)};
}

std::optional<Instruction> decode(const Word& word, DecodeError* error) {
  const InstructionSpec* spec = spec_of(static_cast<std::uint8_t>(word.lo));
  if (!spec) {
    fail(error, 0, fmt::format("no instruction has opcode 0x{:02x}", word.lo & 0xff));
    return std::nullopt;
  }
  Instruction out;
  out.opcode = static_cast<Opcode>(spec->opcode);
  out.source = static_cast<std::uint32_t>(word.lo >> kSourceLsb & ((1u << kSourceBits) - 1));
  Bits rest = bits_of(word) & ~mask(kSourceLsb + kSourceBits);
  if (!decode_fields(*spec, rest, out, error)) return std::nullopt;
  if (rest) {
    const int bit = lowest_bit(rest);
    fail(error, bit, fmt::format("{}: reserved bit {} is set", spec->mnemonic, bit));
    return std::nullopt;
  }
  return out;
}

}  // namespace leto::isa
