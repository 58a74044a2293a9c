#include "model/twin/lookup_programs.h"

#include <array>
#include <bit>
#include <cmath>

#include "model/twin/rounding_edges.h"

namespace leto::model {
namespace {

using isa::VectorOp;

constexpr std::array<VectorOp, 6> kOps = {VectorOp::exponential, VectorOp::logarithm, VectorOp::tanh,
                                          VectorOp::erf,         VectorOp::sigmoid,   VectorOp::reciprocal};
constexpr std::array<DType, 5> kTypes = {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};

// Where a logarithm and a reciprocal are finite.
void positive(std::uint32_t& x) {
  x &= 0x7fffffff;
  if (x == 0) x = std::bit_cast<std::uint32_t>(1.0f);
}

}  // namespace

LookupRun LookupPrograms::next() {
  LookupRun run;
  const std::size_t op = below(kOps.size());
  run.op = kOps[op];
  run.type = kTypes[below(2) ? 0 : below(kTypes.size())];
  note("operation " + std::to_string(op));
  note("to " + std::string(name_of(run.type)));
  const std::size_t rows = limits_.plain ? 1 : 1 + below(4);
  run.row = static_cast<int>(1 + below(below(4) ? 40 : 200));
  if (run.row % engine_.elements_per_cycle) note("a short beat");
  const bool ties = run.type != DType::fp32 && below(4) == 0;
  const std::size_t kind = limits_.ordinary ? 2 : below(6);
  note(ties ? "beside a tie" : "kind " + std::to_string(kind));
  for (std::size_t i = rows * static_cast<std::size_t>(run.row); i > 0; --i) {
    run.x.push_back(ties ? beside_tie(run.op, run.type) : element(kind == 5 ? below(5) : kind));
    if (limits_.ordinary && (run.op == VectorOp::logarithm || run.op == VectorOp::reciprocal))
      positive(run.x.back());
    run.result.push_back(looked_up(run.op, run.type, run.x.back()));
  }
  time(run, rows);
  run.command = "random command";
  run.operation = kForNone;
  return run;
}

std::uint32_t LookupPrograms::element(std::size_t kind) {
  const auto sign = static_cast<std::uint32_t>(below(2) << 31);
  const auto mantissa = static_cast<std::uint32_t>(random_() & 0x7fffff);
  switch (kind) {
    case 0:  // any bits
      return static_cast<std::uint32_t>(random_());
    case 1:  // of the size that the functions bend at
      return sign | static_cast<std::uint32_t>(120 + below(15)) << 23 | mantissa;
    case 2:  // ordinary numbers
      return std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<int>(below(40001)) - 20000) /
                                          1024.0f);
    case 3: {  // beside the limits of range reductions and choices
      constexpr std::array<float, 9> kEdges = {89.0f, -105.0f,     0.55f,      0.875f,     3.95f,
                                               1.0f,  0.70710678f, 88.722839f, -103.97208f};
      const auto edge = std::bit_cast<std::uint32_t>(kEdges[below(kEdges.size())]);
      return (edge ^ (below(4) ? 0 : sign)) + static_cast<std::uint32_t>(below(9)) - 4;
    }
    default: {
      constexpr std::array<std::uint32_t, 10> kSpecial = {0,          0x80000000, 0x7f800000, 0xff800000,
                                                          0x7fc00000, 0xffc12345, 0x00000001, 0x807fffff,
                                                          0x7f7fffff, 0x00800000};
      return kSpecial[below(kSpecial.size())];
    }
  }
}

// An ordinary number, moved until its function's value passes from one side of a tie to the other: the
// functions rise or fall all along.
std::uint32_t LookupPrograms::beside_tie(VectorOp op, DType type) {
  constexpr std::uint32_t kMost = 1u << 22;
  std::uint32_t from = element(2);
  if (op == VectorOp::logarithm || op == VectorOp::reciprocal) positive(from);
  if (from << 1 == 0) return from;
  const auto value = [&](std::uint32_t x) {
    return std::fabs(std::bit_cast<float>(looked_up(op, DType::fp32, x)));
  };
  std::uint32_t narrow = 0;
  store_element(type, reinterpret_cast<std::byte*>(&narrow), 0, value(from));
  const double tie = tie_behind(type, narrow);
  const auto beyond = [&](std::uint32_t x) { return value(x) > tie; };
  const bool side = beyond(from);
  for (const bool up : {true, false}) {
    const auto moved = [&](std::uint32_t by) { return up ? from + by : from - by; };
    if (beyond(moved(kMost)) == side) continue;
    std::uint32_t near = 0, far = kMost;
    while (far - near > 1) {
      const std::uint32_t middle = (near + far) / 2;
      (beyond(moved(middle)) == side ? near : far) = middle;
    }
    return moved(below(2) ? near : far);
  }
  return from;
}

void LookupPrograms::time(LookupRun& run, std::size_t rows) {
  const std::size_t rate = static_cast<std::size_t>(engine_.elements_per_cycle);
  const std::size_t beats = rows * ((static_cast<std::size_t>(run.row) + rate - 1) / rate);
  Cycle cycles = beats + static_cast<Cycle>(engine_.latency_cycles);
  for (auto* delays : {&run.idle, &run.held}) {
    if (limits_.plain || below(2)) continue;
    note(delays == &run.idle ? "nothing offered" : "not taken");
    const std::size_t often = 2 + below(3);
    for (std::size_t i = beats + below(40); i > 0; --i) {
      delays->push_back(below(often) == 0);
      cycles += delays->back();
    }
  }
  if (!limits_.plain && below(3) == 0) {
    cycles += 1 + below(20);
    note("the local store is late");
  }
  run.start = finish_ + (below(2) ? 0 : 1 + below(30));
  finish_ = run.finish = run.start + cycles;
}

}  // namespace leto::model
