#include "isa/core.h"
#include "isa/liveness.h"

#include "isa/program.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

// The registers after a program of scalar instructions.
std::vector<std::int64_t> registers_after(std::string_view text, Place place = {}) {
  const Program program = assemble(text, "t");
  Core core(program.code[0], 0, place);
  while (!core.ended()) core.execute_scalar();
  return {core.registers().begin(), core.registers().end()};
}

}  // namespace

TEST_CASE("scalar arithmetic, floor division included") {
  const auto r = registers_after(R"(
set rd=r1 value=-7
set rd=r2 value=2
div rd=r3 ra=r1 rb=r2
rem rd=r4 ra=r1 rb=r2
min rd=r5 ra=r1 rb=r2
max rd=r6 ra=r1 rb=r2
mul rd=r7 ra=r5 rb=r6
sub rd=r8 ra=r1 rb=r2
muli rd=r9 ra=r8 value=-3
add rd=r10 ra=r9 rb=r1
addi rd=r0 ra=r2 value=5
end)");
  CHECK(r[3] == -4);
  CHECK(r[4] == 1);
  CHECK(r[5] == -7);
  CHECK(r[6] == 2);
  CHECK(r[7] == -14);
  CHECK(r[8] == -9);
  CHECK(r[9] == 27);
  CHECK(r[10] == 20);
  CHECK(r[0] == 0);
}

TEST_CASE("registers wrap around at 64 bits") {
  const auto r = registers_after(R"(
set rd=r1 value=4294967296
mul rd=r2 ra=r1 rb=r1
muli rd=r3 ra=r1 value=2147483648
add rd=r4 ra=r3 rb=r3
sub rd=r5 ra=r3 rb=r1
end)");
  CHECK(r[2] == 0);
  CHECK(r[3] == std::numeric_limits<std::int64_t>::min());
  CHECK(r[4] == 0);
  CHECK(r[5] == std::numeric_limits<std::int64_t>::max() - 4294967295);
}

TEST_CASE("loops nest, end together, and skip when the count is not positive") {
  const auto r = registers_after(R"(
set rd=r1 value=-1
set rd=r2 value=2
set rd=r3 value=3
loop count=r3 length=5
addi rd=r9 ra=r9 value=1
loop count=r2 length=1
addi rd=r9 ra=r9 value=10
loop count=r1 length=1
addi rd=r9 ra=r9 value=1000
loop count=r2 length=2
loop count=r3 length=1
addi rd=r10 ra=r10 value=1
loop count=r3 length=0
loop count=r0 length=1
end
end)");
  CHECK(r[9] == 3 * (1 + 2 * 10));
  CHECK(r[10] == 6);
}

TEST_CASE("eight loops nest") {
  std::string text = "set rd=r1 value=2\n";
  for (int i = 8; i > 0; --i) text += fmt::format("loop count=r1 length={}\n", i);
  CHECK(registers_after(text + "addi rd=r2 ra=r2 value=1\nend")[2] == 256);
}

TEST_CASE("a core knows its place") {
  const auto r = registers_after(R"(
where rd=r1 which=row
where rd=r2 which=column
where rd=r3 which=index
where rd=r4 which=rows
where rd=r5 which=columns
where rd=r6 which=count
end)",
                                 {3, 4, 12, 6});
  CHECK(std::vector(r.begin() + 1, r.begin() + 7) == std::vector<std::int64_t>{3, 4, 22, 12, 6, 72});
}

TEST_CASE("a core without code has ended") {
  CHECK(Core({}, 1, {}).ended());
}

TEST_CASE("registers and shape are read when the command issues") {
  std::array<std::int64_t, kRegisters> registers{};
  for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = static_cast<std::int64_t>(100 + i);
  const Command c =
      capture(from_text("load dst=b7 dst_offset=r3 push=1 address=r9 shape=r20 multicast=column @9", "t"),
              registers, 1, 5);
  CHECK(c[load_t::dst] == 7);
  CHECK(c[load_t::dst_offset] == 103);
  CHECK(c[load_t::address] == 109);
  CHECK(c.shape == std::array<std::int64_t, 6>{120, 121, 122, 123, 124, 125});
  CHECK(describe(c) == "core 1 pc 5: load @9");
}

