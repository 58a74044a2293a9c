#include <chrono>
#include <cmath>
#include <limits>

#include "isa/ops/matmul_kernel.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

// Random operand bytes: every bit pattern, so NaN, infinities and subnormals come along; `tame` keeps them
// finite.
void fill_operand(std::byte* to, DType type, std::int64_t n, Random& random, bool tame) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (tame) {
      store_element(type, to, i, random.real());
    } else {
      const std::uint64_t bits = random.bits();
      std::memcpy(to + i * size_of(type), &bits, static_cast<std::size_t>(size_of(type)));
    }
  }
}

struct Problem {
  std::int64_t m, n, k;
  DType held, stream;
  bool tame;
};

float chain(const Bench&, const std::byte* held, const std::byte* stream, const Problem& p, float acc) {
  for (std::int64_t k = 0; k < p.k; ++k)
    acc = std::fmaf(load_element(p.held, held, k), load_element(p.stream, stream, k), acc);
  return canonical(acc);
}

float accumulator(Bench& b, const Problem& p, std::int64_t i, std::int64_t j) {
  return b.pe.accumulators(static_cast<int>(i / 32 * ((p.n + 31) / 32) + j / 32))[i % 32 * 32 + j % 32];
}

Command matmul(const Problem& p, std::int64_t held_pitch, std::int64_t stream_pitch, std::string_view flags) {
  return command(fmt::format("matmul held=b0 stream=b1 held_type={} stream_type={} {} shape=r10",
                             name_of(p.held), name_of(p.stream), flags),
                 {p.m, p.n, p.k, held_pitch, stream_pitch, 0});
}

void check_against_chain(const Problem& p, Random& random) {
  Bench b;
  const std::int64_t held_pitch = p.k * size_of(p.held) + 3, stream_pitch = p.k * size_of(p.stream) + 1;
  b.define(0, 0, 1 << 15, 0);
  b.define(1, 1 << 15, 1 << 15, 0);
  for (std::int64_t i = 0; i < p.m; ++i)
    fill_operand(b.bytes(0, 1 << 15) + i * held_pitch, p.held, p.k, random, p.tame);
  for (std::int64_t j = 0; j < p.n; ++j)
    fill_operand(b.bytes(1, 1 << 15) + j * stream_pitch, p.stream, p.k, random, p.tame);
  b.run(matmul(p, held_pitch, stream_pitch, "first=1"));
  b.run(matmul(p, held_pitch, stream_pitch, "last=1"));
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      const std::byte* held = b.bytes(0, 1) + i * held_pitch;
      const std::byte* stream = b.bytes(1, 1) + j * stream_pitch;
      const float expected = chain(b, held, stream, p, chain(b, held, stream, p, 0.0f));
      REQUIRE_MESSAGE(same_bits(accumulator(b, p, i, j), expected), i, ",", j);
    }
}

}  // namespace

TEST_CASE("matmul is the scalar chain of fused multiply-adds, bit for bit") {
  constexpr DType kTypes[] = {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};
  Random random{3};
  for (int i = 0; i < 60; ++i) {
    const Problem p{1 + random.below(64),    1 + random.below(64),    random.below(100),
                    kTypes[random.below(4)], kTypes[random.below(4)], i % 3 != 0};
    check_against_chain(p, random);
  }
  check_against_chain({4, 20, 700, DType::bf16, DType::bf16, true}, random);
}

TEST_CASE("the wide and the portable kernel give the same bits") {
  if (best_path() != Path::wide) return;
  Random random{4};
  std::vector<float> held(4 * 50), stream(50 * ops::kLanes);
  for (float& x : held) x = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
  for (float& x : stream) x = random.real();
  for (int rows = 1; rows <= ops::kRows; ++rows) {
    std::vector<float> x(4 * 32, 0.5f), y = x;
    ops::multiply_block({held.data(), 50, stream.data(), x.data(), 32, rows, 50}, Path::wide);
    ops::multiply_block({held.data(), 50, stream.data(), y.data(), 32, rows, 50}, Path::portable);
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(same_bits(canonical(x[i]), canonical(y[i])));
  }
}

TEST_CASE("fill, go on, merge, pass and drain keep every bit") {
  Bench b;
  Random random{5};
  const Problem p{40, 35, 9, DType::bf16, DType::bf16, true};
  b.define(0, 0, 2048, 0);
  b.define(1, 2048, 2048, 0);
  b.define(2, 8192, 40 * 144, 1);
  b.define(3, 16384, 40 * 80, 1);
  fill_operand(b.bytes(0, 720), DType::bf16, 360, random, true);
  fill_operand(b.bytes(1, 630), DType::bf16, 315, random, true);
  std::vector<float> start(40 * 36);
  for (float& x : start) x = random.real();
  b.memory.write(0, reinterpret_cast<const std::byte*>(start.data()), start.size() * 4);
  b.run(command("load dst=b2 reserve=1 push=1 address=r20 shape=r10", {40 * 144, 1, 0, 1, 0, 0}, {0}));
  b.run(command("fill bank=0 src=b2 wait=1 pop=1 shape=r10", {40, 35, 144, 0, 0, 0}));
  b.run(matmul(p, 18, 18, "last=1"));
  Partials theirs{std::vector<float>(40 * 35), 40, 35};
  for (float& x : theirs.values) x = random.real();
  b.run(command("merge bank=0 from=north shape=r10", {40, 35, 0, 0, 0, 0}), &theirs);
  b.run(command("drain bank=0 dst=b3 reserve=1 push=1 dst_type=bf16 shape=r10", {40, 35, 80, 0, 0, 0}));
  for (std::int64_t i = 0; i < 40; ++i)
    for (std::int64_t j = 0; j < 35; ++j) {
      const float ours = chain(b, b.bytes(0, 1) + i * 18, b.bytes(1, 1) + j * 18, p,
                               start[static_cast<std::size_t>(i * 36 + j)]);
      const float sum = theirs.values[static_cast<std::size_t>(i * 35 + j)] + ours;
      REQUIRE(b.as<std::uint16_t>(3, 40 * 40)[i * 40 + j] == bf16_from_float(sum));
    }
}

TEST_CASE("a merge of another shape than the pass is an error") {
  Bench b;
  b.define(0, 0, 64, 0);
  b.run(command("matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 first=1 last=1 shape=r10",
                {2, 2, 1, 2, 2, 0}));
  const Partials theirs{std::vector<float>(2), 2, 1};
  CHECK(caught([&] {
          b.run(command("merge bank=0 shape=r10", {2, 2, 0, 0, 0, 0}), &theirs);
        }).says("merges 2 x 2 partial sums"));
}

TEST_CASE("matmul speed" * doctest::description("printed, not asserted")) {
  Bench b;
  Random random{6};
  b.define(0, 0, 1 << 14, 0);
  b.define(1, 1 << 14, 1 << 15, 0);
  fill_operand(b.bytes(0, 1 << 14), DType::bf16, 1 << 13, random, true);
  fill_operand(b.bytes(1, 1 << 15), DType::bf16, 1 << 14, random, true);
  const Problem p{64, 128, 128, DType::bf16, DType::bf16, true};
  Command c = matmul(p, 256, 256, "first=1 last=1");
  b.pe.begin(c);
  constexpr int kTimes = 1000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) execute(c, b.pe, b.memory, nullptr, nullptr);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  MESSAGE("64 x 128 x 128 bf16: ", static_cast<double>(macs_of(c)) * kTimes / seconds.count() / 1e9,
          " G MAC/s");
}
