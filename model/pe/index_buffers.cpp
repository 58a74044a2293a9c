#include "model/pe/index_buffers.h"

#include <algorithm>

namespace leto::model {

std::uint32_t index_buffers(const isa::Program& program) {
  using isa::Opcode;
  std::uint32_t buffers = 0, before = 0;
  const auto each = [&](auto visit) {
    for (const auto& code : program.code) std::for_each(code.begin(), code.end(), visit);
  };
  each([&](const isa::Instruction& i) {
    if (i.opcode == Opcode::gather) buffers |= 1u << i.field[isa::gather_t::index];
    if (i.opcode == Opcode::scatter) buffers |= 1u << i.field[isa::scatter_t::index];
  });
  do {
    before = buffers;
    each([&](const isa::Instruction& i) {
      const bool moves = i.opcode == Opcode::transpose || i.opcode == Opcode::copy;
      if (moves && (buffers >> i.field[isa::copy_t::dst] & 1) != 0)
        buffers |= 1u << i.field[isa::copy_t::src];
    });
  } while (buffers != before);
  return buffers;
}

}  // namespace leto::model
