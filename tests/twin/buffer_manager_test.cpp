// The buffer manager's RTL against isa::PeState: random definitions and commands of all units, every cycle.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>

#include "base/errors.h"
#include "isa/machine.h"
#include "model/twin/buffer_checker.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;
using Cause = isa::PeState::Hold::Cause;

namespace {

/// Units that copy tiles from buffer to buffer, each with an input and an output of its own, begun and
/// finished at random cycles, several in one; some hold their tile over several commands, or read one twice.
class Programs {
 public:
  Programs(BufferChecker& checker, std::uint64_t seed) : checker_(checker), random_(seed) { restart(); }

  /// One cycle in which something happens.
  void cycle() {
    now_ += 1 + below(3);
    int events = 0;
    for (Unit& unit : units_) events += finish(unit);
    for (Unit& unit : units_) events += begin(unit);
    if (events > 3) note("several in a cycle");
    if (++cycles_ % 400 == 0) restart();
  }

  std::map<std::string, int> arms;
  int commands = 0;

 private:
  struct Unit {
    isa::Unit unit;
    int core;
    int in, out;  // buffers; in == -1: none, a producer; out == -1: none, a consumer
    std::deque<isa::Command> flying;
    bool keeps_in = false, keeps_out = false;  // not popped, not pushed by the command before
  };

  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  // A chain: producer, three units, consumer; between them buffers of random shape.
  void restart() {
    pe_ = isa::PeState(1 << 17, 16, false);
    checker_.launch();
    units_ = {{isa::Unit::load, 0, -1, ids(0), {}},
              {isa::Unit::layout, 0, ids(0), ids(1), {}},
              {isa::Unit::layout, 1, ids(1), ids(2), {}},
              {isa::Unit::layout, 0, ids(2), ids(3), {}},
              {isa::Unit::store, 1, ids(3), -1, {}}};
    std::int64_t base = 0;
    for (int i = 0; i < 5; ++i) {
      isa::Command define;
      define.opcode = isa::Opcode::buffer;
      define.value[isa::buffer_t::id] = i == 4 ? 31 : ids(i);
      define.value[isa::buffer_t::base] = base;
      define.value[isa::buffer_t::bytes] = static_cast<std::int64_t>(64 * (1 + below(40)));
      define.value[isa::buffer_t::depth] =
          i == 4 ? 0 : static_cast<std::int64_t>(1 + below(below(2) ? 3 : 9));
      base += define[isa::buffer_t::bytes] * std::max<std::int64_t>(define[isa::buffer_t::depth], 1);
      if (define[isa::buffer_t::depth] == 1) note("depth 1");
      now_ += below(2);
      pe_.define(define);
      checker_.defined(define, now_);
    }
    pe_.barrier_passed();
    ++now_;
  }
  static int ids(int i) { return std::array<int, 4>{3, 0, 30, 17}[static_cast<std::size_t>(i)]; }

  isa::Command command(const Unit& unit) {
    isa::Command c;
    c.unit = unit.unit;
    c.core = static_cast<std::uint8_t>(unit.core);
    if (unit.in < 0) {
      c.opcode = isa::Opcode::load;
      c.value[isa::load_t::dst] = unit.out;
      c.value[isa::load_t::reserve] = !unit.keeps_out;
      c.value[isa::load_t::push] = below(4) != 0;
    } else if (unit.out < 0) {
      c.opcode = isa::Opcode::store;
      c.value[isa::store_t::src] = unit.in;
      c.value[isa::store_t::wait] = !unit.keeps_in || below(2);
      c.value[isa::store_t::pop] = below(4) != 0;
    } else {
      c.opcode = isa::Opcode::copy;
      c.value[isa::copy_t::src] = unit.in;
      c.value[isa::copy_t::wait] = !unit.keeps_in || below(2);
      c.value[isa::copy_t::pop] = below(4) != 0;
      c.value[isa::copy_t::dst] = unit.out;
      c.value[isa::copy_t::reserve] = !unit.keeps_out;
      c.value[isa::copy_t::push] = below(4) != 0;
    }
    return c;
  }

  int finish(Unit& unit) {
    int events = 0;
    while (!unit.flying.empty() && below(3) == 0) {
      pe_.finish(unit.flying.front());
      checker_.finished(unit.flying.front(), pe_, now_);
      unit.flying.pop_front();
      note("finish");
      ++events;
    }
    return events;
  }

  int begin(Unit& unit) {
    if (unit.flying.size() > (unit.unit == isa::Unit::layout ? 0u : 4u) || below(3) == 0) return 0;
    isa::Command c = command(unit);
    const isa::PeState::Hold hold = pe_.hold(c);
    if (hold.cause != Cause::none) {
      checker_.looked_at(c, hold, now_);
      note(hold.cause == Cause::data ? "waits for data" : "waits for space");
      return 1;
    }
    pe_.begin(c);
    checker_.began(c, now_);
    const isa::Operands operands = isa::operands_of(c);
    for (int i = 0; i < operands.count; ++i) {
      const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
      (operand.writes ? unit.keeps_out : unit.keeps_in) = !operand.advance;
      if (!operand.advance) note(operand.writes ? "keeps a tile to write" : "keeps a tile to read");
    }
    unit.flying.push_back(c);
    if (unit.flying.size() > 1) note("several under way");
    ++commands;
    return 1;
  }

  BufferChecker& checker_;
  std::mt19937_64 random_;
  isa::PeState pe_{1 << 17, 16, false};
  std::vector<Unit> units_;
  Cycle now_ = 100;
  int cycles_ = 0;
};

}  // namespace

TEST_CASE("twin: random commands find the same tiles and waits in the buffer manager") {
  if (!rtl::has_rtl()) return;
  const isa::Program program;
  BufferChecker checker(load_chip("tiny"), {"", TwinMode::check, 1, {}}, "x", 1, program);
  Programs programs(checker, 1);
  for (int i = 0; i < 20000; ++i) programs.cycle();
  checker.flush();
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  CHECK(programs.commands >= 1000);
  CHECK(checker.further_clocks() * 100 < counted.cycles_compared);
  for (const char* arm : {"finish", "waits for data", "waits for space", "keeps a tile to write",
                          "keeps a tile to read", "several under way", "several in a cycle"})
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
