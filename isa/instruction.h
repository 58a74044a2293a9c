// Instructions as data: the table, the decoded form, the 128-bit codec, the assembler's text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto::isa {

inline constexpr int kRegisters = 64;      // scalar registers of a core, signed 64 bit; r0 reads as zero
inline constexpr int kShapeRegisters = 6;  // consecutive registers that a shape field names
inline constexpr int kBuffers = 32;        // circular buffers of a PE
inline constexpr int kSemaphores = 16;     // of a PE
inline constexpr int kCores = 2;           // issue cores of a PE
inline constexpr int kLoopDepth = 8;       // nested hardware loops of a core
inline constexpr int kHeldRows = 64;       // most rows a matmul holds
inline constexpr int kBankRows = 32;       // an accumulator bank is 32 x 32 fp32
inline constexpr int kBankElements = kBankRows * kBankRows;
inline constexpr int kMaxBanks = 64;    // what the encoding reaches; a chip may have fewer
inline constexpr std::int64_t kIndexBytes = 4, kPairBytes = 8;  // of the sort's lists: a number, a key with its payload
inline constexpr int kMostDigitBits = 12;                       // of a radix pass
inline constexpr std::int64_t kMostRecords = (std::int64_t{1} << 31) - 1;  // that a sort can number
inline constexpr int kSourceBits = 20;  // source id: which graph operation a word came from
inline constexpr int kFieldBits = 100;  // bits 28..127 of a word
inline constexpr std::uint64_t kSramBase = std::uint64_t{1}
                                           << 40;  // memory below is HBM (or LPDDR), above is shared SRAM

/// Which queue of a PE takes the command; core, sync and buffer instructions are executed by the issue core.
enum class Unit : std::uint8_t { core, sync, buffer, load, store, matrix, reduction, vector, layout };
inline constexpr int kUnits = 9;
std::string_view name_of(Unit unit);

enum class Coordinate : std::uint8_t { row, column, index, rows, columns, count };
enum class Scope : std::uint8_t { pe, all };
enum class Multicast : std::uint8_t { none, row, column, all };
enum class Direction : std::uint8_t { north, east, south, west };
enum class Broadcast : std::uint8_t { full, row, column, immediate };
enum class Reduce : std::uint8_t { none, row_sum, row_max, column_sum };

/// Operations of the vector engine, each one pass. Unary operations read only `a`.
/// greater_equal, greater, equal give 1 or 0; column_is: (first column + c) == b; keep: a where b is not 0,
/// else -0, so that two of them with opposite b add up to a choice; canonical NaN out.
enum class VectorOp : std::uint8_t {
  copy,
  add,
  subtract,
  multiply,
  maximum,
  minimum,
  greater_equal,
  greater,
  equal,
  column_is,
  reciprocal,
  square_root,
  reciprocal_square_root,
  exponential,
  logarithm,
  tanh,
  erf,
  sigmoid,
  absolute,
  negate,
  relu,
  keep,
};
inline constexpr int kVectorOps = 22;
bool is_binary(VectorOp op);

enum class FieldKind : std::uint8_t {
  dest,
  reg,
  shape,
  buffer,
  flag,
  uint,
  sint,
  f32,
  dtype,
  coordinate,
  scope,
  multicast,
  direction,
  broadcast,
  reduce,
  vector_op,
};

/// One row entry of the table. `lsb` is the bit position in the word (28 for the first field).
struct FieldSpec {
  std::string_view name;
  FieldKind kind;
  int bits;
  std::string_view doc;
  int lsb = 0;
};

struct InstructionSpec {
  std::string_view mnemonic;
  std::uint8_t opcode;
  Unit unit;
  std::string_view doc;
  std::span<const FieldSpec> fields;
};

// Opcode::load …, and for each instruction the indices of its fields: instruction.field[load::address].
enum class Opcode : std::uint8_t {
#define INSTRUCTION(name, code, unit, doc, ...) name = code,
#include "isa/instructions.inc"
#undef INSTRUCTION
};
#define FIELD(name, kind, bits, doc) name,
#define INSTRUCTION(mnemonic, code, unit, doc, ...) \
  struct mnemonic##_t {                             \
    enum Index : int { __VA_ARGS__ kCount };        \
  };
#include "isa/instructions.inc"
#undef INSTRUCTION
#undef FIELD

inline constexpr int kMaxFields = 22;

/// A decoded instruction: opcode, source id and the raw value of every field in table order (sign-extended
/// for sint, bit pattern for f32). Field access: i.field[load_t::address].
struct Instruction {
  Opcode opcode = Opcode::end;
  std::uint32_t source = 0;
  std::array<std::int64_t, kMaxFields> field{};
  bool operator==(const Instruction&) const = default;
};

/// One word, little endian: lo holds bits 0..63, hi bits 64..127.
struct Word {
  std::uint64_t lo = 0, hi = 0;
  bool operator==(const Word&) const = default;
};

/// All rows, in table order.
std::span<const InstructionSpec> instructions();
/// nullptr when no instruction has this opcode.
const InstructionSpec* spec_of(std::uint8_t opcode);
const InstructionSpec& spec_of(Opcode opcode);
const InstructionSpec* spec_of(std::string_view mnemonic);
/// The names of an enumerated field kind, by value ("none", "row", …); empty for numeric kinds.
std::span<const std::string_view> enumerators(FieldKind kind);
/// A hash of the whole table: changes whenever an encoding does.
std::uint64_t isa_hash();

/// Encodes; throws Error(illegal_program) naming the field when a value does not fit its bits.
Word encode(const Instruction& instruction);

/// What is wrong with a word: which bit (0..127), in words.
struct DecodeError {
  int bit;
  std::string message;
};
/// Decodes; on an unknown opcode, a reserved bit that is set or an enumerator out of range: nullopt and
/// `error`.
std::optional<Instruction> decode(const Word& word, DecodeError* error);

/// One line of assembler, without newline: `load dst=b3 dst_offset=r0 reserve=1 push=1 … multicast=row @17`.
/// Fields at zero may be left out on input; the disassembler prints every field. `@N` is the source id.
std::string to_text(const Instruction& instruction);
/// Parses one line (comments after `;` allowed); throws Error(illegal_program) naming `where` (file:line).
Instruction from_text(std::string_view line, std::string_view where);

}  // namespace leto::isa
