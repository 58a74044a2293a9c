#include "isa/interp.h"

#include <cmath>

#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

constexpr std::uint64_t kA = 4096, kB = 16384, kC = 65536;
constexpr std::int64_t kSize = 64, kDepth = 32;

// C[64,64] = A[64,32] B^T, B as [64 n][32 k], on 2 x 2 PEs: a 32 x 32 block each, k in two steps, A multicast
// along rows.
constexpr std::string_view kGemm = R"(
.name "gemm"
.source "fc" kind="matmul" phase="forward" useful_macs=131072 dtype="bf16"
.core 0
buffer id=b0 base=0 bytes=1024 depth=2      ; 32 rows of 16 bf16
buffer id=b1 base=2048 bytes=1024 depth=2
buffer id=b2 base=4096 bytes=4096 depth=1   ; the fp32 block
barrier scope=pe
where rd=r1 which=row
where rd=r2 which=column
muli rd=r3 ra=r1 value=2048
addi rd=r3 ra=r3 value=4096
muli rd=r4 ra=r2 value=2048
addi rd=r4 ra=r4 value=16384
set rd=r10 value=32
set rd=r11 value=32
set rd=r12 value=64
set rd=r13 value=1
set rd=r15 value=32
set rd=r20 value=2
loop count=r20 length=4
load dst=b0 reserve=1 push=1 address=r3 shape=r10 multicast=row
load dst=b1 reserve=1 push=1 address=r4 shape=r10 multicast=column
addi rd=r3 ra=r3 value=32
addi rd=r4 ra=r4 value=32
muli rd=r5 ra=r1 value=8192
muli rd=r6 ra=r2 value=128
add rd=r5 ra=r5 rb=r6
addi rd=r5 ra=r5 value=65536
set rd=r10 value=128
set rd=r12 value=256
set rd=r15 value=128
store src=b2 wait=1 pop=1 address=r5 shape=r10
end
.core 1
barrier scope=pe
set rd=r10 value=32
set rd=r11 value=32
set rd=r12 value=16
set rd=r13 value=32
set rd=r14 value=32
matmul held=b0 held_wait=1 held_pop=1 stream=b1 stream_wait=1 stream_pop=1 held_type=bf16 stream_type=bf16 first=1 shape=r10
matmul held=b0 held_wait=1 held_pop=1 stream=b1 stream_wait=1 stream_pop=1 held_type=bf16 stream_type=bf16 last=1 shape=r10
set rd=r12 value=128
drain bank=0 dst=b2 reserve=1 push=1 dst_type=fp32 shape=r10
end
)";

// The same with n = 32, k split over the two PEs of a row: the east one passes its sums west.
constexpr std::string_view kSplit = R"(
.core 0
buffer id=b0 base=0 bytes=1024 depth=1
buffer id=b1 base=2048 bytes=1024 depth=1
buffer id=b2 base=4096 bytes=4096 depth=1
barrier scope=pe
where rd=r1 which=row
where rd=r2 which=column
muli rd=r7 ra=r2 value=32
muli rd=r3 ra=r1 value=2048
addi rd=r3 ra=r3 value=4096
add rd=r3 ra=r3 rb=r7
addi rd=r4 ra=r7 value=16384
set rd=r10 value=32
set rd=r11 value=32
set rd=r12 value=64
set rd=r13 value=1
set rd=r15 value=32
load dst=b0 reserve=1 push=1 address=r3 shape=r10
load dst=b1 reserve=1 push=1 address=r4 shape=r10
muli rd=r5 ra=r1 value=4096
addi rd=r5 ra=r5 value=65536
set rd=r8 value=1
sub rd=r8 ra=r8 rb=r2
set rd=r10 value=4096
set rd=r11 value=1
loop count=r8 length=1
store src=b2 wait=1 pop=1 address=r5 shape=r10
end
.core 1
barrier scope=pe
where rd=r2 which=column
set rd=r8 value=1
sub rd=r8 ra=r8 rb=r2
set rd=r10 value=32
set rd=r11 value=32
set rd=r12 value=16
set rd=r13 value=32
set rd=r14 value=32
matmul held=b0 held_wait=1 held_pop=1 stream=b1 stream_wait=1 stream_pop=1 held_type=bf16 stream_type=bf16 first=1 last=1 shape=r10
loop count=r2 length=1
pass bank=0 to=west shape=r10
set rd=r12 value=128
loop count=r8 length=2
merge bank=0 from=east shape=r10
drain bank=0 dst=b2 reserve=1 push=1 dst_type=fp32 shape=r10
end
)";

struct Operands64 {
  std::vector<std::uint16_t> a = std::vector<std::uint16_t>(kSize * kDepth), b = a;
  Memory memory;
  Operands64() {
    Random random{12};
    for (auto* operand : {&a, &b})
      for (std::uint16_t& x : *operand) x = bf16_from_float(random.real());
    memory.write(kA, reinterpret_cast<const std::byte*>(a.data()), a.size() * 2);
    memory.write(kB, reinterpret_cast<const std::byte*>(b.data()), b.size() * 2);
  }
  float chain(std::int64_t i, std::int64_t j, std::int64_t from, std::int64_t to) const {
    float acc = 0;
    for (std::int64_t k = from; k < to; ++k)
      acc = std::fmaf(float_from_bf16(a[static_cast<std::size_t>(i * kDepth + k)]),
                      float_from_bf16(b[static_cast<std::size_t>(j * kDepth + k)]), acc);
    return acc;
  }
};

