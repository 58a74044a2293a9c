// An issue core: program counter, registers, hardware loops, and the scalar instructions it executes itself.
// Shared by the interpreter and the SystemC model; what an instruction costs, and sync, buffer and unit
// instructions, are the caller's.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/snapshot.h"
#include "isa/command.h"

namespace leto::isa {

/// Most instructions that one loop, with the loops inside it, may execute on a core. Entering a loop that
/// would go beyond is an error, so that a few words cannot keep a simulation busy for ever. The bound is half
/// a minute of chip time at 2 GHz and one instruction a cycle: days of simulation, and far more than any
/// training step takes.
inline constexpr std::int64_t kMostInstructions = std::int64_t{1} << 36;

/// Where a PE stands, for `where` instructions and messages.
struct Place {
  int row = 0, column = 0, rows = 1, columns = 1;
  int index() const { return row * columns + column; }
};

/// Of every instruction that a core comes to, so without a look into the table of instructions.
inline Unit unit_of(Opcode opcode) {
  static constexpr auto units = [] {
    std::array<Unit, 256> by_opcode{};
#define INSTRUCTION(name, code, unit, doc, ...) by_opcode[code] = Unit::unit;
#include "isa/instructions.inc"
#undef INSTRUCTION
    return by_opcode;
  }();
  return units[static_cast<std::size_t>(opcode)];
}

class Core {
 public:
  /// A core without code has ended from the start. `code` must outlive the core. `sources`: source ids there
  /// are; a loop that steps beyond them is illegal.
  Core(std::span<const Instruction> code, int id, const Place& place,
       std::size_t sources = std::size_t{1} << kSourceBits);

  /// After `end`. A core that has ended takes part in no barrier.
  bool ended() const { return ended_; }
  /// The instruction at pc; Error(illegal_program) when the core ran off its code without `end`.
  const Instruction& current() const {
    if (pc_ >= code_.size()) ran_off();
    return code_[pc_];
  }
  Unit unit() const { return unit_of(current().opcode); }
  /// The graph operation that the current instruction works for: its word's source id, and what the loops
  /// around it have stepped.
  std::uint32_t source() const { return current().source + stepped_; }
  /// The current instruction with its registers read.
  Command capture_current() const {
    Command command;
    capture_current(command);
    return command;
  }
  void capture_current(Command& to) const {
    capture(current(), registers_, id_, pc_, to);
    to.source += stepped_;
  }
  /// Executes the current instruction, which must be of Unit::core, and moves on.
  void execute_scalar();
  /// Moves to the next instruction, hardware loops included: call it when a non-scalar instruction was
  /// issued.
  void advance() { go_to(pc_ + 1); }

  /// The loop under way whose trips stand for graph operations in turn, when it is the only one.
  struct Trips {
    std::uint32_t begin, step;  // first instruction of the body; source ids from trip to trip
    std::int64_t remaining;     // further trips
    bool operator==(const Trips&) const = default;
  };
  std::optional<Trips> trips() const;
  /// As if `count` trips of that loop more had gone by, each of which added `change` to the registers.
  void skip_trips(std::int64_t count, std::span<const std::int64_t> change);

  /// Loops under way.
  std::size_t depth() const { return loops_.size(); }
  /// Is the next instruction the first one of the innermost loop's body?
  bool at_body() const { return !loops_.empty() && pc_ == loops_.back().begin; }

  std::uint32_t pc() const { return pc_; }
  int id() const { return id_; }
  std::span<const std::int64_t> registers() const { return registers_; }

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s) { s(pc_, stepped_, ended_, registers_, loops_); }

 private:
  struct Loop {
    std::uint32_t begin, end;  // end: first instruction after the body
    std::int64_t remaining;    // further iterations
    std::int64_t executions;   // of the body, by one entry of the outermost loop: at most
    std::uint32_t step;        // source ids from trip to trip
    std::uint32_t before;      // stepped_ at the entry
  };
  void go_to(std::uint32_t pc);
  void loop(std::int64_t count, std::int64_t length, std::int64_t step);
  void check_sources(std::int64_t count, std::int64_t length, std::int64_t step) const;
  std::int64_t quotient(std::int64_t dividend, std::int64_t divisor) const;
  std::int64_t coordinate(Coordinate which) const;
  std::int64_t result(const Instruction& instruction) const;
  [[noreturn]] void ran_off() const;
  [[noreturn]] void illegal(const std::string& cause, const std::string& remedy) const;

  std::span<const Instruction> code_;
  int id_;
  Place place_;
  std::size_t sources_;
  std::uint32_t pc_ = 0;
  std::uint32_t stepped_ = 0;  // by the trips of all loops under way
  bool ended_;
  std::array<std::int64_t, kRegisters> registers_{};
  std::vector<Loop> loops_;
};

}  // namespace leto::isa
