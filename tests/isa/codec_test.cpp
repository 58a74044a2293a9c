#include <doctest/doctest.h>

#include <bit>
#include <map>

#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

std::int64_t random_value(const FieldSpec& field, Random& random) {
  if (const auto names = enumerators(field.kind); !names.empty())
    return random.below(static_cast<std::int64_t>(names.size()));
  if (field.kind == FieldKind::shape) return random.below(kRegisters - kShapeRegisters + 1);
  const auto raw = static_cast<std::int64_t>(random.bits() & ((std::uint64_t{1} << field.bits) - 1));
  return field.kind == FieldKind::sint ? raw - (std::int64_t{1} << (field.bits - 1)) : raw;
}

Instruction random_instruction(const InstructionSpec& spec, Random& random) {
  Instruction i;
  i.opcode = static_cast<Opcode>(spec.opcode);
  i.source = static_cast<std::uint32_t>(random.below(1 << kSourceBits));
  for (std::size_t f = 0; f < spec.fields.size(); ++f) i.field[f] = random_value(spec.fields[f], random);
  return i;
}

// The bits a word of this opcode may use.
Word usable(std::uint8_t opcode) {
  Word mask{0xfffffff, 0};
  const InstructionSpec* spec = spec_of(opcode);
  if (!spec) return mask;
  for (const FieldSpec& field : spec->fields)
    for (int bit = field.lsb; bit < field.lsb + field.bits; ++bit)
      (bit < 64 ? mask.lo : mask.hi) |= std::uint64_t{1} << (bit % 64);
  return mask;
}

}  // namespace

TEST_CASE("decode and the assembler undo encode for random fields of every instruction") {
  Random random{1};
  for (const InstructionSpec& spec : instructions())
    for (int i = 0; i < 500; ++i) {
      const Instruction instruction = random_instruction(spec, random);
      DecodeError error;
      REQUIRE(decode(encode(instruction), &error) == instruction);
      REQUIRE(from_text(to_text(instruction), "t") == instruction);
    }
}

TEST_CASE("a million random words decode to what encodes back, or fail at a named bit") {
  Random random{2};
  std::map<int, int> decoded;
  std::map<std::string, int> errors;
  for (int i = 0; i < 1'000'000; ++i) {
    Word word{random.bits(), random.bits()};
    if (i % 4) {
      const Word mask = usable(static_cast<std::uint8_t>(word.lo));
      word = {word.lo & mask.lo, word.hi & mask.hi};
    }
    DecodeError error{-1, ""};
    if (const auto instruction = decode(word, &error)) {
      ++decoded[static_cast<int>(instruction->opcode)];
      REQUIRE(encode(*instruction) == word);
    } else {
      REQUIRE(error.bit >= 0);
      REQUIRE(error.bit < 128);
      ++errors[error.message.find("opcode") != std::string::npos     ? "opcode"
               : error.message.find("reserved") != std::string::npos ? "reserved"
                                                                     : "range"];
    }
  }
  CHECK(decoded.size() == instructions().size());
  CHECK(errors["opcode"] > 0);
  CHECK(errors["reserved"] > 0);
  CHECK(errors["range"] > 0);
}

TEST_CASE("a set reserved bit is named") {
  Word word = encode(from_text("end", "t"));
  word.hi |= std::uint64_t{1} << 37;
  DecodeError error;
  CHECK_FALSE(decode(word, &error));
  CHECK(error.bit == 64 + 37);
}

TEST_CASE("every row has its own opcode and name, and is found by both") {
  for (const InstructionSpec& spec : instructions()) {
    CHECK(spec_of(spec.opcode) == &spec);
    CHECK(spec_of(spec.mnemonic) == &spec);
  }
  CHECK(spec_of(std::uint8_t{0xff}) == nullptr);
  CHECK(spec_of("nonsense") == nullptr);
}

TEST_CASE("the order of the fields is the layout of the word") {
  const Instruction load =
      from_text("load dst=b1 dst_offset=r1 reserve=1 push=1 address=r1 shape=r1 multicast=row @1", "t");
  // 28: dst 5, offset 6, reserve 1, push 1, address 6, shape 6, multicast 2.
  const std::uint64_t expected = 0x20 | 1u << 8 | 1ull << 28 | 1ull << 33 | 1ull << 39 | 1ull << 40 |
                                 1ull << 41 | 1ull << 47 | 1ull << 53;
  CHECK(encode(load).lo == expected);
  CHECK(encode(load).hi == 0);
}

TEST_CASE("floats of all kinds survive the text") {
  for (std::uint32_t bits :
       {0u, 0x80000000u, 1u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u, 0x3dcccccdu, 0x7f7fffffu}) {
    Instruction i = from_text("vector", "t");
    i.field[vector_t::value] = bits;
    CHECK(from_text(to_text(i), "t") == i);
  }
}

TEST_CASE("assembler mistakes name the place and the field") {
  const auto says = [](std::string_view line, std::string_view part) {
    const Caught error = caught([&] { from_text(line, "f.lasm:7"); });
    CHECK(error.code == ExitCode::illegal_program);
    CHECK(error.says("f.lasm:7"));
    CHECK(error.says(part));
  };
  says("lod dst=b1", "no instruction 'lod'");
  says("load dest=b1", "no field 'dest'");
  says("load dst=r1", "dst=r1");
  says("load dst=b32", "dst cannot hold 32");
  says("load dst=b1 dst=b2", "given twice");
  says("load shape=r59", "shape cannot hold 59");
  says("load reserve=2", "reserve cannot hold 2");
  says("load multicast=both", "multicast=both");
  says("add rd=r1 ra=r64", "ra cannot hold 64");
  says("set rd=r1 value=36028797018963968", "value cannot hold");
  says("end now", "not field=value");
  says("end @1048576", "source id");
  says("vector value=nan(3f800000)", "bad value");
}
