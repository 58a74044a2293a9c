// Random programs on the chip: the interpreter's bits and counts, and the same cycles however the run is set
// up.
#include <doctest/doctest.h>

#include <set>

#include "tests/model/helpers.h"
#include "tests/property/random_program.h"

namespace leto::property {
namespace {

using model::test::Outcome;
using model::test::Setup;

/// Small numbers of both signs that are finite in every float type; indices below 64 in the upper half.
void fill(isa::Memory& memory) {
  constexpr std::int64_t kHalf = RandomProgram::kSource / 2;
  std::vector<std::uint16_t> numbers(kHalf / 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto bits = random_bits(1, 0, i);
    numbers[i] = static_cast<std::uint16_t>((bits & 0x8000) | (0x3d00 + bits % 0x400));  // bf16, 1/32 to 128
  }
  memory.write(0, reinterpret_cast<const std::byte*>(numbers.data()), kHalf);
  std::vector<std::int64_t> indices(kHalf / 8);
  for (std::size_t i = 0; i < indices.size(); ++i)
    indices[i] = static_cast<std::int64_t>(random_bits(1, 1, i) % 64);
  memory.write(kHalf, reinterpret_cast<const std::byte*>(indices.data()), kHalf);
}

Setup setup(bool values, std::uint64_t construction_seed) {
  Setup setup;
  setup.options.values = values;
  setup.options.construction_seed = construction_seed;
  setup.fill = fill;
  setup.output = {RandomProgram::kSource,
                  static_cast<std::size_t>(RandomProgram::memory_bytes() - RandomProgram::kSource)};
  return setup;
}

Outcome run(const isa::Program& program, bool values, std::uint64_t construction_seed) {
  auto outcome = model::test::run(program, setup(values, construction_seed));
  REQUIRE_MESSAGE(outcome.code == 0, outcome.error);
  outcome.number.erase("kernel_switches");  // host work, not time
  return outcome;
}

/// True when the program left anything but zeros.
bool check_program(std::uint64_t seed) {
  CAPTURE(seed);
  const auto program = isa::assemble(RandomProgram(seed).text(), "random");
  const auto golden = model::test::golden(program, setup(true, 0));
  const auto first = run(program, true, 0);
  CHECK(first.output == golden.output);
  CHECK(first["commands"] == golden["commands"]);
  CHECK(first["macs"] == golden["macs"]);
  CHECK(run(program, true, 0).number == first.number);
  CHECK(run(program, false, 0).number == first.number);
  const auto permuted = run(program, true, seed + 1);
  CHECK(permuted.number == first.number);
  CHECK(permuted.output == first.output);
  return first.output.find_first_not_of('0') != std::string::npos;
}

/// A program may end in zeros, a maximum with zero of negative numbers say; few do.
void check_programs(std::uint64_t first, std::uint64_t last) {
  std::uint64_t telling = 0;
  for (std::uint64_t seed = first; seed < last; ++seed) telling += check_program(seed) ? 1 : 0;
  CHECK(telling * 100 >= (last - first) * 99);
}

}  // namespace

TEST_CASE("random programs: every instruction and every vector operation is drawn") {
  std::set<isa::Opcode> opcodes;
  std::set<std::int64_t> operations;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto program = isa::assemble(RandomProgram(seed).text(), "random");
    for (const auto& code : program.code)
      for (const auto& instruction : code) {
        opcodes.insert(instruction.opcode);
        if (instruction.opcode == isa::Opcode::vector)
          operations.insert(instruction.field[isa::vector_t::op]);
      }
  }
  CHECK(opcodes.size() == isa::instructions().size());
  CHECK(operations.size() == isa::enumerators(isa::FieldKind::vector_op).size());
}

TEST_CASE("random programs: the interpreter's bits and counts, the same cycles always") {
  check_programs(0, 24);
}

TEST_SUITE("slow") {
  TEST_CASE("random programs: a thousand more") {
    check_programs(1000, 2000);
  }

  TEST_CASE("random programs: another thousand") {
    check_programs(2000, 3000);
  }
}

}  // namespace leto::property
