// The buffer manager's RTL against isa::PeState: random definitions and commands of all units, every cycle.
#include <doctest/doctest.h>

#include <memory>

#include "base/errors.h"
#include "model/twin/buffer_checker.h"
#include "model/twin/buffer_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

using Programs = BufferPrograms;

// A PE whose loads and stores fill and empty buffers of four tiles, each event shown to a checker.
class Loads {
 public:
  explicit Loads(BufferChecker& checker) : checker_(checker) { checker.launch(); }

  void define(int id) {
    isa::Command command;
    command.opcode = isa::Opcode::buffer;
    command.value[isa::buffer_t::id] = id;
    command.value[isa::buffer_t::base] = id * 256;
    command.value[isa::buffer_t::bytes] = 64;
    command.value[isa::buffer_t::depth] = 4;
    pe_.barrier_passed();
    pe_.define(command);
    checker_.defined(command, ++now_);
    pe_.barrier_passed();
  }
  void load(int id) {
    isa::Command command;
    command.opcode = isa::Opcode::load;
    command.unit = isa::Unit::load;
    command.value[isa::load_t::dst] = id;
    command.value[isa::load_t::reserve] = command.value[isa::load_t::push] = 1;
    run(command);
  }
  void store(int id) {
    isa::Command command;
    command.opcode = isa::Opcode::store;
    command.unit = isa::Unit::store;
    command.value[isa::store_t::src] = id;
    command.value[isa::store_t::wait] = command.value[isa::store_t::pop] = 1;
    run(command);
  }

 private:
  void run(isa::Command command) {
    REQUIRE(pe_.hold(command).cause == isa::PeState::Hold::Cause::none);
    pe_.begin(command);
    checker_.began(command, ++now_);
    pe_.finish(command);
    checker_.finished(command, pe_, ++now_);
  }

  BufferChecker& checker_;
  isa::PeState pe_{1 << 16, 16, false};
  Cycle now_ = 0;
};

}  // namespace

TEST_CASE("twin: a buffer manager that is followed now and then is shown nothing that it cannot know") {
  if (!rtl::has_rtl()) return;
  const isa::Program program;
  BufferChecker checker(load_chip("tiny"), parse_twin("x=check"), "x", 1, program);
  checker.limit(std::make_shared<Budget>(1.0 / 4, 32));
  Loads loads(checker);
  loads.define(5);
  std::uint64_t resumed = 0, before = 0;
  for (int round = 0; round < 200; ++round) {
    loads.define(6);
    loads.load(5);  // stays: what the RTL does not see leaves it behind
    if (round % 3 == 2) loads.store(5), loads.store(5), loads.store(5);
    for (int i = 0; i < 8; ++i) loads.load(6), loads.store(6);
    const std::uint64_t now = checker.comparison().count().cycles_compared;
    resumed += now > before;
    before = now;
  }
  checker.flush();
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  CHECK(resumed > 30);                        // rounds in which something is compared
  CHECK(counted.cycles_compared < 200 * 20);  // of some 200 * 36
}

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
  // Up to eight units of a chain, and a unit may finish several commands: now and then more than the lanes
  // take.
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
