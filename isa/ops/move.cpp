// load, store: strided copies between memory and a tile.
#include "isa/ops/ops.h"

namespace leto::isa::ops {
namespace {

// Calls f(memory address, tile offset, bytes) for every piece; one piece a plane when rows touch on both
// sides.
template <typename F>
void for_each_piece(const Transfer& t, F f) {
  const bool dense = t.row_stride == t.bytes && t.pitch == t.bytes;
  const std::int64_t rows = dense && t.rows > 0 ? 1 : t.rows;
  const std::int64_t bytes = dense ? t.bytes * t.rows : t.bytes;
  if (bytes == 0) return;
  for (std::int64_t plane = 0; plane < t.planes; ++plane)
    for (std::int64_t row = 0; row < rows; ++row)
      f(t.address + static_cast<std::uint64_t>(plane * t.plane_stride + row * t.row_stride),
        (plane * t.rows + row) * t.pitch, static_cast<std::size_t>(bytes));
}

}  // namespace

void load(const Command& command, PeState& pe, const Memory& memory) {
  std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  for_each_piece(transfer_of(command), [&](std::uint64_t address, std::int64_t offset, std::size_t bytes) {
    memory.read(address, tile + offset, bytes);
  });
}

void store(const Command& command, PeState& pe, Memory& memory) {
  const std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  for_each_piece(transfer_of(command), [&](std::uint64_t address, std::int64_t offset, std::size_t bytes) {
    memory.write(address, tile + offset, bytes);
  });
}

}  // namespace leto::isa::ops
