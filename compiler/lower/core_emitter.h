// Writes the code of one issue core: registers, loops, and the shape window that commands read.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <vector>

#include "isa/instruction.h"
#include "isa/machine.h"

namespace leto::compiler {

/// A quantity known when compiling, or held in a register at run time (possibly times a constant).
struct Amount {
  std::int64_t value = 0;  // the constant, or the factor of the register
  int reg = -1;
  static Amount constant(std::int64_t v) { return {v, -1}; }
  static Amount in(int reg, std::int64_t factor = 1) { return {factor, reg}; }
  bool is_constant() const { return reg < 0; }
  Amount times(std::int64_t f) const { return {value * f, reg}; }
};

class CoreEmitter {
 public:
  using Reg = int;
  using Fields = std::initializer_list<std::pair<int, std::int64_t>>;

  explicit CoreEmitter(std::vector<isa::Instruction>& code) : code_(code) {}

  /// Source id of everything emitted from here on; frees all registers but the kept ones.
  void begin(std::uint32_t source);

  Reg reg();
  /// A fresh register that later kernels leave alone, until the kept ones are let go.
  Reg keep();
  void let_go() { first_free_ = kFirstFree; }
  Reg constant(std::int64_t value);  // a fresh register set to it

  void set(Reg rd, std::int64_t value) {
    emit(isa::Opcode::set, {{isa::set_t::rd, rd}, {isa::set_t::value, value}});
  }
  void add(Reg rd, Reg a, Reg b) { three(isa::Opcode::add, rd, a, b); }
  void addi(Reg rd, Reg a, std::int64_t value);
  void sub(Reg rd, Reg a, Reg b) { three(isa::Opcode::sub, rd, a, b); }
  void muli(Reg rd, Reg a, std::int64_t value);
  void mul(Reg rd, Reg a, Reg b) { three(isa::Opcode::mul, rd, a, b); }
  void min(Reg rd, Reg a, Reg b) { three(isa::Opcode::min, rd, a, b); }
  void max(Reg rd, Reg a, Reg b) { three(isa::Opcode::max, rd, a, b); }
  /// rd = floor(a / divisor), rd = a mod divisor.
  void divi(Reg rd, Reg a, std::int64_t divisor);
  void remi(Reg rd, Reg a, std::int64_t divisor);
  void div(Reg rd, Reg a, Reg b) { three(isa::Opcode::div, rd, a, b); }
  void rem(Reg rd, Reg a, Reg b) { three(isa::Opcode::rem, rd, a, b); }
  Reg where(isa::Coordinate which);
  /// rd = min(limit, total - start), at least 0: what is left of a dim from `start`.
  Reg rest(Reg start, std::int64_t total, std::int64_t limit);
  /// A register holding the amount.
  Reg materialise(Amount amount);

  /// `step`: source ids from trip to trip.
  void loop(Reg count, const std::function<void()>& body, std::int64_t step = 0);

  /// Registers taken inside are free again afterwards.
  void scope(const std::function<void()>& body);

  /// Sets the six shape registers (unnamed ones keep what they hold) and returns the first of them.
  Reg shape(std::initializer_list<Amount> amounts);

  void emit(isa::Opcode opcode, Fields fields);

 private:
  void three(isa::Opcode opcode, Reg rd, Reg a, Reg b);
  void forget_shape() { known_.fill(std::nullopt); }

  // r0 is zero, r1..r6 the shape window, r7 a scratch register for constants; the rest are handed out.
  static constexpr Reg kShape = 1, kScratch = 7, kFirstFree = 8;

  std::vector<isa::Instruction>& code_;
  std::uint32_t source_ = 0;
  Reg first_free_ = kFirstFree, next_ = kFirstFree;
  std::array<std::optional<std::int64_t>, isa::kShapeRegisters> known_{};
};

/// Both cores of the PE program. Core 0 moves data, core 1 computes.
struct PeEmitter {
  CoreEmitter move, compute;
  explicit PeEmitter(std::vector<isa::Instruction>* code) : move(code[0]), compute(code[1]) {}
  void begin(std::uint32_t source) {
    move.begin(source);
    compute.begin(source);
  }
  /// With `bytes`: it opens when the chip has exchanged so many, each way, with the other ones of `chips`.
  void barrier(isa::Scope scope, std::int64_t bytes = 0, std::int64_t chips = 0);
  void end();
  /// Defines buffer `id` on the move core at the next free local-store byte; returns id. Call between
  /// barriers.
  int buffer(std::int64_t bytes, std::int64_t depth);
  /// Forgets all buffers: the next kernel lays out the local store anew.
  void reset_buffers() { next_buffer_ = 0, next_byte_ = 0, defined_.clear(); }

  struct Buffer {
    std::int64_t bytes, depth;
    bool operator==(const Buffer&) const = default;
  };
  /// Those there are, in the order of their ids.
  const std::vector<Buffer>& buffers() const { return defined_; }

 private:
  std::vector<Buffer> defined_;
  int next_buffer_ = 0;
  std::int64_t next_byte_ = 0;
};

}  // namespace leto::compiler
