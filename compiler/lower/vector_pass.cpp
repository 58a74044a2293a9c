#include "compiler/lower/vector_pass.h"

#include <bit>

namespace leto::compiler {

LocalTile LocalTile::at(int reg) const {
  LocalTile tile = *this;
  tile.offset = reg;
  return tile;
}

LocalTile LocalTile::column() const {
  LocalTile tile = *this;
  tile.mode = isa::Broadcast::column;
  return tile;
}

LocalTile LocalTile::row() const {
  LocalTile tile = *this;
  tile.mode = isa::Broadcast::row;
  return tile;
}

LocalTile LocalTile::taking(bool hold, bool advance) const {
  LocalTile tile = *this;
  tile.flags = {hold, advance};
  return tile;
}

void emit_pass(CoreEmitter& core, const VectorPass& p, Amount rows, Amount columns) {
  using V = isa::vector_t;
  const int shape = core.shape({rows, columns, p.to.pitch, p.a.pitch, p.b.pitch, Amount::constant(0)});
  core.emit(isa::Opcode::vector, {{V::op, std::int64_t(p.op)},
                                  {V::dst, p.to.buffer},
                                  {V::dst_offset, p.to.offset},
                                  {V::reserve, p.to.flags.hold},
                                  {V::push, p.to.flags.advance},
                                  {V::dst_type, std::int64_t(p.to.dtype)},
                                  {V::a, p.a.buffer},
                                  {V::a_offset, p.a.offset},
                                  {V::a_wait, p.a.flags.hold},
                                  {V::a_pop, p.a.flags.advance},
                                  {V::a_type, std::int64_t(p.a.dtype)},
                                  {V::a_mode, std::int64_t(p.a.mode)},
                                  {V::b, p.b.buffer},
                                  {V::b_offset, p.b.offset},
                                  {V::b_wait, p.b.flags.hold},
                                  {V::b_pop, p.b.flags.advance},
                                  {V::b_type, std::int64_t(p.b.dtype)},
                                  {V::b_mode, std::int64_t(p.b.mode)},
                                  {V::reduce, std::int64_t(p.reduce)},
                                  {V::accumulate, p.accumulate},
                                  {V::value, std::int64_t(std::bit_cast<std::uint32_t>(p.value))},
                                  {V::shape, shape}});
}

}  // namespace leto::compiler
