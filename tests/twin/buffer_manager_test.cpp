// The buffer manager's RTL against isa::PeState: random definitions and commands of all units, every cycle.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <numeric>
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
    if (left_-- == 0) restart();
  }

  std::map<std::string, int> arms;
  int commands = 0;

 private:
  static constexpr std::size_t kStore = 1 << 20;

  struct Unit {
    isa::Unit unit;
    int core;
    int in, out;  // buffers; in == -1: none, a producer; out == -1: none, a consumer
    std::deque<isa::Command> flying;
    bool keeps_in = false, keeps_out = false;  // not popped, not pushed by the command before
  };

  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  void define(int id, std::size_t base, std::size_t bytes, std::size_t depth) {
    isa::Command command;
    command.opcode = isa::Opcode::buffer;
    command.value[isa::buffer_t::id] = id;
    command.value[isa::buffer_t::base] = static_cast<std::int64_t>(base);
    command.value[isa::buffer_t::bytes] = static_cast<std::int64_t>(bytes);
    command.value[isa::buffer_t::depth] = static_cast<std::int64_t>(depth);
    if (depth == 1) note("depth 1");
    now_ += below(2);
    pe_.define(command);
    checker_.defined(command, now_);
  }

  // A chain: producer, units, consumer; between them buffers of random place and shape, after all 32 have
  // been defined otherwise. In a deep one the consumer begins late, so that buffers of up to 255 tiles fill
  // up.
  void restart() {
    pe_ = isa::PeState(kStore, 16, false);
    checker_.launch();
    deep_ = below(4) == 0;
    left_ = deep_ ? 4000 : 400;
    for (int id = 0; id < 32; ++id) {
      const std::size_t depth = below(256), base = below(kStore - 255);
      define(id, base, 1 + below((kStore - base) / std::max<std::size_t>(depth, 1)), depth);
    }
    std::array<int, 32> ids{};
    std::iota(ids.begin(), ids.end(), 0);
    for (std::size_t i = ids.size() - 1; i > 0; --i) std::swap(ids[i], ids[below(i + 1)]);
    const std::size_t buffers = 2 + below(6);
    units_ = {{isa::Unit::load, 0, -1, ids[0], {}}};
    std::size_t base = below(1000);
    for (std::size_t i = 0; i < buffers; ++i) {
      const std::size_t depth = deep_ ? 129 + below(127) : 1 + below(below(2) ? 3 : 9);
      const std::size_t bytes = 1 + below((kStore - base) / (buffers - i) / depth);
      define(ids[i], base, bytes, depth);
      base += bytes * depth;
      if (i + 1 < buffers) units_.push_back(unit_between(ids[i], ids[i + 1]));
    }
    units_.push_back({isa::Unit::store, 1, ids[buffers - 1], -1, {}});
    pe_.barrier_passed();
    ++now_;
  }
  Unit unit_between(int in, int out) {
    const bool vector = below(2) != 0;
    return {vector ? isa::Unit::vector : isa::Unit::layout, static_cast<int>(below(2)), in, out, {}};
  }

  isa::Command command(const Unit& unit) {
    isa::Command c;
    c.unit = unit.unit;
    c.core = static_cast<std::uint8_t>(unit.core);
    const bool push = below(4) != 0, wait = !unit.keeps_in || below(2), pop = below(4) != 0;
    if (unit.in < 0) {
      c.opcode = isa::Opcode::load;
      c.value[isa::load_t::dst] = unit.out;
      c.value[isa::load_t::reserve] = !unit.keeps_out;
      c.value[isa::load_t::push] = push;
    } else if (unit.out < 0) {
      c.opcode = isa::Opcode::store;
      c.value[isa::store_t::src] = unit.in;
      c.value[isa::store_t::wait] = wait;
      c.value[isa::store_t::pop] = pop;
    } else if (unit.unit == isa::Unit::vector) {  // reads its input twice
      c.opcode = isa::Opcode::vector;
      c.value[isa::vector_t::op] = static_cast<std::int64_t>(isa::VectorOp::add);
      c.value[isa::vector_t::dst] = unit.out;
      c.value[isa::vector_t::reserve] = !unit.keeps_out;
      c.value[isa::vector_t::push] = push;
      c.value[isa::vector_t::a] = c.value[isa::vector_t::b] = unit.in;
      c.value[isa::vector_t::a_wait] = wait;
      const bool first_pops = below(2) != 0;
      c.value[isa::vector_t::a_pop] = pop && first_pops;
      c.value[isa::vector_t::b_pop] = pop && !first_pops;
    } else {
      c.opcode = isa::Opcode::copy;
      c.value[isa::copy_t::src] = unit.in;
      c.value[isa::copy_t::wait] = wait;
      c.value[isa::copy_t::pop] = pop;
      c.value[isa::copy_t::dst] = unit.out;
      c.value[isa::copy_t::reserve] = !unit.keeps_out;
      c.value[isa::copy_t::push] = push;
    }
    return c;
  }

  int finish(Unit& unit) {
    int events = 0;
    while (!unit.flying.empty() && below(deep_ ? 2 : 3) == 0) {
      pe_.finish(unit.flying.front());
      checker_.finished(unit.flying.front(), pe_, now_);
      unit.flying.pop_front();
      note("finish");
      ++events;
    }
    return events;
  }

  int begin(Unit& unit) {
    const bool closed = deep_ && unit.out < 0 && left_ > 800;
    const bool one_at_a_time = unit.in >= 0 && unit.out >= 0;
    if (closed || unit.flying.size() > (one_at_a_time ? 0u : 4u) || below(3) == 0) return 0;
    isa::Command c = command(unit);
    const isa::PeState::Hold hold = pe_.hold(c);
    if (hold.cause != Cause::none) {
      checker_.looked_at(c, hold, now_);
      note(hold.cause == Cause::data ? "waits for data" : "waits for space");
      return 1;
    }
    pe_.begin(c);
    checker_.began(c, now_);
    bool popped = unit.in < 0, pushed = unit.out < 0;
    const isa::Operands operands = isa::operands_of(c);
    for (int i = 0; i < operands.count; ++i) {
      const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
      (operand.writes ? pushed : popped) |= operand.advance;
    }
    unit.keeps_in = !popped;
    unit.keeps_out = !pushed;
    if (unit.keeps_in) note("keeps a tile to read");
    if (unit.keeps_out) note("keeps a tile to write");
    if (operands.count > 2) note("three operands");
    unit.flying.push_back(c);
    if (unit.flying.size() > 1) note("several under way");
    ++commands;
    return 1;
  }

  BufferChecker& checker_;
  std::mt19937_64 random_;
  isa::PeState pe_{kStore, 16, false};
  std::vector<Unit> units_;
  Cycle now_ = 100;
  bool deep_ = false;
  int left_ = 0;  // cycles before the next chain
};

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
