// The reduction engine's RTL against the model's block: random commands, every cycle and every bit.
#include <doctest/doctest.h>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/twin/reduction_checker.h"
#include "model/twin/reduction_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;
using isa::Opcode;

namespace {

using Programs = ReductionPrograms;

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