TEST_CASE("a loop may execute 2^36 instructions and no more, the loops around it counted") {
  const auto entered = [](std::int64_t outer, std::int64_t inner) {
    const Program program = assemble(fmt::format("set rd=r1 value={}\n"
                                                 "set rd=r2 value={}\n"
                                                 "loop count=r1 length=3\n"
                                                 "loop count=r2 length=2\n"
                                                 "addi rd=r3 ra=r3 value=1\n"
                                                 "addi rd=r3 ra=r3 value=1\n"
                                                 "end\n",
                                                 outer, inner),
                                     "t");
    Core core(program.code[0], 0, {});
    for (int i = 0; i < 4; ++i) core.execute_scalar();
    return core.pc();
  };
  constexpr std::int64_t kHalf = kMostInstructions / 2;
  CHECK(entered(1 << 20, kHalf >> 20) == 4);
  CHECK(caught([&] { entered(1 << 20, (kHalf >> 20) + 1); }).code == ExitCode::illegal_program);
  CHECK(caught([&] { entered(kMostInstructions / 3 + 1, 0); }).code == ExitCode::illegal_program);
  CHECK(caught([&] { entered(2, std::int64_t{1} << 46); }).code == ExitCode::illegal_program);
}

TEST_CASE("a loop steps the source ids of its body from trip to trip") {
  const Program program = assemble(R"(
.source "a" kind="" phase="" useful_macs=0 dtype=""
.source "b" kind="" phase="" useful_macs=0 dtype=""
.source "c" kind="" phase="" useful_macs=0 dtype=""
.source "d" kind="" phase="" useful_macs=0 dtype=""
.source "e" kind="" phase="" useful_macs=0 dtype=""
.source "f" kind="" phase="" useful_macs=0 dtype=""
.core 0
set rd=r1 value=2
loop count=r1 length=4 step=2
buffer id=b0 base=0 bytes=16 depth=1 @1
loop count=r1 length=1 step=1
buffer id=b0 base=0 bytes=16 depth=1 @2
addi rd=r2 ra=r2 value=1
buffer id=b0 base=0 bytes=16 depth=1 @5
end)",
                                   "t");
  std::vector<std::uint32_t> sources;
  Core core(program.code[0], 0, {}, program.source_ids());
  while (!core.ended()) {
    if (core.unit() == Unit::core) {
      core.execute_scalar();
      continue;
    }
    CHECK(core.capture_current().source == core.source());
    sources.push_back(core.source());
    core.advance();
  }
  CHECK(sources == std::vector<std::uint32_t>{1, 2, 3, 3, 4, 5, 5});
}

TEST_CASE("a loop that steps beyond the source map is refused when it is entered") {
  const Program program = assemble(R"(
.source "a" kind="" phase="" useful_macs=0 dtype=""
.source "b" kind="" phase="" useful_macs=0 dtype=""
.core 0
set rd=r1 value=3
loop count=r1 length=1 step=1
addi rd=r2 ra=r2 value=1
end)",
                                   "t");
  Core core(program.code[0], 0, {}, program.source_ids());
  core.execute_scalar();
  CHECK_THROWS_WITH(core.execute_scalar(), doctest::Contains("beyond the 2 there are"));
}

TEST_CASE("liveness: what a trip leaves to the next one, seen from inside the body") {
  const Program p = assemble(
      ".name \"live\"\n.chip \"tiny\"\n.core 0\n"
      "set rd=r1 value=4\nloop count=r1 length=6\n"
      "addi rd=r2 ra=r2 value=64\n"  // 2: r2 from the trip before
      "add rd=r3 ra=r2 rb=r9\n"      // 3: r9 from before the loop, r3 anew
      "loop count=r8 length=1\n"     // 4
      "set rd=r4 value=1\n"          // 5: perhaps never
      "add rd=r5 ra=r3 rb=r4\n"      // 6: so r4 may come from the trip before
      "set rd=r6 value=2\nend\n",    // 7: never read
      "test");
  const auto live = [&](std::uint32_t pc) { return live_registers(p.code[0], 2, 8, pc); };
  const auto bits = [](std::initializer_list<int> registers) {
    std::uint64_t set = 0;
    for (const int r : registers) set |= std::uint64_t{1} << r;
    return set;
  };
  CHECK(live(2) == bits({2, 4, 8, 9}));
  CHECK(live(6) == bits({2, 3, 4, 8, 9}));
}
