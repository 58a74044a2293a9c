// The reduction engine's RTL against the model's block: random commands, every cycle and every bit.
#include <doctest/doctest.h>

#include <bit>
#include <map>
#include <random>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/reduction_engine/reduction_engine.h"
#include "model/twin/reduction_checker.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;
using isa::Opcode;

namespace {

constexpr std::array<Opcode, 4> kOps = {Opcode::drain, Opcode::fill, Opcode::pass, Opcode::merge};
constexpr std::array<DType, 5> kTypes = {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};

/// Random commands as the PE would start them; counts what kinds came.
class Programs {
 public:
  Programs(const ChipConfig& chip, std::uint64_t seed)
      : config_(chip.reduction_engine), engine_(chip.reduction_engine), random_(seed) {}

  ReductionRun next() {
    ReductionRun run;
    run.op = kOps[below(4)];
    if (run.op == Opcode::drain) run.type = kTypes[below(5)];
    m_ = 1 + static_cast<int>(below(below(3) ? 20 : 64));
    n_ = 1 + static_cast<int>(below(below(3) ? 20 : 64));
    run.count = m_ * n_;
    note(op_name(run.op));
    if (run.op == Opcode::drain) note("to " + std::string(name_of(run.type)));
    if (run.count % config_.elements_per_cycle) note("a short beat");
    fill(run);
    time(run);
    return run;
  }

  std::map<std::string, int> arms;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }
  static std::string op_name(Opcode op) {
    return op == Opcode::drain  ? "drain"
           : op == Opcode::fill ? "fill"
           : op == Opcode::pass ? "pass"
                                : "merge";
  }

  // Any bits, numbers near the edges of the narrow types, ordinary ones, halves that tie.
  std::uint32_t element(std::size_t kind) {
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
      default: {
        constexpr std::array<std::uint32_t, 12> kSpecial = {0,          0x80000000, 0x7f800000, 0xff800000,
                                                            0x7fc00000, 0xffc12345, 0x00000001, 0x807fffff,
                                                            0x7f7fffff, 0x43e00000, 0x477fe000, 0x47800000};
        return kSpecial[below(kSpecial.size())];
      }
    }
  }

  std::vector<std::uint32_t> elements(int count) {
    const std::size_t kind = below(6);
    note("kind " + std::to_string(kind));
    std::vector<std::uint32_t> all;
    for (int i = 0; i < count; ++i) all.push_back(element(kind == 5 ? below(5) : kind));
    return all;
  }

  // The contract itself: the conversions of base/dtypes.h, one fp32 addition.
  void fill(ReductionRun& run) {
    if (run.op != Opcode::fill) run.banks = elements(run.count);
    if (run.op == Opcode::fill || run.op == Opcode::merge) run.incoming = elements(run.count);
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
  void time(ReductionRun& run) {
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

  ReductionEngineConfig config_;
  ReductionEngine engine_;
  std::mt19937_64 random_;
  int m_ = 1, n_ = 1;
  Cycle finish_ = 100;
};

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const ChipConfig config = load_chip(chip);
  ReductionChecker checker(config, {"", TwinMode::check, 1, {}}, chip, seed);
  Programs programs(config, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  checker.flush();
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  CHECK(counted.cycles_compared > static_cast<std::uint64_t>(count) * 16);
  for (const char* arm :
       {"drain",       "fill",        "pass",         "merge",       "to fp32", "to bf16", "to fp16",
        "to fp8_e4m3", "to fp8_e5m2", "a short beat", "after a gap", "follows", "stalled", "stalled anywhere",
        "kind 0",      "kind 1",      "kind 2",       "kind 3",      "kind 4",  "kind 5"})
    CHECK_MESSAGE(programs.arms[arm] * 50 > count, arm, " ", programs.arms[arm]);
  MESSAGE(chip << " reduction_engine: " << count << " commands, " << counted.cycles_compared << " cycles, "
               << counted.values_compared << " values");
}

/// The finding of a command that does not fit; empty: none.
std::string finding(const ReductionRun& run) {
  ReductionChecker checker(load_chip("tiny"), {"", TwinMode::check, 1, {}}, "x", 1);
  try {
    checker.add(run);
    checker.flush();
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::mismatch);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("twin: random reductions differ in no bit and no cycle") {
  if (!rtl::has_rtl()) return;
  check_programs("tiny", 1500, 1);
  check_programs("pilot", 1500, 2);
}

TEST_CASE("twin: a fault in each signal of a reduction is found where it was planted") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  for (const auto signal : kReductionSignals) {
    ReductionChecker checker(chip, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, "x",
                             3);
    Programs programs(chip, 3);
    std::string found;
    try {
      for (int i = 0; i < 60; ++i) checker.add(programs.next());
    } catch (const Error& error) {
      found = error.what();
    }
    CHECK_MESSAGE(found.find(fmt::format(" {}", signal)) != std::string::npos, signal, ": ", found);
    CHECK(checker.comparison().count().cycles_compared >= 300);
    CHECK(checker.comparison().count().mismatches == 1);
  }
}

TEST_CASE("twin: a cycle too many or too few of a reduction is found and so is a wrong bit") {
  if (!rtl::has_rtl()) return;
  Programs programs(load_chip("tiny"), 4);
  for (int i = 0; i < 20; ++i) {
    ReductionRun run = programs.next();
    CHECK(finding(run) == "");
    for (const int by : {-1, 1}) {
      ReductionRun wrong = run;
      wrong.finish += static_cast<Cycle>(by);
      CHECK(finding(wrong) != "");
    }
    run.result.back() ^= 1;
    CHECK(finding(run).find("data[") != std::string::npos);
  }
}

TEST_CASE("twin: the reduction engine's RTL in the model's place gives the same bits") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  ReductionChecker checker(chip, {"", TwinMode::rtl, 1, {}}, "x", 5);
  Programs programs(chip, 5);
  for (int i = 0; i < 50; ++i) {
    const ReductionRun run = programs.next();
    CHECK(checker.compute(run) == run.result);
  }
}
