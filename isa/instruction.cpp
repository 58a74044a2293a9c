#include "isa/instruction.h"

#include <algorithm>
#include <concepts>

#include "base/dtypes.h"

namespace leto::isa {
namespace {

// Gives every field its bit position: one after the other from the first field bit.
template <std::size_t N>
constexpr std::array<FieldSpec, N> place(std::array<FieldSpec, N> fields) {
  int lsb = 128 - kFieldBits;
  for (FieldSpec& field : fields) {
    field.lsb = lsb;
    lsb += field.bits;
  }
  return fields;
}

namespace rows {
#define FIELD(name, kind, bits, doc) FieldSpec{#name, FieldKind::kind, bits, doc, 0},
#define INSTRUCTION(mnemonic, code, unit, doc, ...) \
  constexpr auto mnemonic = place(std::array<FieldSpec, mnemonic##_t::kCount>{{__VA_ARGS__}});
#include "isa/instructions.inc"
#undef INSTRUCTION
#undef FIELD
}  // namespace rows

constexpr InstructionSpec kTable[] = {
#define INSTRUCTION(mnemonic, code, unit, doc, ...) {#mnemonic, code, Unit::unit, doc, rows::mnemonic},
#include "isa/instructions.inc"
#undef INSTRUCTION
};

constexpr bool fields_fit(const InstructionSpec& spec) {
  int bits = 0;
  for (const FieldSpec& field : spec.fields) {
    if (field.bits < 1 || field.bits > 56) return false;
    bits += field.bits;
  }
  return bits <= kFieldBits && spec.fields.size() <= static_cast<std::size_t>(kMaxFields);
}

constexpr bool field_names_unique(const InstructionSpec& spec) {
  for (std::size_t i = 0; i < spec.fields.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (spec.fields[i].name == spec.fields[j].name) return false;
  return true;
}

constexpr bool table_is_sound() {
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    if (!fields_fit(kTable[i]) || !field_names_unique(kTable[i])) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (kTable[i].opcode == kTable[j].opcode || kTable[i].mnemonic == kTable[j].mnemonic) return false;
  }
  return true;
}
static_assert(table_is_sound(),
              "a row of instructions.inc does not fit a word, or a name or an opcode is taken twice");

constexpr std::string_view kUnitNames[] = {"core",   "sync",      "buffer", "load",  "store",
                                           "matrix", "reduction", "vector", "layout"};
constexpr std::string_view kDTypeNames[] = {"fp32",     "bf16", "fp16",  "fp8_e4m3",
                                            "fp8_e5m2", "int8", "int32", "int64"};
constexpr std::string_view kCoordinates[] = {"row", "column", "index", "rows", "columns", "count"};
constexpr std::string_view kScopes[] = {"pe", "all"};
constexpr std::string_view kMulticasts[] = {"none", "row", "column", "all"};
constexpr std::string_view kDirectionNames[] = {"north", "east", "south", "west"};
constexpr std::string_view kBroadcasts[] = {"full", "row", "column", "immediate"};
constexpr std::string_view kReduces[] = {"none", "row_sum", "row_max", "column_sum"};
constexpr std::string_view kVectorOpNames[] = {"copy",
                                               "add",
                                               "subtract",
                                               "multiply",
                                               "maximum",
                                               "minimum",
                                               "greater_equal",
                                               "greater",
                                               "equal",
                                               "column_is",
                                               "reciprocal",
                                               "square_root",
                                               "reciprocal_square_root",
                                               "exponential",
                                               "logarithm",
                                               "tanh",
                                               "erf",
                                               "sigmoid",
                                               "absolute",
                                               "negate",
                                               "relu",
                                               "keep"};
static_assert(std::size(kUnitNames) == kUnits && std::size(kDTypeNames) == kDTypeCount &&
              std::size(kVectorOpNames) == kVectorOps);

constexpr std::uint8_t kNoRow = 0xff;

// Row of each opcode: decoding happens once a word, but for every word of a program.
constexpr std::array<std::uint8_t, 256> rows_by_opcode() {
  std::array<std::uint8_t, 256> row{};
  row.fill(kNoRow);
  for (std::size_t i = 0; i < std::size(kTable); ++i) row[kTable[i].opcode] = static_cast<std::uint8_t>(i);
  return row;
}
constexpr auto kRowOf = rows_by_opcode();

// FNV-1a (64 bit), over text with a separator so that neighbouring names cannot merge.
class TableHash {
 public:
  void add(std::string_view text) {
    for (char c : text) step(static_cast<std::uint8_t>(c));
    step(0);
  }
  void add(std::integral auto number) {
    for (int i = 0; i < 4; ++i)
      step(static_cast<std::uint8_t>(static_cast<std::uint32_t>(number) >> (8 * i)));
  }
  std::uint64_t value() const { return state_; }

 private:
  void step(std::uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3u; }
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

std::uint64_t hash_table() {
  TableHash hash;
  for (const InstructionSpec& spec : kTable) {
    hash.add(spec.mnemonic);
    hash.add(spec.opcode);
    hash.add(static_cast<int>(spec.unit));
    for (const FieldSpec& field : spec.fields) {
      hash.add(field.name);
      hash.add(static_cast<int>(field.kind));
      hash.add(field.lsb);
      hash.add(field.bits);
      for (std::string_view name : enumerators(field.kind)) hash.add(name);
    }
  }
  return hash.value();
}

}  // namespace

std::string_view name_of(Unit unit) {
  return kUnitNames[static_cast<std::size_t>(unit)];
}

bool is_binary(VectorOp op) {
  return (op >= VectorOp::add && op <= VectorOp::column_is) || op == VectorOp::keep;
}

std::span<const InstructionSpec> instructions() {
  return kTable;
}

const InstructionSpec* spec_of(std::uint8_t opcode) {
  return kRowOf[opcode] == kNoRow ? nullptr : &kTable[kRowOf[opcode]];
}

const InstructionSpec& spec_of(Opcode opcode) {
  return kTable[kRowOf[static_cast<std::uint8_t>(opcode)]];
}

const InstructionSpec* spec_of(std::string_view mnemonic) {
  const auto* found = std::ranges::find(kTable, mnemonic, &InstructionSpec::mnemonic);
  return found == std::end(kTable) ? nullptr : found;
}

std::span<const std::string_view> enumerators(FieldKind kind) {
  switch (kind) {
    case FieldKind::dtype:
      return kDTypeNames;
    case FieldKind::coordinate:
      return kCoordinates;
    case FieldKind::scope:
      return kScopes;
    case FieldKind::multicast:
      return kMulticasts;
    case FieldKind::direction:
      return kDirectionNames;
    case FieldKind::broadcast:
      return kBroadcasts;
    case FieldKind::reduce:
      return kReduces;
    case FieldKind::vector_op:
      return kVectorOpNames;
    default:
      return {};
  }
}

std::uint64_t isa_hash() {
  static const std::uint64_t hash = hash_table();
  return hash;
}

}  // namespace leto::isa
