#include "isa/manual.h"

#include <fmt/format.h>

#include "isa/instruction.h"
#include "isa/ops/elementwise.h"

namespace leto::isa {
namespace {

constexpr std::string_view kIntroduction = R"(# The instruction set

Generated from `isa/instructions.inc` by `isa/manual.cpp`: do not edit, run `LETO_RENEW_DOCS=1 test_isa`.

Every PE runs the same program on two issue cores. A core executes scalar, sync and buffer instructions itself and
sends the others, with the registers they name read, as commands to the queue of a unit. Units run concurrently, each
its own commands in order; they meet only through circular buffers, accumulator banks and barriers.

## Word

128 bits, little endian: `[7:0]` opcode, `[27:8]` source id (the graph operation the word came from), fields from bit 28
upwards. Bits that no field claims must be zero; an unknown opcode, a set reserved bit or a value out of range is a
decode error that names the bit.

## Field kinds

| kind | written | meaning |
|---|---|---|
| dest | `r4` | scalar register written; r0 stays zero |
| reg | `r4` | scalar register, read when the command issues |
| shape | `r8` | first of six consecutive registers, r0 to r58, read when the command issues |
| buffer | `b3` | circular buffer of the PE, b0 to b31 |
| flag | `1` | 0 or 1 |
| uint, sint | `12` | immediate, zero- or sign-extended |
| f32 | `0.5` | fp32 bits; decimal that reads back exactly, a NaN as `nan(7fc00001)` |
)";

constexpr std::string_view kRules = R"(
## Rules

- **Buffers.** A buffer is a ring of `depth` tiles. Reading, `wait` holds the command until the head tile is there and
  `pop` frees it when the command is done; writing, `reserve` holds it until a tile is free and `push` publishes it.
  A tile may be read only if its reader waited for it since the last pop, and written only if it was reserved.
- **Owners.** One (unit, core) writes and one reads a buffer until it is defined anew or both cores pass a barrier.
  Scratch (depth 0) has no pointers; it belongs to one unit until it is defined anew.
- **Definitions.** `buffer` needs idle units. It drops definitions that it overlaps; overlapping one that holds tiles is
  an error.
- **Banks.** free → open (`matmul first=1`, `fill`) → full (`matmul last=1`) → free (`drain`, `pass`). `matmul first=0`
  holds until its banks are open.
- **Extents** are 0 to 2^24 and a command moves at most 2^24 bytes or elements; offsets plus extents stay inside the
  tile. A zero extent does nothing but still waits, pops, reserves and pushes. Memory is [0, 2^41), shared SRAM from 2^40.
- **Barriers.** A core that has ended, or has no code, takes part in none.
- **Races.** Two PEs may touch the same bytes, one of them writing, only in an order made by barriers or by post and wait;
  within a PE a load after a store to the same bytes needs a barrier of any scope.

Breaking a rule is an error (exit code 6) that names pe, core, pc, instruction and graph operation.

## Numerics

- Matrix engine: operands widen to fp32 exactly; every accumulator is the chain `acc = fma(held, stream, acc)` over
  ascending k, one rounding a step, from its content (zero with `first`). Subnormals are kept.
- Vector engine: operands widen to fp32 (int32 and int64 to the nearest), one operation in fp32, then the reduction, then one rounding
  to nearest even into the destination type (integers truncate and saturate). Row reductions run over ascending
  columns, column sums over ascending rows, one add a step, starting from the first element, or from the old content
  with `accumulate`. `row_max` is the operation `maximum`.
- `merge` is fp32(theirs + ours); `scatter` adds in index order, one rounding an add.
- Every NaN result is 0x7fc00000 (truncated in narrower types). `load`, `store`, `gather`, `fill`, `transpose` and the layout `copy`
  move bits untouched.

### Vector operations

Largest error in units of the last place of the exact result, over fp32 inputs.

| operation | operands | result | max ULP |
|---|---|---|---|
)";

constexpr std::string_view kFiles = R"(
## Assembler

One instruction a line, fields at zero may be left out, `@N` is the source id, comments start with `;`:

    .name "double"   ; also .chip .seed .tokens .kernel .recipe .memory_fit
    .tensor "x" role=input dtype=fp32 shape=4x8 address=4096 limit=0
    .data 0000803f   ; initial content of the tensor above, hex bytes
    .source "scale" kind="vector" phase="forward" useful_macs=0 dtype=""   ; live_hbm=… live_sram=… may follow
    .core 0
    set rd=r1 value=4096 @0

