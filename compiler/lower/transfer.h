// Loads and stores of tiles: turns a tile of a view into the three levels a transfer command knows.
#pragma once

#include "compiler/lower/core_emitter.h"
#include "compiler/lower/view.h"

namespace leto::compiler {

/// One level of a tile, innermost first: how many elements, and the stride between them in memory (bytes).
struct Level {
  Amount extent;
  std::int64_t stride;
};

/// A tile laid out densely in the local store.
struct Transfer {
  Amount bytes;  // contiguous in memory
  Amount rows = Amount::constant(1), planes = Amount::constant(1);
  std::int64_t row_stride = 0, plane_stride = 0;
};
/// Merges contiguous levels; throws Error(internal) when more than three remain.
Transfer transfer_of(int element_bytes, std::initializer_list<Level> levels);

/// Buffer flags: which side of the buffer's pointers the command moves.
struct Flags {
  bool hold = true, advance = true;
};

void emit_load(CoreEmitter& core, int buffer, int address, const Transfer& t,
               isa::Multicast multicast = isa::Multicast::none, Flags flags = {}, int offset = 0);
void emit_store(CoreEmitter& core, int buffer, int address, const Transfer& t, Flags flags = {});

}  // namespace leto::compiler
