// The buffer manager's RTL against isa::PeState: random definitions and commands of all units, every cycle.
#include <doctest/doctest.h>

#include "base/errors.h"
#include "model/twin/buffer_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

using Programs = BufferPrograms;

}  // namespace

TEST_CASE("twin: random commands find the same tiles and waits in the buffer manager") {
  if (!rtl::has_rtl()) return;
  const isa::Program program;
  BufferChecker checker(load_chip("tiny"), {"", TwinMode::check, 1, {}}, "x", 1, program);
  Programs programs(checker, 1);
  for (int i = 0; i < 60000; ++i) programs.cycle();
  checker.flush();
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  CHECK(programs.commands >= 1000);
  // Up to eight units of a chain, and a unit may finish several commands: now and then more than the lanes take.
  CHECK(checker.further_clocks() * 50 < counted.cycles_compared);
  for (const char* arm :
       {"finish", "waits for data", "waits for space", "keeps a tile to write", "keeps a tile to read",
        "several under way", "several in a cycle", "three operands"})
    CHECK_MESSAGE(programs.arms[arm] >= 1000, arm, " ", programs.arms[arm]);
  CHECK(programs.arms["depth 1"] > 10);
  MESSAGE("buffer_manager: " << programs.commands << " commands, " << counted.cycles_compared << " cycles ("
                             << checker.further_clocks() << " further clocks), " << counted.values_compared
                             << " values");
}

TEST_CASE("twin: a fault in each signal of the buffer manager is found where it was planted") {
  if (!rtl::has_rtl()) return;
  const isa::Program program;
  for (const auto signal : kBufferSignals) {
    BufferChecker checker(load_chip("tiny"),
                          {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, "x", 3,
                          program);
    Programs programs(checker, 3);
    std::string found;
    try {
      for (int i = 0; i < 1000; ++i) programs.cycle();
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      found = error.what();
    }
    CHECK_MESSAGE(found.find(fmt::format(" {}", signal)) != std::string::npos, signal, ": ", found);
    CHECK(checker.comparison().count().cycles_compared >= 300);
  }
}

TEST_CASE("twin: the buffer manager's RTL takes the model's place nowhere") {
  if (!rtl::has_rtl()) return;
  const isa::Program program;
  CHECK_THROWS_AS(BufferChecker(load_chip("tiny"), {"", TwinMode::rtl, 1, {}}, "x", 1, program), Error);
}