A program file is magic `LETOPROG`, version, ISA hash, job, code of both cores, tensors, source map, and an FNV-1a
checksum over all before it.
)";

// What the six registers mean, by unit; the table's comments say the same.
std::string_view shape_note(Unit unit) {
  switch (unit) {
    case Unit::load:
    case Unit::store:
      return "Rows of `bytes` every `row stride` of memory, planes every `plane stride`; in the tile rows "
             "lie `pitch` bytes "
             "apart and planes follow one another.";
    case Unit::matrix:
      return "acc[i][j] += sum over k of held[i][k] * stream[j][k]: both operands k-contiguous, rows at "
             "their pitch. The "
             "m x n results fill ceil(m/32) x ceil(n/32) banks of 32x32 fp32, row-major from `bank`; m is at "
             "most 64.";
    case Unit::reduction:
      return "Every command holds until its banks are full (`fill`: free).";
    case Unit::vector:
      return "dst[r][c] = type(op(a[r][c], b[r][c])). Modes: full, row (row 0 for all rows), column (element "
             "0 of each row), "
             "immediate (`value`). row_sum and row_max write one element a row, at r times the dst pitch; "
             "column_sum writes "
             "one row. dst may be the very bytes of an operand.";
    default:
      return "";
  }
}

std::string_view kind_name(FieldKind kind) {
  constexpr std::string_view kNames[] = {
      "dest",  "reg",        "shape", "buffer",    "flag",      "uint",      "sint",   "f32",
      "dtype", "coordinate", "scope", "multicast", "direction", "broadcast", "reduce", "vector_op"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string enumeration_rows() {
  std::string out;
  for (int kind = 0; kind <= static_cast<int>(FieldKind::vector_op); ++kind)
    if (const auto names = enumerators(static_cast<FieldKind>(kind)); !names.empty())
      out += fmt::format("| {} | `{}` | {}, numbered from 0 |\n", kind_name(static_cast<FieldKind>(kind)),
                         names[0], fmt::join(names, ", "));
  return out;
}

std::string_view operands(VectorOp op) {
  if (op == VectorOp::column_is) return "b";
  return is_binary(op) ? "a, b" : "a";
}

std::string vector_rows() {
  std::string out;
  const auto names = enumerators(FieldKind::vector_op);
  for (int i = 0; i < kVectorOps; ++i) {
    const auto op = static_cast<VectorOp>(i);
    const ops::Numerics numerics = ops::numerics_of(op);
    out += fmt::format("| {} | {} | {} | {} |\n", names[static_cast<std::size_t>(i)], operands(op),
                       numerics.definition,
                       numerics.max_ulp == 0 ? "exact" : fmt::format("{}", numerics.max_ulp));
  }
  return out;
}

std::string field_row(const FieldSpec& field) {
  return fmt::format("| {} | [{}:{}] | {} | {} |\n", field.name, field.lsb + field.bits - 1, field.lsb,
                     kind_name(field.kind), field.doc);
}

std::string instruction_section(const InstructionSpec& spec) {
  std::string out = fmt::format("\n#### {} (0x{:02x})\n\n{}.\n", spec.mnemonic, spec.opcode, spec.doc);
  if (spec.fields.empty()) return out;
  out += "\n| field | bits | kind | meaning |\n|---|---|---|---|\n";
  for (const FieldSpec& field : spec.fields) out += field_row(field);
  return out;
}

std::string unit_sections() {
  std::string out = "\n## Instructions\n";
  for (int unit = 0; unit < kUnits; ++unit) {
    out += fmt::format("\n### {}\n", name_of(static_cast<Unit>(unit)));
    if (const auto note = shape_note(static_cast<Unit>(unit)); !note.empty())
      out += fmt::format("\n{}\n", note);
    for (const InstructionSpec& spec : instructions())
      if (static_cast<int>(spec.unit) == unit) out += instruction_section(spec);
  }
  return out;
}

std::string limits() {
  return fmt::format(
      "\n## Limits\n\n{} scalar registers of 64 bits a core, {} buffers and {} semaphores a PE, loops {} "
      "deep, {} held rows, "
      "{} accumulator banks at most (a chip may have fewer), 2^{} source ids. ISA hash {:016x}.\n",
      kRegisters, kBuffers, kSemaphores, kLoopDepth, kHeldRows, kMaxBanks, kSourceBits, isa_hash());
}

}  // namespace

std::string isa_manual() {
  std::string out(kIntroduction);
  out += enumeration_rows();
  out += limits();
  out += kRules;
  out += vector_rows();
  out += unit_sections();
  out += kFiles;
  return out;
}

}  // namespace leto::isa
