#include "model/twin/matrix_programs.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace leto::model {
namespace {

// The contract itself: a chain of fused multiply-adds in ascending k.
void reference(MatrixRun& run) {
  const auto at = [&](const std::vector<std::uint16_t>& from, DType type, int row, int k) {
    const std::uint16_t bits = from[static_cast<std::size_t>(row * run.k + k)];
    return load_element(type, reinterpret_cast<const std::byte*>(&bits), 0);
  };
  for (int j = 0; j < run.n; ++j)
    for (int i = 0; i < run.m; ++i) {
      float sum = run.first ? 0.0f : run.before[static_cast<std::size_t>(j * run.m + i)];
      for (int k = 0; k < run.k; ++k)
        sum = std::fmaf(at(run.held, run.held_type, i, k), at(run.stream, run.stream_type, j, k), sum);
      run.after.push_back(canonical(sum));
    }
}

}  // namespace

MatrixRun MatrixPrograms::next() {
  MatrixRun run;
  run.held_type = type();
  run.stream_type = limits_.mixes && below(3) == 0 ? type() : run.held_type;
  shape(run);
  if (run.n > 32) note("n above 32");
  if (run.held_type != run.stream_type) note("mixed types");
  note(std::string(name_of(run.held_type)));
  fill(run);
  time(run);
  run.command = fmt::format("random matmul {}", ++commands_);
  run.operation = kForNone;
  if (limits_.keeps_sums) last_ = run;
  return run;
}

// Mostly up to `usual`, and within the limits.
int MatrixPrograms::size(const Extent& extent, int usual) {
  const auto steps = [&](std::int64_t value) { return static_cast<int>(value / extent.step); };
  const int first = steps(extent.least + extent.step - 1), last = steps(extent.most);
  const int most = below(4) ? std::min(last, std::max(first, steps(usual))) : last;
  return static_cast<int>(extent.step) * (first + below(most - first + 1));
}

void MatrixPrograms::shape(MatrixRun& run) {
  run.m = size(limits_.m, below(2) ? 64 : 4);
  run.n = size(limits_.n, 8);
  run.k = size(limits_.k, 24);
  run.first = !limits_.goes_on || below(3) != 0 || (limits_.keeps_sums && last_.after.empty());
  if (run.first || !limits_.keeps_sums) return;
  run.m = last_.m;
  run.n = last_.n;
}

std::uint16_t MatrixPrograms::element(DType type, bool wild) {
  const auto mask = static_cast<std::uint16_t>(size_of(type) == 1 ? 0xff : 0xffff);
  if (zeros_) return static_cast<std::uint16_t>(below(2) << (8 * size_of(type) - 1));  // +0 and -0
  if (wild) return static_cast<std::uint16_t>(random_() & mask);  // any bits: NaN, infinities, subnormals, -0
  // Quarters are normal in every type.
  const float x = limits_.ordinary ? static_cast<float>(below(65) - 32) / 4.0f
                                   : static_cast<float>(below(2001) - 1000) / 256.0f;
  std::uint16_t bits = 0;
  store_element(type, reinterpret_cast<std::byte*>(&bits), 0, x);
  return bits;
}

// The first product is some 2^14, and half a unit of its last place is 2^-10, as the further products are, or
// nearly.
std::uint16_t MatrixPrograms::tie(DType type, int k) {
  const auto bits = [&](float x) {
    std::uint16_t all = 0;
    store_element(type, reinterpret_cast<std::byte*>(&all), 0, x);
    return int{all};
  };
  const int magnitude =
      k == 0 ? bits(0x1p7f) + below(bits(0x1p8f) - bits(0x1p7f)) : bits(0x1p-5f) + below(3) - 1;
  return static_cast<std::uint16_t>(magnitude | below(2) << (8 * size_of(type) - 1));
}

// With a bf16 operand, which alone has the range: products of some 2^-140, whose bits fp32 has no room for.
std::uint16_t MatrixPrograms::small(DType type, DType other) {
  if (type != DType::bf16) return element(type, false);
  const int exponent = other == DType::bf16 ? 54 + below(6) : 0;
  return static_cast<std::uint16_t>(below(2) << 15 | exponent << 7 | below(128));
}

void MatrixPrograms::fill(MatrixRun& run) {
  const int kind = limits_.ordinary ? (below(4) ? 7 : 3) : below(8);
  const auto wild = [&] { return kind == 0 || (kind == 1 && below(16) == 0); };
  zeros_ = kind == 2;
  if (zeros_) note("signed zeros");
  if (kind < 2) note("any bits");
  const bool ties = kind == 3;
  if (ties) note("sums that tie");
  const bool subnormal = kind == 4 && (run.held_type == DType::bf16 || run.stream_type == DType::bf16);
  if (subnormal) note("subnormal sums");
  const auto operand = [&](DType type, DType other, int i) {
    return ties ? tie(type, i % run.k) : subnormal ? small(type, other) : element(type, wild());
  };
  for (int i = 0; i < run.m * run.k; ++i) run.held.push_back(operand(run.held_type, run.stream_type, i));
  for (int i = 0; i < run.n * run.k; ++i) run.stream.push_back(operand(run.stream_type, run.held_type, i));
  if (!run.first) {
    note("goes on");
    for (int i = 0; i < run.m * run.n; ++i)
      run.before.push_back(limits_.keeps_sums ? last_.after[static_cast<std::size_t>(i)]
                           : ties      ? std::ldexp(1.0f + static_cast<float>(below(1 << 23)) * 0x1p-23f, 14)
                           : subnormal ? std::bit_cast<float>(below(1 << 20))
                           : wild()    ? std::bit_cast<float>(static_cast<std::uint32_t>(random_()))
                                       : float_from_bf16(element(DType::bf16, false)));
  }
  reference(run);
}

// When it starts and ends is the model's to say.
void MatrixPrograms::time(MatrixRun& run) {
  isa::Command matmul;
  matmul.opcode = isa::Opcode::matmul;
  matmul.shape = {run.m, run.n, run.k, 0, 0, 0};
  matmul.value[isa::matmul_t::held_type] = static_cast<std::int64_t>(run.held_type);
  matmul.value[isa::matmul_t::stream_type] = static_cast<std::int64_t>(run.stream_type);
  const bool gap = below(3) == 0 || limits_.apart;
  run.start = finish_ + (gap ? 1 + static_cast<Cycle>(below(50)) : 0);
  run.held_ready = limits_.apart ? run.start : run.start - std::min(run.start, static_cast<Cycle>(below(60)));
  if (!limits_.apart && below(3) == 0) run.stall = static_cast<Cycle>(1 + below(40));
  const Cycle cycles = engine_.work(matmul, run.start, run.held_ready).cycles;
  run.finish = run.start + cycles + run.stall;
  engine_.started(matmul, run.start, run.finish);
  note(gap ? "after a gap" : "follows");
  if (!gap && run.held_ready + 32 > run.start) note("load shows");
  if (run.stall) note("stalled");
  const int lanes =
      config_.double_rate_8bit && size_of(run.held_type) == 1 ? config_.inner_bytes : config_.inner_bytes / 2;
  if (run.k > lanes) note("several blocks");
  if (run.stall && below(2)) {
    run.stall_block = below((run.k + lanes - 1) / lanes);
    run.stall_vector = below(run.n);
    note("stalled anywhere");
  }
  finish_ = run.finish;
}

}  // namespace leto::model
