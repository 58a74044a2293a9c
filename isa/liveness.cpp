#include "isa/liveness.h"

#include <algorithm>

namespace leto::isa {
namespace {

static_assert(kRegisters == 64);  // a bit each

class Walk {
 public:
  explicit Walk(std::span<const Instruction> code) : code_(code) {}

  void through(std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t pc = from; pc < to; ++pc) step(pc);
  }
  std::uint64_t live() const { return live_; }

 private:
  void step(std::uint32_t pc) {
    const Instruction& i = code_[pc];
    const auto fields = spec_of(static_cast<std::uint8_t>(i.opcode))->fields;
    std::uint64_t written = 0;
    for (std::size_t f = 0; f < fields.size(); ++f) {
      const auto first = static_cast<int>(i.field[f]);
      if (fields[f].kind == FieldKind::reg) read(first, 1);
      if (fields[f].kind == FieldKind::shape) read(first, kShapeRegisters);
      if (fields[f].kind == FieldKind::dest) written = std::uint64_t{1} << first;
    }
    if (pc >= inner_end_) written_ |= written;
    if (i.opcode == Opcode::loop)
      inner_end_ = std::max(inner_end_, pc + 1 + static_cast<std::uint32_t>(i.field[loop_t::length]));
  }
  void read(int first, int count) {
    for (int r = first; r < std::min(first + count, kRegisters); ++r)
      if ((written_ >> r & 1) == 0) live_ |= std::uint64_t{1} << r;
  }

  std::span<const Instruction> code_;
  std::uint32_t inner_end_ = 0;  // of the loops inside
  std::uint64_t written_ = 0, live_ = 0;
};

}  // namespace

std::uint64_t live_registers(std::span<const Instruction> code, std::uint32_t begin, std::uint32_t end,
                             std::uint32_t pc) {
  Walk walk(code);
  walk.through(pc, end);
  walk.through(begin, pc);
  return walk.live() & ~std::uint64_t{1};  // r0 is zero
}

}  // namespace leto::isa
