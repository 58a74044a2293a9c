#include "compiler/lower/matmul_loops.h"

#include "compiler/lower/tile_loop.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;

// What is left of [start, end) from `start`, at most `most`, at least 0.
Reg clip(CoreEmitter& core, Reg start, Reg end, std::int64_t most) {
  const Reg r = core.reg(), limit = core.constant(most);
  core.sub(r, end, start);
  core.min(r, r, limit);
  core.max(r, r, 0);
  return r;
}

struct Range {
  Reg start, end;
};

// The PE's share of [start, end) of a dim.
Range share(CoreEmitter& core, const MatmulPart& part, MatmulDim dim, std::int64_t start, std::int64_t end,
            std::int64_t each) {
  const bool rows = part.over_rows == dim, columns = part.over_columns == dim;
  if (!rows && !columns) return {core.constant(start), core.constant(end)};
  const Reg first = core.where(rows && columns ? isa::Coordinate::index
                               : rows          ? isa::Coordinate::row
                                               : isa::Coordinate::column);
  const Reg limit = core.constant(end), last = core.reg();
  core.muli(first, first, each);
  core.addi(first, first, start);
  core.min(first, first, limit);
  core.addi(last, first, each);
  core.min(last, last, limit);
  return {first, last};
}

// Even shares of the rounds of the loop over k: PE i of p starts at round floor(i * rounds / p).
void share_k(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part, MatmulUnit& u) {
  const bool rows = part.over_rows == MatmulDim::k;
  const auto& pe = code.context.chip.pe;
  const std::int64_t round = code.plan.round() * code.plan.tile_k, rounds = code.shape.k / round;
  u.k_start = core.where(rows ? isa::Coordinate::row : isa::Coordinate::column);
  u.k_middle = core.reg();
  core.muli(u.k_start, u.k_start, rounds);
  core.addi(u.k_middle, u.k_start, rounds);
  for (Reg r : {u.k_start, u.k_middle}) core.divi(r, r, rows ? pe.rows : pe.columns);
  core.sub(u.k_middle, u.k_middle, u.k_start);
  core.addi(u.k_middle, u.k_middle, -2);
  core.muli(u.k_start, u.k_start, round);
}

void grid_units(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part,
                const std::function<void(const MatmulUnit&)>& body) {
  const MatmulShape& s = code.shape;
  MatmulUnit u;
  const Range m = share(core, part, MatmulDim::m, part.m_start, part.m_end, part.m);
  const Range n = share(core, part, MatmulDim::n, 0, s.n, part.n);
  u.m_start = m.start, u.m_end = m.end, u.n_start = n.start, u.n_end = n.end;
  if (part.splits(MatmulDim::k)) share_k(core, code, part, u);
  u.batch.assign(s.batch.size(), -1);
  if (s.batches() == 1) return body(u);
  const Range batches = share(core, part, MatmulDim::batch, 0, s.batches(), part.batches);
  core.loop(clip(core, batches.start, batches.end, part.batches), [&] {
    const Reg left = core.reg();
    core.add(left, batches.start, 0);
    for (auto i = s.batch.size(); i-- > 0;) {
      u.batch[i] = core.reg();
      core.remi(u.batch[i], left, s.batch[i]);
      core.divi(left, left, s.batch[i]);
    }
    body(u);
    core.addi(batches.start, batches.start, 1);
  });
}

void dealt_units(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part,
                 const std::function<void(const MatmulUnit&)>& body) {
  const MatmulShape& s = code.shape;
  std::vector<BlockedDim> dims;
  for (auto b : s.batch) dims.push_back({b, 1});
  dims.push_back({s.m, part.tile_m});
  tile_loop(core, dims, [&](const Tile& tile) {
    MatmulUnit u;
    u.batch.assign(tile.index.begin(), tile.index.end() - 1);
    u.m_start = core.constant(0);
    if (tile.index.back() >= 0) core.muli(u.m_start, tile.index.back(), part.tile_m);
    u.m_end = core.constant(s.m);
    u.n_start = core.constant(0);
    u.n_end = core.constant(s.n);
    body(u);
  });
}

struct Along {  // one direction of the tiles
  Reg start, end;
  std::int64_t tiles, tile;
};

