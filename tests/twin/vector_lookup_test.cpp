// The vector engine's lookup path in RTL against base/math.h: random commands, every bit and every cycle.
#include <doctest/doctest.h>

#include <bit>
#include <map>
#include <random>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/twin/lookup_checker.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;
using isa::VectorOp;

namespace {

constexpr std::array<VectorOp, 6> kOps = {VectorOp::exponential, VectorOp::logarithm, VectorOp::tanh,
                                          VectorOp::erf,         VectorOp::sigmoid,   VectorOp::reciprocal};
constexpr std::array<DType, 5> kTypes = {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};

/// Random commands of a vector engine, with random cycles in which nothing is offered or taken; counts what
/// kinds came.
class Programs {
 public:
  Programs(const VectorEngineConfig& engine, std::uint64_t seed) : engine_(engine), random_(seed) {}

  LookupRun next() {
    LookupRun run;
    const std::size_t op = below(kOps.size());
    run.op = kOps[op];
    run.type = kTypes[below(2) ? 0 : below(kTypes.size())];
    note("operation " + std::to_string(op));
    note("to " + std::string(name_of(run.type)));
    const std::size_t rows = 1 + below(4);
    run.row = static_cast<int>(1 + below(below(4) ? 40 : 200));
    if (run.row % engine_.elements_per_cycle) note("a short beat");
    const std::size_t kind = below(6);
    note("kind " + std::to_string(kind));
    for (std::size_t i = rows * static_cast<std::size_t>(run.row); i > 0; --i) {
      run.x.push_back(element(kind == 5 ? below(5) : kind));
      run.result.push_back(looked_up(run.op, run.type, run.x.back()));
    }
    time(run, rows);
    run.command = "random command";
    run.operation = "no operation";
    return run;
  }

  std::map<std::string, int> arms;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  std::uint32_t element(std::size_t kind) {
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

  void time(LookupRun& run, std::size_t rows) {
    const std::size_t rate = static_cast<std::size_t>(engine_.elements_per_cycle);
    const std::size_t beats = rows * ((static_cast<std::size_t>(run.row) + rate - 1) / rate);
    Cycle cycles = beats + static_cast<Cycle>(engine_.latency_cycles);
    for (auto* delays : {&run.idle, &run.held}) {
      if (below(2)) continue;
      note(delays == &run.idle ? "nothing offered" : "not taken");
      const std::size_t often = 2 + below(3);
      for (std::size_t i = beats + below(40); i > 0; --i) {
        delays->push_back(below(often) == 0);
        cycles += delays->back();
      }
    }
    if (below(3) == 0) {
      cycles += 1 + below(20);
      note("the local store is late");
    }
    run.start = finish_ + (below(2) ? 0 : 1 + below(30));
    finish_ = run.finish = run.start + cycles;
  }

  VectorEngineConfig engine_;
  std::mt19937_64 random_;
  Cycle finish_ = 100;
};

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const ChipConfig config = load_chip(chip);
  LookupChecker checker(config, {"", TwinMode::check, 1, {}}, chip, seed);
  Programs programs(config.vector_engine, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  for (const auto& [arm, times] : programs.arms) CHECK_MESSAGE(times * 50 > count, arm, " ", times);
  CHECK(programs.arms.size() == kOps.size() + kTypes.size() + 6 + 4);
  MESSAGE(chip << " vector_lookup: " << count << " commands, " << counted.cycles_compared << " cycles, "
               << counted.values_compared << " values");
}

/// What a checker says of commands; empty: nothing.
std::string finding(LookupChecker& checker, const std::vector<LookupRun>& runs) {
  try {
    for (const LookupRun& run : runs) checker.add(run);
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::mismatch);
    return error.what();
  }
  return "";
}

std::vector<LookupRun> some(const ChipConfig& chip, std::uint64_t seed, int count) {
  Programs programs(chip.vector_engine, seed);
  std::vector<LookupRun> all;
  for (int i = 0; i < count; ++i) all.push_back(programs.next());
  return all;
}

}  // namespace

TEST_CASE("twin: random lookups differ in no bit and no cycle") {
  if (!rtl::has_rtl()) return;
  check_programs("tiny", 1200, 1);
  check_programs("pilot", 1000, 2);
}

TEST_CASE("twin: a fault in each signal of a lookup is found where it was planted") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  for (const auto signal : kLookupSignals) {
    LookupChecker checker(chip, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, "x", 3);
    const std::string found = finding(checker, some(chip, 3, 60));
    CHECK_MESSAGE(found.find(fmt::format(" {}", signal)) != std::string::npos, signal, ": ", found);
    CHECK(checker.comparison().count().cycles_compared >= 300);
  }
}

TEST_CASE("twin: a lookup with a cycle too few or a wrong bit is found") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  LookupRun run = some(chip, 4, 1).front();
  run.idle.clear();
  run.held.clear();
  const auto rate = static_cast<std::size_t>(chip.vector_engine.elements_per_cycle);
  run.row = static_cast<int>(run.x.size());
  run.finish =
      run.start + (run.x.size() + rate - 1) / rate + static_cast<Cycle>(chip.vector_engine.latency_cycles);
  const auto found = [&](const LookupRun& wrong) {
    LookupChecker checker(chip, {"", TwinMode::check, 1, {}}, "x", 1);
    return finding(checker, {wrong});
  };
  CHECK(found(run) == "");
  LookupRun early = run;
  --early.finish;
  CHECK(found(early).find("y_valid") != std::string::npos);
  run.result.back() ^= 1;
  CHECK(found(run).find("y_data[") != std::string::npos);
}