template <typename T>
T read(const Memory& memory, std::uint64_t address) {
  T value;
  memory.read(address, reinterpret_cast<std::byte*>(&value), sizeof value);
  return value;
}

InterpResult run(std::string_view text, Grid grid, Memory& memory, std::uint64_t order = 0) {
  return interpret(assemble(text, "t"), grid, 65536, 8, memory, order);
}

Caught failing(std::string_view text, Grid grid = {}, std::uint64_t order = 0) {
  Memory memory;
  return caught([&] { run(text, grid, memory, order); });
}

std::string without(std::string text, std::string_view line, int which = 0) {
  std::size_t at = text.find(line);
  for (; which > 0; --which) at = text.find(line, at + 1);
  REQUIRE(at != std::string::npos);
  return text.erase(at, line.size());
}

}  // namespace

TEST_CASE("a GEMM on 2 x 2 PEs is the oracle, in whatever order agents are served") {
  for (std::uint64_t order = 0; order < 12; ++order) {
    Operands64 x;
    const InterpResult result = run(kGemm, {2, 2}, x.memory, order);
    CHECK(result.macs == kSize * kSize * kDepth);
    CHECK(result.commands == 4 * (4 + 1 + 2 + 1));
    for (std::int64_t i = 0; i < kSize; ++i)
      for (std::int64_t j = 0; j < kSize; ++j)
        REQUIRE(same_bits(read<float>(x.memory, kC + static_cast<std::uint64_t>(i * kSize + j) * 4),
                          x.chain(i, j, 0, kDepth)));
  }
}

TEST_CASE("k split over neighbours: theirs + ours, in whatever order agents are served") {
  for (std::uint64_t order = 0; order < 12; ++order) {
    Operands64 x;
    run(kSplit, {2, 2}, x.memory, order);
    for (std::int64_t i = 0; i < kSize; ++i)
      for (std::int64_t j = 0; j < 32; ++j)
        REQUIRE(same_bits(read<float>(x.memory, kC + static_cast<std::uint64_t>(i * 32 + j) * 4),
                          x.chain(i, j, 16, 32) + x.chain(i, j, 0, 16)));
  }
}

TEST_CASE("registers reach memory: every PE stores at the address it computed") {
  // Each PE writes bytes of its tile at 1000 * (row * 10 + column) + 64 * trip, trips from nested loops.
  const std::string text = R"(
.core 0
buffer id=b0 base=0 bytes=4 depth=0
where rd=r1 which=row
where rd=r2 which=column
muli rd=r3 ra=r1 value=10
add rd=r3 ra=r3 rb=r2
muli rd=r3 ra=r3 value=1000
set rd=r10 value=4
set rd=r11 value=1
set rd=r13 value=1
buffer id=b1 base=64 bytes=4 depth=1
barrier scope=pe
set rd=r20 value=3
loop count=r20 length=6
loop count=r11 length=3
loop count=r0 length=1
end
addi rd=r3 ra=r3 value=64
store src=b1 wait=1 pop=1 address=r3 shape=r10
addi rd=r0 ra=r0 value=1
end
.core 1
barrier scope=pe
set rd=r10 value=1
set rd=r11 value=1
set rd=r12 value=4
set rd=r20 value=3
loop count=r20 length=1
vector op=copy dst=b1 reserve=1 push=1 a_mode=immediate value=2.5 shape=r10
end
)";
  Memory memory;
  run(text, {2, 3}, memory);
  for (std::uint64_t row = 0; row < 2; ++row)
    for (std::uint64_t column = 0; column < 3; ++column)
      for (std::uint64_t trip = 0; trip < 5; ++trip)
        CHECK(read<float>(memory, 1000 * (row * 10 + column) + 64 * trip) ==
              (trip >= 1 && trip <= 3 ? 2.5f : 0.0f));
}

TEST_CASE("gather, scatter and a barrier between them") {
  const std::string text = R"(
.core 0
buffer id=b0 base=0 bytes=64 depth=1
buffer id=b1 base=64 bytes=64 depth=1
buffer id=b2 base=128 bytes=64 depth=1
set rd=r10 value=16
set rd=r11 value=1
set rd=r13 value=1
load dst=b0 reserve=1 push=1 address=r0 shape=r10      ; four int32 indices at 0
set rd=r10 value=4
set rd=r11 value=4
set rd=r12 value=4
set rd=r13 value=8
set rd=r15 value=4
set rd=r20 value=4096
set rd=r21 value=8192
gather dst=b1 reserve=1 push=1 index=b0 wait=1 pop=1 index_type=int32 address=r20 shape=r10
set rd=r30 value=16
set rd=r31 value=1
set rd=r33 value=1
load dst=b2 reserve=1 push=1 address=r0 shape=r30
scatter src=b1 wait=1 pop=1 index=b2 index_wait=1 index_pop=1 index_type=int32 address=r21 shape=r10
end
)";
  Memory memory;
  const std::int32_t indices[4] = {7, 1, 7, 0};
  memory.write(0, reinterpret_cast<const std::byte*>(indices), 16);
  for (int i = 0; i < 8; ++i) {
    const float x = static_cast<float>(i + 1);
    memory.write(4096 + static_cast<std::uint64_t>(i) * 4, reinterpret_cast<const std::byte*>(&x), 4);
  }
  run(text, {}, memory);
  CHECK(read<float>(memory, 8192) == 1);
  CHECK(read<float>(memory, 8192 + 4) == 2);
  CHECK(read<float>(memory, 8192 + 8) == 0);
  CHECK(read<float>(memory, 8192 + 28) == 16);
}

