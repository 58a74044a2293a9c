// The SystemVerilog package: opcodes, enumerations and, for every field, its lowest bit and its width.
#include <fmt/format.h>

#include <cctype>

#include "isa/instruction.h"
#include "isa/manual.h"

namespace leto::isa {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

struct Enumeration {
  FieldKind kind;
  std::string_view type, prefix;
  int bits;
};
constexpr Enumeration kEnumerations[] = {
    {FieldKind::dtype, "dtype_e", "DTYPE", 3},
    {FieldKind::coordinate, "coordinate_e", "COORDINATE", 3},
    {FieldKind::scope, "scope_e", "SCOPE", 1},
    {FieldKind::multicast, "multicast_e", "MULTICAST", 2},
    {FieldKind::direction, "direction_e", "DIRECTION", 2},
    {FieldKind::broadcast, "broadcast_e", "BROADCAST", 2},
    {FieldKind::reduce, "reduce_e", "REDUCE", 2},
    {FieldKind::vector_op, "vector_op_e", "VECTOR_OP", 6},
};

std::string opcode_type() {
  std::string out = "  typedef enum logic [7:0] {\n";
  const auto rows = instructions();
  for (std::size_t i = 0; i < rows.size(); ++i)
    out += fmt::format("    OP_{} = 8'h{:02x}{}\n", upper(rows[i].mnemonic), rows[i].opcode,
                       i + 1 < rows.size() ? "," : "");
  return out + "  } opcode_e;\n";
}

std::string enumeration_type(const Enumeration& e) {
  std::string out = fmt::format("\n  typedef enum logic [{}:0] {{\n", e.bits - 1);
  const auto names = enumerators(e.kind);
  for (std::size_t i = 0; i < names.size(); ++i)
    out += fmt::format("    {}_{} = {}'d{}{}\n", e.prefix, upper(names[i]), e.bits, i,
                       i + 1 < names.size() ? "," : "");
  return out + fmt::format("  }} {};\n", e.type);
}

std::string field_constants(const InstructionSpec& spec) {
  if (spec.fields.empty()) return "";
  std::string out = fmt::format("\n  // {}\n", spec.mnemonic);
  for (const FieldSpec& field : spec.fields) {
    const std::string name = upper(spec.mnemonic) + "_" + upper(field.name);
    out += fmt::format("  localparam int unsigned {}_LSB = {};\n  localparam int unsigned {}_BITS = {};\n",
                       name, field.lsb, name, field.bits);
  }
  return out;
}

}  // namespace

std::string systemverilog_package() {
  std::string out =
      "// The instruction encoding for RTL. Generated from isa/instructions.inc by isa/systemverilog.cpp: do "
      "not edit,\n"
      "// run `LETO_RENEW_DOCS=1 test_isa`. A word is logic [127:0]; field F of instruction I is\n"
      "// word[I_F_LSB +: I_F_BITS].\npackage isa_pkg;\n\n";
  out += fmt::format("  localparam logic [63:0] ISA_HASH = 64'h{:016x};\n", isa_hash());
  out += "  localparam int unsigned OPCODE_LSB = 0;\n  localparam int unsigned OPCODE_BITS = 8;\n";
  out += fmt::format(
      "  localparam int unsigned SOURCE_LSB = 8;\n  localparam int unsigned SOURCE_BITS = {};\n\n",
      kSourceBits);
  out += opcode_type();
  for (const Enumeration& e : kEnumerations) out += enumeration_type(e);
  for (const InstructionSpec& spec : instructions()) out += field_constants(spec);
  return out + "\nendpackage\n";
}

}  // namespace leto::isa
