#include "compiler/lower/tile_loop.h"

namespace leto::compiler {

void tile_loop(CoreEmitter& core, const std::vector<BlockedDim>& dims,
               const std::function<void(const Tile&)>& body) {
  std::int64_t tiles = 1;
  for (const auto& d : dims) tiles *= d.blocks();
  const auto number = core.where(isa::Coordinate::index);
  const auto pes = core.where(isa::Coordinate::count);
  // Trips of this PE: floor((tiles - index + pes - 1) / pes).
  const auto count = core.constant(tiles - 1);
  core.sub(count, count, number);
  core.add(count, count, pes);
  core.div(count, count, pes);
  core.loop(count, [&] {
    Tile tile;
    tile.index.assign(dims.size(), -1);
    tile.extent.resize(dims.size());
    const auto left = core.reg();
    core.add(left, number, 0);
    std::int64_t outer = tiles;
    for (auto i = dims.size(); i-- > 0;) {
      const auto& d = dims[i];
      outer /= d.blocks();
      tile.extent[i] = Amount::constant(d.tile);
      if (d.blocks() == 1) continue;
      tile.index[i] = core.reg();
      if (outer == 1) {
        core.add(tile.index[i], left, 0);
      } else {
        core.remi(tile.index[i], left, d.blocks());
        core.divi(left, left, d.blocks());
      }
      if (d.extent % d.tile != 0) {
        const auto start = core.reg();
        core.muli(start, tile.index[i], d.tile);
        tile.extent[i] = Amount::in(core.rest(start, d.extent, d.tile));
      }
    }
    body(tile);
    core.add(number, number, pes);
  });
}

CoreEmitter::Reg tile_address(CoreEmitter& core, std::uint64_t base, const Tile& tile,
                              const std::vector<BlockedDim>& dims, const Dims& strides) {
  const auto address = core.constant(std::int64_t(base));
  const auto step = core.reg();
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (tile.index[i] < 0 || strides[i] == 0) continue;
    core.muli(step, tile.index[i], dims[i].tile * strides[i]);
    core.add(address, address, step);
  }
  return address;
}

}  // namespace leto::compiler