TEST_CASE("code that goes wrong is an error with its place") {
  const auto says = [](std::string_view text, std::string_view part) {
    const Caught error = failing(text);
    CHECK(error.code == ExitCode::illegal_program);
    CHECK_MESSAGE(error.says(part), error.text);
    CHECK(error.says("pe 0"));
  };
  says("set rd=r1 value=1", "core 0 pc 1: the core ran off");
  says("set rd=r1 value=1\ndiv rd=r1 ra=r1 rb=r0\nend", "division by 0");
  says("set rd=r1 value=1\nrem rd=r1 ra=r1 rb=r0\nend", "division by 0");
  says("set rd=r1 value=1\nloop count=r1 length=5\nend", "leaves the code");
  says("set rd=r1 value=2\nloop count=r1 length=2\nloop count=r1 length=2\nend\nend",
       "leaves the loop around it");
  std::string nest = "set rd=r1 value=2\n";
  for (int i = 9; i > 0; --i) nest += fmt::format("loop count=r1 length={}\n", i);
  says(nest + "addi rd=r2 ra=r2 value=1\nend", "more than 8 nested loops");
  says("set rd=r1 value=1\npost pe=r1 semaphore=0 count=1\nend", "posts to pe 1");
  says("load dst=b3 shape=r10\nend", "b3 is not defined");
  says(".source \"emb.grad\" kind=\"\" phase=\"\" useful_macs=0 dtype=\"\"\nload dst=b3 shape=r10\nend",
       "(emb.grad)");
}

TEST_CASE("partial sums may not leave the grid") {
  const std::string text = without(std::string(kSplit), "loop count=r2 length=1\n");
  CHECK(failing(text, {2, 2}).says("out of the grid"));
}

TEST_CASE("a deadlock names who waits for what") {
  const auto says = [](std::string_view text, Grid grid, std::initializer_list<std::string_view> parts) {
    for (std::uint64_t order = 0; order < 3; ++order) {
      const Caught error = failing(text, grid, order);
      CHECK(error.code == ExitCode::deadlock);
      for (std::string_view part : parts) CHECK_MESSAGE(error.says(part), error.text);
    }
  };
  std::string starved(kGemm);
  starved.replace(starved.find("rd=r20 value=2"), 14, "rd=r20 value=1");
  says(starved, {2, 2}, {"waits for data in b0", "core 1 pc 7: matmul @0 (fc)"});
  says("wait semaphore=3 count=2\nend", {1, 1}, {"pe 0 core 0 pc 0 wait", "semaphore 3 to reach 2, it is 0"});
  says("barrier scope=all\nend\n.core 1\nbarrier scope=pe\nend", {1, 2},
       {"pe 1 core 1", "barrier scope=pe", "barrier scope=all"});
  says(R"(buffer id=b0 base=0 bytes=64 depth=0
set rd=r10 value=1
set rd=r11 value=1
matmul held_type=bf16 stream_type=bf16 shape=r10
end)",
       {1, 1}, {"bank 0 to be filled"});
}

TEST_CASE("a deadlock through banks and full queues is seen") {
  const std::string text = R"(
buffer id=b0 base=0 bytes=64 depth=0
set rd=r10 value=1
set rd=r11 value=1
set rd=r20 value=70
loop count=r20 length=1
matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 first=1 last=1 shape=r10
end
)";
  const Caught error = failing(text);
  CHECK(error.code == ExitCode::deadlock);
  CHECK(error.says("bank 0 to be free"));
  CHECK(error.says("a place in the full matrix queue"));
}

TEST_CASE("many blocked agents are listed up to a limit") {
  const Caught error = failing("wait semaphore=0 count=1\nend", {4, 4});
  CHECK(error.says("deadlock, 16 wait"));
  CHECK(error.says("pe 7"));
  CHECK_FALSE(error.says("pe 8"));
}

TEST_CASE("defining a buffer while units are busy is an error") {
  const std::string text = R"(
buffer id=b0 base=0 bytes=64 depth=1
set rd=r10 value=4
set rd=r11 value=1
set rd=r13 value=1
load dst=b0 reserve=1 push=1 address=r0 shape=r10
buffer id=b1 base=64 bytes=64 depth=1
end
)";
  CHECK(failing(text).says("defined while units are busy"));
}
