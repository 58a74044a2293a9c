#include "compiler/lower/tile_loop.h"

namespace leto::compiler {

namespace {

std::int64_t tiles_of(const std::vector<BlockedDim>& dims) {
  std::int64_t tiles = 1;
  for (const auto& d : dims) tiles *= d.blocks();
  return tiles;
}

// The tile whose number, innermost dim first, is in `left`, which is used up.
Tile numbered(CoreEmitter& core, const std::vector<BlockedDim>& dims, CoreEmitter::Reg left) {
  Tile tile;
  tile.index.assign(dims.size(), -1);
  tile.extent.resize(dims.size());
  std::int64_t outer = tiles_of(dims);
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
  return tile;
}

}  // namespace

void tile_loop(CoreEmitter& core, const std::vector<BlockedDim>& dims,
               const std::function<void(const Tile&)>& body, int first_pe) {
  const auto number = core.where(isa::Coordinate::index);
  const auto pes = core.where(isa::Coordinate::count);
  if (first_pe != 0) {
    core.add(number, number, pes);
    core.addi(number, number, -first_pe);
    core.rem(number, number, pes);
  }
  // Trips of this PE: floor((tiles - index + pes - 1) / pes).
  const auto count = core.constant(tiles_of(dims) - 1);
  core.sub(count, count, number);
  core.add(count, count, pes);
  core.div(count, count, pes);
  core.loop(count, [&] {
    const auto left = core.reg();
    core.add(left, number, 0);
    body(numbered(core, dims, left));
    core.add(number, number, pes);
  });
}

void run_loop(CoreEmitter& core, const std::vector<BlockedDim>& dims, std::size_t along,
              const RunBody& body) {
  const std::int64_t tiles = tiles_of(dims), blocks = dims[along].blocks();
  // This PE's tiles, numbered with `along` innermost: from tiles * index / pes up to the next PE's first.
  const auto number = core.where(isa::Coordinate::index);
  const auto pes = core.where(isa::Coordinate::count);
  const auto end = core.reg();
  core.addi(end, number, 1);
  for (auto bound : {number, end}) {
    core.muli(bound, bound, tiles);
    core.div(bound, bound, pes);
  }
  // Runs that they are parts of: ceil(end / blocks) - floor(number / blocks), none without tiles.
  const auto runs = core.reg(), first = core.reg(), left = core.reg();
  core.addi(runs, end, blocks - 1);
  core.divi(runs, runs, blocks);
  core.divi(first, number, blocks);
  core.sub(runs, runs, first);
  core.sub(left, end, number);
  core.min(runs, runs, left);
  std::vector<BlockedDim> others = dims;
  others[along].extent = others[along].tile;
  core.loop(runs, [&] {
    const auto run = core.reg(), position = core.reg(), count = core.reg(), rest = core.reg();
    core.divi(run, number, blocks);
    core.remi(position, number, blocks);
    core.set(count, blocks);
    core.sub(count, count, position);
    core.sub(rest, end, number);
    core.min(count, count, rest);
    core.add(number, number, count);
    Tile tile = numbered(core, others, run);
    body.begin(tile);
    tile.index[along] = position;
    core.loop(count, [&] {
      body.tile(tile);
      core.addi(position, position, 1);
    });
    body.end(tile);
  });
}

CoreEmitter::Reg tile_address(CoreEmitter& core, CoreEmitter::Reg address, const Tile& tile,
                              const std::vector<BlockedDim>& dims, const Dims& strides) {
  const auto step = core.reg();
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (tile.index[i] < 0 || strides[i] == 0) continue;
    core.muli(step, tile.index[i], dims[i].tile * strides[i]);
    core.add(address, address, step);
  }
  return address;
}

}  // namespace leto::compiler
