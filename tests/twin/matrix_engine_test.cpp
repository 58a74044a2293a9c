// The matrix engine's RTL against the model's block: random sequences of commands, every cycle and every bit.
#include <doctest/doctest.h>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/twin/matrix_programs.h"

using namespace leto;
using namespace leto::model;

namespace {

using Programs = MatrixPrograms;

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const MatrixEngineConfig engine = load_chip(chip).matrix_engine;
  MatrixChecker checker(engine, {"", TwinMode::check, 1, {}}, chip, seed);
  Programs programs(engine, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  checker.flush();
  CHECK(checker.comparison().count().mismatches == 0);
  CHECK(checker.comparison().count().cycles_compared > static_cast<std::uint64_t>(count) * 32);
  for (const char* arm : {"bf16", "fp16", "fp8_e4m3", "fp8_e5m2", "mixed types", "any bits", "signed zeros",
                          "goes on", "n above 32", "after a gap", "follows", "load shows", "stalled",
                          "stalled anywhere", "several blocks", "sums that tie", "subnormal sums"})
    CHECK_MESSAGE(programs.arms[arm] * 50 > count, arm, " ", programs.arms[arm]);
  MESSAGE(chip << ": " << count << " commands, " << checker.comparison().count().cycles_compared
               << " cycles, " << checker.comparison().count().values_compared << " values, "
               << checker.comparison().count().macs_compared << " MACs");
}

/// Has this build RTL to compare? Without it (LETO_RTL=OFF, no Verilator) a checker is refused.
bool is_built() {
  if (rtl::has_rtl()) return true;
  MESSAGE("this build has no RTL (LETO_RTL)");
  try {
    const MatrixChecker checker(load_chip("tiny").matrix_engine, {"", TwinMode::check, 1, {}}, "x", 1);
    FAIL_CHECK("a checker without RTL");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::unsupported);
  }
  return false;
}

}  // namespace

TEST_CASE("twin: random commands differ in no bit and no cycle") {
  if (!is_built()) return;
  check_programs("tiny", 1000, 1);
  check_programs("pilot", 1000, 2);
}

TEST_CASE("twin: a fault in each signal is found where it was planted") {
  if (!is_built()) return;
  const MatrixEngineConfig engine = load_chip("tiny").matrix_engine;
  for (const auto signal : kMatrixSignals) {
    MatrixChecker checker(engine, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 500}}, "x",
                          3);
    Programs programs(engine, 3);
    std::string found;
    try {
      for (int i = 0; i < 60; ++i) checker.add(programs.next());
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      found = error.what();
    }
    CHECK_MESSAGE(found.find(std::string(" ") + std::string(signal)) != std::string::npos, signal, ": ",
                  found);
    CHECK(checker.comparison().count().cycles_compared >= 500);
    CHECK(checker.comparison().count().mismatches == 1);
  }
}

TEST_CASE("twin: a cycle too many or too few is found") {
  if (!is_built()) return;
  const MatrixEngineConfig engine = load_chip("tiny").matrix_engine;
  for (const int by : {-1, 1}) {
    MatrixChecker checker(engine, {"", TwinMode::check, 1, {}}, "x", 4);
    Programs programs(engine, 4);
    MatrixRun run = programs.next();
    run.finish += static_cast<Cycle>(by);
    checker.add(run);
    CHECK_THROWS_AS(checker.flush(), Error);
  }
}
