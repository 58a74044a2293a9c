#include "model/twin/reduction_programs.h"

#include <array>
#include <bit>

#include "model/twin/rounding_edges.h"

namespace leto::model {
namespace {

using isa::Opcode;

constexpr std::array<Opcode, 4> kOps = {Opcode::drain, Opcode::fill, Opcode::pass, Opcode::merge};
constexpr std::array<DType, 5> kTypes = {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};

std::string op_name(Opcode op) {
  return op == Opcode::drain ? "drain" : op == Opcode::fill ? "fill" : op == Opcode::pass ? "pass" : "merge";
}

}  // namespace

ReductionRun ReductionPrograms::next() {
  ReductionRun run;
  run.op = kOps[below(4)];
  if (run.op == Opcode::drain) run.type = kTypes[below(5)];
  m_ = 1 + static_cast<int>(below(below(3) ? 20 : 64));
  n_ = 1 + static_cast<int>(below(below(3) ? 20 : 64));
  run.count = m_ * n_;
  note(op_name(run.op));
  if (run.op == Opcode::drain) note("to " + std::string(name_of(run.type)));
  if (run.count % config_.elements_per_cycle) note("a short beat");
  run.command = fmt::format("random {} {}", op_name(run.op), ++commands_);
  run.operation = kForNone;
  fill(run);
  time(run);
  return run;
}

// Any bits, numbers near the edges of the narrow types, ordinary ones, halves that tie, special ones, and
// those beside a rounding.
std::uint32_t ReductionPrograms::element(std::size_t kind, DType type) {
  switch (kind) {
    case 0:
      return static_cast<std::uint32_t>(random_());
    case 1: {  // around where fp16 and fp8 underflow and overflow
      const auto exponent = static_cast<std::uint32_t>(95 + below(60));
      return static_cast<std::uint32_t>(below(2) << 31) | exponent << 23 |
             static_cast<std::uint32_t>(random_() & (below(2) ? 0x7fffff : 0x700000));
    }
    case 2:
      return std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<int>(below(4001)) - 2000) / 64.0f);
    case 3:  // ties: only a few bits below the narrow types' last place
      return std::bit_cast<std::uint32_t>(1.0f + static_cast<float>(below(4096)) / 4096.0f);
    case 5: {
      const DType narrow = type == DType::fp32 ? kTypes[1 + below(kTypes.size() - 1)] : type;
      const RoundingEdge edge = rounding_edge(random_, narrow, ordinary_);
      if (type == DType::fp32) return edge.bits;
      ++edges[fmt::format("{}: {} {}", name_of(type), kRoundingSides[static_cast<std::size_t>(edge.side)],
                          kRoundingPlaces[static_cast<std::size_t>(edge.place)])];
      return edge.bits;
    }
    default: {
      constexpr std::array<std::uint32_t, 12> kSpecial = {0,          0x80000000, 0x7f800000, 0xff800000,
                                                          0x7fc00000, 0xffc12345, 0x00000001, 0x807fffff,
                                                          0x7f7fffff, 0x43e00000, 0x477fe000, 0x47800000};
      return kSpecial[below(kSpecial.size())];
    }
  }
}

std::vector<std::uint32_t> ReductionPrograms::elements(int count, DType type) {
  const bool edges = below(ordinary_ ? 2 : 4) == 0;
  const std::size_t kind = edges ? 5 : ordinary_ ? 2 : below(7);
  note("kind " + std::to_string(kind));
  std::vector<std::uint32_t> all;
  for (int i = 0; i < count; ++i) all.push_back(element(kind == 6 ? below(6) : kind, type));
  return all;
}

void ReductionPrograms::add_terms(ReductionRun& run) {
  note("sums that tie");
  for (int i = 0; i < run.count; ++i) {
    const auto [bank, incoming] = rounding_terms(random_, ordinary_);
    run.banks.push_back(bank);
    run.incoming.push_back(incoming);
  }
}

// The contract itself: the conversions of base/dtypes.h, one fp32 addition.
void ReductionPrograms::fill(ReductionRun& run) {
  if (run.op == Opcode::merge && below(4) == 0) {
    add_terms(run);
  } else {
    if (run.op != Opcode::fill) run.banks = elements(run.count, run.type);
    if (run.op == Opcode::fill || run.op == Opcode::merge) run.incoming = elements(run.count, run.type);
  }
  for (int i = 0; i < run.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::uint32_t bits = run.op == Opcode::fill ? run.incoming[at] : run.banks[at];
    if (run.op == Opcode::drain) {
      std::uint32_t narrow = 0;
      store_element(run.type, reinterpret_cast<std::byte*>(&narrow), 0, std::bit_cast<float>(bits));
      bits = narrow;
    }
    if (run.op == Opcode::merge)
      bits = std::bit_cast<std::uint32_t>(
          canonical(std::bit_cast<float>(run.incoming[at]) + std::bit_cast<float>(bits)));
    run.result.push_back(bits);
  }
}

// How long it lasts is the model's to say.
void ReductionPrograms::time(ReductionRun& run) {
  isa::Command command;
  command.opcode = run.op;
  command.shape = {m_, n_, 0, 0, 0, 0};
  command.value[isa::drain_t::dst_type] = static_cast<std::int64_t>(run.type);
  const bool gap = below(2) == 0;
  run.start = finish_ + (gap ? 1 + below(40) : 0);
  note(gap ? "after a gap" : "follows");
  if (below(3) == 0) {
    run.stall = 1 + below(30);
    note("stalled");
    if (below(2)) {
      run.stall_beat =
          static_cast<int>(below(static_cast<std::size_t>(run.count + config_.elements_per_cycle - 1) /
                                 static_cast<std::size_t>(config_.elements_per_cycle)));
      note("stalled anywhere");
    }
  }
  finish_ = run.finish = run.start + engine_.work(command).cycles + run.stall;
}

}  // namespace leto::model