// Runs `body(start, extent)` for the tiles of one direction.
void along(CoreEmitter& core, const Along& a, const std::function<void(Reg, Reg)>& body) {
  core.scope([&] {
    const Reg at = core.reg();
    core.add(at, a.start, 0);
    core.loop(core.constant(a.tiles), [&] {
      body(at, clip(core, at, a.end, a.tile));
      core.addi(at, at, a.tile);
    });
  });
}

}  // namespace

void for_each_unit(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part,
                   const std::function<void(const MatmulUnit&)>& body) {
  core.scope([&] { part.dealt ? dealt_units(core, code, part, body) : grid_units(core, code, part, body); });
}

void for_each_tile(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part, const MatmulUnit& u,
                   const std::function<void(const MatmulTile&, bool)>& around,
                   const std::function<void(const MatmulTile&)>& body) {
  const Along m{u.m_start, u.m_end, part.tiles_m(), part.tile_m},
      n{u.n_start, u.n_end, part.tiles_n(), part.tile_n};
  const bool n_outside = code.plan.b.kept;
  along(core, n_outside ? n : m, [&](Reg outer, Reg outer_extent) {
    MatmulTile tile;
    (n_outside ? tile.n0 : tile.m0) = outer;
    (n_outside ? tile.columns : tile.rows) = outer_extent;
    around(tile, true);
    along(core, n_outside ? m : n, [&](Reg inner, Reg inner_extent) {
      MatmulTile whole = tile;
      (n_outside ? whole.m0 : whole.n0) = inner;
      (n_outside ? whole.rows : whole.columns) = inner_extent;
      body(whole);
    });
    around(tile, false);
  });
}

void for_each_chunk(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part, const MatmulUnit& unit,
                    const std::function<void(const MatmulChunk&)>& body,
                    const std::function<void(std::int64_t)>& next) {
  const MatmulPlan& p = code.plan;
  const std::int64_t k = code.shape.k, chunks = code.chunks();
  const auto per_tile = [&](const MatmulOperand& o) { return o.kept ? 1 : o.span / p.tile_k; };
  const std::int64_t per_round = std::min(chunks, p.round());
  const std::int64_t rounds = (chunks + per_round - 1) / per_round;
  // The round from chunk `first` on stands for others like it.
  const auto round = [&](std::int64_t first) {
    const std::int64_t count = std::min(per_round, chunks - first);
    for (std::int64_t i = 0; i < count; ++i) {
      const bool last = first + i + 1 == chunks;
      const auto side = [&](const MatmulOperand& o) {
        if (o.kept) return MatmulChunk::Side{false, false, k, 0};
        const std::int64_t per = per_tile(o), index = i % per, left = k - (first + i - index) * p.tile_k;
        return MatmulChunk::Side{index == 0, index + 1 == per || last, std::min(o.span, left), index};
      };
      core.scope([&] {
        body({first + i == 0, last, std::min(p.tile_k, k - (first + i) * p.tile_k), i * p.tile_k, side(p.a),
              side(p.b)});
      });
    }
    next(per_round * p.tile_k);
  };
  round(0);
  if (part.splits(MatmulDim::k)) {
    core.loop(unit.k_middle, [&] { round(per_round); });
    return round((rounds - 1) * per_round);
  }
  if (rounds > 2) core.loop(core.constant(rounds - 2), [&] { round(per_round); });
  if (rounds > 1) round((rounds - 1) * per_round);
}

MatmulChain chain_of(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part) {
  const bool rows = part.over_rows == MatmulDim::k;
  const auto& pe = code.context.chip.pe;
  MatmulChain chain{core.where(rows ? isa::Coordinate::row : isa::Coordinate::column), core.reg(), core.reg(),
                    rows ? isa::Direction::north : isa::Direction::west,
                    rows ? isa::Direction::south : isa::Direction::east};
  const Reg one = core.constant(1), end = core.constant((rows ? pe.rows : pe.columns) - 1);
  core.sub(chain.not_last, end, chain.not_first);
  core.min(chain.not_last, chain.not_last, one);
  core.min(chain.not_first, chain.not_first, one);
  core.sub(chain.last, one, chain.not_last);
  return chain;
}

}  // namespace leto::compiler
