// The assembler's line: `load dst=b3 dst_offset=r0 reserve=1 … multicast=row @17`.
#include <algorithm>
#include <bit>
#include <charconv>

#include <fmt/format.h>

#include "base/errors.h"
#include "isa/instruction.h"

namespace leto::isa {
namespace {

bool is_register(FieldKind kind) {
  return kind == FieldKind::dest || kind == FieldKind::reg || kind == FieldKind::shape;
}

// Shortest decimal that reads back to the same bits; a NaN is written as its bits, since decimal cannot tell
// them apart.
std::string float_text(std::int64_t bits) {
  const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return value == value ? fmt::format("{}", value)
                        : fmt::format("nan({:08x})", static_cast<std::uint32_t>(bits));
}

std::string field_text(const FieldSpec& field, std::int64_t value) {
  const auto names = enumerators(field.kind);
  if (!names.empty() && value >= 0 && value < static_cast<std::int64_t>(names.size()))
    return std::string(names[static_cast<std::size_t>(value)]);
  if (is_register(field.kind)) return fmt::format("r{}", value);
  if (field.kind == FieldKind::buffer) return fmt::format("b{}", value);
  if (field.kind == FieldKind::f32) return float_text(value);
  return fmt::format("{}", value);
}

template <typename T, typename... Base>
std::optional<T> number(std::string_view text, Base... base) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> prefixed(std::string_view text, char prefix) {
  if (text.size() < 2 || text[0] != prefix || text[1] == '-') return std::nullopt;
  return number<std::int64_t>(text.substr(1));
}

std::optional<std::int64_t> parse_float(std::string_view text) {
  if (text.starts_with("nan(") && text.ends_with(")")) {
    const auto bits = number<std::uint32_t>(text.substr(4, text.size() - 5), 16);
    if (!bits) return std::nullopt;
    const float value = std::bit_cast<float>(*bits);
    return value == value ? std::nullopt : std::optional<std::int64_t>(*bits);
  }
  const auto value = number<float>(text);
  if (!value || *value != *value) return std::nullopt;
  return std::bit_cast<std::uint32_t>(*value);
}

std::optional<std::int64_t> parse_value(const FieldSpec& field, std::string_view text) {
  const auto names = enumerators(field.kind);
  if (!names.empty()) {
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return std::nullopt;
    return found - names.begin();
  }
  if (is_register(field.kind)) return prefixed(text, 'r');
  if (field.kind == FieldKind::buffer) return prefixed(text, 'b');
  if (field.kind == FieldKind::f32) return parse_float(text);
  return number<std::int64_t>(text);
}

std::string expected(const FieldSpec& field) {
  const auto names = enumerators(field.kind);
  if (!names.empty()) return fmt::format("one of {}", fmt::join(names, ", "));
  if (is_register(field.kind)) return "a register, r0 to r63";
  if (field.kind == FieldKind::buffer) return "a buffer, b0 to b31";
  return field.kind == FieldKind::f32 ? "a number" : "an integer";
}

// One line being parsed: hands out blank-separated words and knows its place for messages.
class Line {
 public:
  Line(std::string_view text, std::string_view where)
      : rest_(text.substr(0, text.find(';'))), where_(where) {}

  std::string_view word() {
    constexpr std::string_view kBlank = " \t\r";
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size()));
    const std::string_view word = rest_.substr(0, rest_.find_first_of(kBlank));
    rest_.remove_prefix(word.size());
    return word;
  }
  [[noreturn]] void fail(const std::string& cause, const std::string& remedy) const {
    throw Error(ExitCode::illegal_program, fmt::format("{}: {}", where_, cause), remedy);
  }

 private:
  std::string_view rest_, where_;
};

std::size_t field_index(const Line& line, const InstructionSpec& spec, std::string_view name) {
  const auto found = std::ranges::find(spec.fields, name, &FieldSpec::name);
  if (found != spec.fields.end()) return static_cast<std::size_t>(found - spec.fields.begin());
  std::vector<std::string_view> names;
  for (const FieldSpec& field : spec.fields) names.push_back(field.name);
  line.fail(fmt::format("{} has no field '{}'", spec.mnemonic, name),
            names.empty() ? "remove it: the instruction has no fields"
                          : fmt::format("its fields are {}", fmt::join(names, ", ")));
}

void parse_source(const Line& line, std::string_view word, Instruction& out) {
  const auto source = number<std::uint32_t>(word.substr(1));
  if (!source) line.fail(fmt::format("bad source id '{}'", word), "write @N, N a number");
  out.source = *source;
}

void parse_field(const Line& line, const InstructionSpec& spec, std::string_view word, Instruction& out,
                 std::uint32_t& seen) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos)
    line.fail(fmt::format("'{}' is not field=value", word), "write name=value, or @N for the source id");
  const std::size_t index = field_index(line, spec, word.substr(0, equals));
  const FieldSpec& field = spec.fields[index];
  if (seen >> index & 1) line.fail(fmt::format("field {} is given twice", field.name), "keep one of them");
  seen |= 1u << index;
  const auto value = parse_value(field, word.substr(equals + 1));
  if (!value) line.fail(fmt::format("{}: bad value in '{}'", spec.mnemonic, word), "give " + expected(field));
  out.field[index] = *value;
}

}  // namespace

std::string to_text(const Instruction& instruction) {
  const InstructionSpec& spec = spec_of(instruction.opcode);
  std::string text(spec.mnemonic);
  for (std::size_t i = 0; i < spec.fields.size(); ++i)
    text += fmt::format(" {}={}", spec.fields[i].name, field_text(spec.fields[i], instruction.field[i]));
  return text + fmt::format(" @{}", instruction.source);
}

Instruction from_text(std::string_view text, std::string_view where) {
  Line line(text, where);
  const std::string_view mnemonic = line.word();
  const InstructionSpec* spec = spec_of(mnemonic);
  if (!spec) line.fail(fmt::format("no instruction '{}'", mnemonic), "docs/isa.md lists the instructions");
  Instruction out;
  out.opcode = static_cast<Opcode>(spec->opcode);
  std::uint32_t seen = 0;
  for (std::string_view word = line.word(); !word.empty(); word = line.word()) {
    if (word[0] == '@')
      parse_source(line, word, out);
    else
      parse_field(line, *spec, word, out, seen);
  }
  try {
    encode(out);
  } catch (const Error& error) {
    line.fail(error.what(), error.remedy());
  }
  return out;
}

}  // namespace leto::isa
