// transpose, copy: local store to local store, bits untouched.
#include <cstring>

#include "isa/ops/ops.h"

namespace leto::isa::ops {
namespace {

struct Plane {
  std::byte* to;
  const std::byte* from;
  std::int64_t rows, columns, from_pitch, to_pitch;
};

Plane plane_of(const Command& command, PeState& pe) {
  const Operands operands = operands_of(command);
  const auto& s = command.shape;
  return {pe.at(operands.item[0], footprint(command, 0)),
          pe.at(operands.item[1], footprint(command, 1)),
          s[0],
          s[1],
          s[2],
          s[3]};
}

template <int Size>
void transpose_elements(const Plane& p) {
  for (std::int64_t r = 0; r < p.rows; ++r)
    for (std::int64_t c = 0; c < p.columns; ++c)
      std::memcpy(p.to + c * p.to_pitch + r * Size, p.from + r * p.from_pitch + c * Size, Size);
}

}  // namespace

void transpose(const Command& command, PeState& pe) {
  const Plane plane = plane_of(command, pe);
  switch (size_of(command.dtype(transpose_t::type))) {
    case 1:
      return transpose_elements<1>(plane);
    case 2:
      return transpose_elements<2>(plane);
    case 4:
      return transpose_elements<4>(plane);
    default:
      return transpose_elements<8>(plane);
  }
}

void copy(const Command& command, PeState& pe) {
  const Plane p = plane_of(command, pe);
  const auto bytes = static_cast<std::size_t>(p.columns * size_of(command.dtype(copy_t::type)));
  for (std::int64_t r = 0; r < p.rows; ++r)
    std::memmove(p.to + r * p.to_pitch, p.from + r * p.from_pitch, bytes);
}

}  // namespace leto::isa::ops
