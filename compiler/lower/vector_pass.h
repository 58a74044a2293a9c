// One pass of the vector engine over tiles in the local store, as an emitter names it.
#pragma once

#include "compiler/lower/transfer.h"

namespace leto::compiler {

/// A tile as a pass sees it. `offset` is a register (bytes into the buffer's tile), `pitch` is bytes from row
/// to row.
struct LocalTile {
  int buffer = 0;
  DType dtype = DType::fp32;
  Amount pitch = Amount::constant(0);
  isa::Broadcast mode = isa::Broadcast::full;
  int offset = 0;
  Flags flags{false, false};

  LocalTile at(int reg) const;
  /// One number a row, all alike rows, and the sides of the buffer that the pass moves.
  LocalTile column() const;
  LocalTile row() const;
  LocalTile taking(bool hold = true, bool advance = true) const;
};
/// The immediate instead of a tile.
inline LocalTile immediate_tile() {
  return {0, DType::fp32, Amount::constant(0), isa::Broadcast::immediate};
}

struct VectorPass {
  isa::VectorOp op = isa::VectorOp::copy;
  LocalTile to, a = immediate_tile(), b = immediate_tile();
  float value = 0;  // the immediate
  isa::Reduce reduce = isa::Reduce::none;
  bool accumulate = false;
};
void emit_pass(CoreEmitter& core, const VectorPass& pass, Amount rows, Amount columns);

}  // namespace leto::compiler
