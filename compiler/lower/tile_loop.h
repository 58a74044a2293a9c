// The loop every kernel shares: tiles of an iteration space, dealt to PEs in turn.
#pragma once

#include <functional>

#include "compiler/lower/core_emitter.h"
#include "compiler/lower/view.h"

namespace leto::compiler {

/// A blocked dim of an iteration space.
struct BlockedDim {
  std::int64_t extent, tile;
  std::int64_t blocks() const { return (extent + tile - 1) / tile; }
};

/// Inside the loop: the block index of every dim (register, or constant 0 when it has one block) and its
/// extent. In `begin` and `end` of a run the dim along it has no meaning.
struct Tile {
  std::vector<int> index;      // register, -1 when the dim has one block
  std::vector<Amount> extent;  // of the tile in each dim
};

/// Emits `body` for every tile whose linear number is congruent to the PE's index, counted from `first_pe`,
/// modulo the PE count; dims are ordered outermost first. Both cores emit the same loop and so visit the same
/// tiles in the same order.
void tile_loop(CoreEmitter& core, const std::vector<BlockedDim>& dims,
               const std::function<void(const Tile&)>& body, int first_pe = 0);

/// The same tiles, so dealt that a PE's follow each other along dim `along` (whose tiles must be alike):
/// `begin` and `end` are emitted around each run of tiles that differ in that dim only.
struct RunBody {
  std::function<void(const Tile&)> begin, tile, end;
};
void run_loop(CoreEmitter& core, const std::vector<BlockedDim>& dims, std::size_t along, const RunBody& body);

/// address += sum(index[i] * tile[i] * stride[i]); strides in bytes. Returns the address's register.
CoreEmitter::Reg tile_address(CoreEmitter& core, CoreEmitter::Reg address, const Tile& tile,
                              const std::vector<BlockedDim>& dims, const Dims& strides);

}  // namespace leto::compiler
