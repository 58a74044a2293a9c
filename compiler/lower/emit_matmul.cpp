// Matrix products. The move core loads tiles of a and b chunk by chunk along k and stores tiles of c; the
// compute core transposes what is not k-adjacent, streams b against held rows of a into two accumulator
// slots, and drains each slot while the engine goes on with the other.
#include "compiler/lower/emit.h"
#include "compiler/lower/matmul_plan.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;

// Where in a's panel a chunk goes (register), and whether it opens or closes the panel's tile.
struct TilePart {
  Reg offset = 0;
  Flags flags;
};

class MatmulEmitter {
 public:
  MatmulEmitter(EmitContext& context, const MatmulKernel& kernel)
      : context_(context), pe_(context.pe), s_(normalise(kernel)), p_(plan_matmul(s_, context.chip)) {
    element_ = size_of(s_.a.dtype);
    result_ = size_of(s_.c.dtype);
    chunks_ = p_.k_chunks(s_.k);
  }

  void run() {
    pe_.barrier(isa::Scope::pe);
    define_buffers();
    context_.begin_code();
    for_each_unit(pe_.move, [&](const Unit& u) { move_unit(u); });
    for_each_unit(pe_.compute, [&](const Unit& u) { compute_unit(u); });
  }

 private:
  // What one PE works on: rows [m_start, m_end) and columns [n_start, n_end) of one batch. Registers.
  struct Unit {
    Reg m_start, m_end, n_start, n_end;
    std::vector<Reg> batch;  // index registers, -1 for 0
  };

  static std::int64_t tiles(std::int64_t extent, std::int64_t tile) { return ceil_div(extent, tile); }
  std::int64_t tiles_m() const { return p_.grid ? tiles(p_.m_per_pe, p_.tile_m) : 1; }
  std::int64_t tiles_n() const { return tiles(p_.n_per_pe, p_.tile_n); }

  void define_buffers() {
    pe_.reset_buffers();
    const std::int64_t a = aligned(p_.tile_m * p_.tile_k * element_),
                       b = aligned(p_.tile_n * p_.tile_k * element_);
    a_ = p_.panels ? pe_.buffer(a * chunks_, p_.panels) : pe_.buffer(a, p_.depth);
    chunk_bytes_ = a;
    b_ = pe_.buffer(b, p_.depth);
    c_ = pe_.buffer(aligned(p_.tile_m * p_.tile_n * result_), 2);
    a_raw_ = p_.transpose_a ? pe_.buffer(a, 2) : a_;
    b_raw_ = p_.transpose_b ? pe_.buffer(b, 2) : b_;
  }

  // ---- units ----
  void for_each_unit(CoreEmitter& core, const std::function<void(const Unit&)>& body) {
    p_.grid ? grid_units(core, body) : dealt_units(core, body);
  }

  void grid_units(CoreEmitter& core, const std::function<void(const Unit&)>& body) {
    auto share = [&](isa::Coordinate which, std::int64_t per_pe, std::int64_t total) {
      const Reg start = core.where(which), end = core.reg(), limit = core.constant(total);
      core.muli(start, start, per_pe);
      core.min(start, start, limit);
      core.addi(end, start, per_pe);
      core.min(end, end, limit);
      return std::pair{start, end};
    };
    Unit u;
    std::tie(u.m_start, u.m_end) =
        share(p_.m_on_rows ? isa::Coordinate::row : isa::Coordinate::column, p_.m_per_pe, s_.m);
    std::tie(u.n_start, u.n_end) =
        share(p_.m_on_rows ? isa::Coordinate::column : isa::Coordinate::row, p_.n_per_pe, s_.n);
    const std::int64_t batches = product(s_.batch);
    if (batches == 1) {
      u.batch.assign(s_.batch.size(), -1);
      return body(u);
    }
    const Reg number = core.constant(0);
    core.loop(core.constant(batches), [&] {
      const Reg left = core.reg();
      core.add(left, number, 0);
      u.batch.assign(s_.batch.size(), -1);
      for (auto i = s_.batch.size(); i-- > 0;) {
        u.batch[i] = core.reg();
        core.remi(u.batch[i], left, s_.batch[i]);
        core.divi(left, left, s_.batch[i]);
      }
      body(u);
      core.addi(number, number, 1);
    });
  }

  void dealt_units(CoreEmitter& core, const std::function<void(const Unit&)>& body) {
    std::vector<BlockedDim> dims;
    for (auto b : s_.batch) dims.push_back({b, 1});
    dims.push_back({s_.m, p_.tile_m});
    tile_loop(core, dims, [&](const Tile& tile) {
      Unit u;
      u.batch.assign(tile.index.begin(), tile.index.end() - 1);
      u.m_start = core.constant(0);
      if (tile.index.back() >= 0) core.muli(u.m_start, tile.index.back(), p_.tile_m);
      u.m_end = core.constant(s_.m);
      u.n_start = core.constant(0);
      u.n_end = core.constant(s_.n);
      body(u);
    });
  }

  // What is left of [start, end) from `start`, at most `tile`, at least 0.
  static Reg clip(CoreEmitter& core, Reg start, Reg end, std::int64_t tile) {
    const Reg r = core.reg(), limit = core.constant(tile);
    core.sub(r, end, start);
    core.min(r, r, limit);
    core.max(r, r, 0);
    return r;
  }

  // ---- move core ----
  struct Side {  // an operand as the move core sees it
    const Place& place;
    int buffer;
    bool transpose;
    isa::Multicast multicast;
  };

  Side a_side() const {
    const auto cast = p_.m_on_rows ? isa::Multicast::row : isa::Multicast::column;
    return {s_.a, a_raw_, p_.transpose_a, p_.grid ? cast : isa::Multicast::none};
  }
  Side b_side() const {
    const auto cast = p_.m_on_rows ? isa::Multicast::column : isa::Multicast::row;
    return {s_.b, b_raw_, p_.transpose_b, p_.grid ? cast : isa::Multicast::none};
  }

  // Address of [batch, start, 0] of a [batch…, rows, columns] operand.
  Reg base_of(CoreEmitter& core, const Place& place, const Unit& u, Reg start) const {
    const Reg address = core.constant(std::int64_t(context_.address(place))), step = core.reg();
    const int element = size_of(place.dtype);
    auto advance = [&](Reg index, std::int64_t stride) {
      if (index < 0 || stride == 0) return;
      core.muli(step, index, stride * element);
      core.add(address, address, step);
    };
    const auto& strides = place.view.strides;
    for (std::size_t i = 0; i < u.batch.size(); ++i) advance(u.batch[i], strides[i]);
    advance(start, strides[strides.size() - 2]);
    return address;
  }

  void load_chunk(CoreEmitter& core, const Side& side, Reg base, Reg rows, Reg k_start, Amount k,
                  TilePart part = {}) const {
    const auto& strides = side.place.view.strides;
    const std::int64_t row_stride = strides[strides.size() - 2] * element_,
                       k_stride = strides.back() * element_;
    const Reg address = core.reg();
    core.muli(address, k_start, k_stride);
    core.add(address, address, base);
    const Level along_k{k, k_stride}, along_rows{Amount::in(rows), row_stride};
    const Transfer t = side.transpose ? transfer_of(element_, {along_rows, along_k})
                                      : transfer_of(element_, {along_k, along_rows});
    emit_load(core, side.buffer, address, t, side.multicast, part.flags, part.offset);
  }

  // Runs `body(k_start, k)` for every chunk of k.
  void chunks(CoreEmitter& core, const std::function<void(Reg, Amount)>& body) const {
    const Reg start = core.constant(0);
    core.loop(core.constant(chunks_), [&] {
      const bool even = s_.k % p_.tile_k == 0;
      body(start, even ? Amount::constant(p_.tile_k) : Amount::in(core.rest(start, s_.k, p_.tile_k)));
      core.addi(start, start, p_.tile_k);
    });
  }

  // Runs `body(k_start, k, part)` for every chunk of a panel; without a loop, since first and last differ.
  void panel_chunks(CoreEmitter& core, const std::function<void(Reg, Amount, TilePart)>& body) const {
    for (std::int64_t c = 0; c < chunks_; ++c)
      core.scope([&] {
        const Amount k = Amount::constant(std::min(p_.tile_k, s_.k - c * p_.tile_k));
        body(core.constant(c * p_.tile_k), k, {core.constant(c * chunk_bytes_), {c == 0, c + 1 == chunks_}});
      });
  }

  void move_unit(const Unit& u) {
    auto& core = pe_.move;
    const Reg m0 = core.reg();
    core.add(m0, u.m_start, 0);
    core.loop(core.constant(tiles_m()), [&] {
      const Reg rows = clip(core, m0, u.m_end, p_.tile_m);
      const Reg a_base = base_of(core, s_.a, u, m0), c_base = base_of(core, s_.c, u, m0);
      if (p_.panels)
        panel_chunks(core, [&](Reg k0, Amount k, TilePart part) {
          load_chunk(core, a_side(), a_base, rows, k0, k, p_.transpose_a ? TilePart{} : part);
        });
      const Reg n0 = core.reg();
      core.add(n0, u.n_start, 0);
      core.loop(core.constant(tiles_n()), [&] {
        const Reg columns = clip(core, n0, u.n_end, p_.tile_n);
        const Reg b_base = base_of(core, s_.b, u, n0);
        chunks(core, [&](Reg k0, Amount k) {
          if (!p_.panels) load_chunk(core, a_side(), a_base, rows, k0, k);
          load_chunk(core, b_side(), b_base, columns, k0, k);
        });
        store_tile(core, c_base, rows, n0, columns);
        core.addi(n0, n0, p_.tile_n);
      });
      core.addi(m0, m0, p_.tile_m);
    });
  }

  void store_tile(CoreEmitter& core, Reg base, Reg rows, Reg n0, Reg columns) const {
    const auto& strides = s_.c.view.strides;
    const Reg address = core.reg();
    core.muli(address, n0, strides.back() * result_);
    core.add(address, address, base);
    const Level along_n{Amount::in(columns), strides.back() * result_},
        along_m{Amount::in(rows), strides[strides.size() - 2] * result_};
    emit_store(core, c_, address, transfer_of(result_, {along_n, along_m}));
  }

  // ---- compute core ----
  struct TileRegs {
    Reg rows, columns;      // extents of the tile
    std::vector<Reg> m, n;  // of each accumulator slot
  };
  int halves() const { return p_.halves_m * p_.halves_n; }
  std::int64_t bank(int half) const { return half * std::max(1, context_.chip.reduction_engine.banks / 2); }

  void compute_unit(const Unit& u) {
    auto& core = pe_.compute;
    const Reg m0 = core.reg();
    core.add(m0, u.m_start, 0);
    core.loop(core.constant(tiles_m()), [&] {
      const Reg rows = clip(core, m0, u.m_end, p_.tile_m);
      if (p_.panels && p_.transpose_a)
        panel_chunks(core, [&](Reg, Amount k, TilePart part) { transpose(core, a_raw_, a_, k, rows, part); });
      const Reg n0 = core.reg();
      core.add(n0, u.n_start, 0);
      auto tile = [&](bool wait_a, bool pop_a) {
        core.scope([&] {
          const Reg columns = clip(core, n0, u.n_end, p_.tile_n);
          const TileRegs t = split(core, rows, columns);
          accumulate(core, t, wait_a, pop_a);
          drain(core, t);
          core.addi(n0, n0, p_.tile_n);
        });
      };
      if (p_.panels) {  // waited for with the first tile of n, popped with the last
        tile(true, false);
        if (tiles_n() > 2) core.loop(core.constant(tiles_n() - 2), [&] { tile(false, false); });
        tile(false, true);
      } else {
        core.loop(core.constant(tiles_n()), [&] { tile(true, true); });
      }
      core.addi(m0, m0, p_.tile_m);
    });
  }

  TileRegs split(CoreEmitter& core, Reg rows, Reg columns) const {
    TileRegs t{rows, columns, {}, {}};
    auto part = [&](Reg total, std::int64_t start, std::int64_t limit) {
      const Reg r = core.reg(), cap = core.constant(limit);
      core.addi(r, total, -start);
      core.min(r, r, cap);
      core.max(r, r, 0);
      return r;
    };
    for (int h = 0; h < halves(); ++h) {
      t.m.push_back(p_.halves_m == 2 ? part(rows, h * isa::kHeldRows, isa::kHeldRows) : rows);
      t.n.push_back(p_.halves_n == 2 ? part(columns, h * p_.slot_n, p_.slot_n) : columns);
    }
    return t;
  }

  // All chunks of k; the first one starts the accumulators, the last one hands them on.
  void accumulate(CoreEmitter& core, const TileRegs& t, bool wait_a, bool pop_a) {
    const Amount whole = Amount::constant(p_.tile_k),
                 tail = Amount::constant(s_.k - (chunks_ - 1) * p_.tile_k);
    if (p_.panels) {
      const Reg at = core.constant(0);  // of the chunk in the panel
      if (chunks_ == 1) return chunk(core, t, tail, {true, true, wait_a, pop_a}, at);
      chunk(core, t, whole, {true, false, wait_a, false}, at);
      auto middle = [&] { chunk(core, t, whole, {false, false, false, false}, at); };
      if (chunks_ > 2) core.loop(core.constant(chunks_ - 2), middle);
      return chunk(core, t, tail, {false, true, false, pop_a}, at);
    }
    if (chunks_ == 1) return chunk(core, t, tail, {true, true, true, true});
    chunk(core, t, whole, {true, false, true, true});
    if (chunks_ > 2)
      core.loop(core.constant(chunks_ - 2), [&] { chunk(core, t, whole, {false, false, true, true}); });
    chunk(core, t, tail, {false, true, true, true});
  }

  struct ChunkFlags {
    bool first, last;    // of k
    bool wait_a, pop_a;  // a's tile: each wait stands where it is needed, and only there
  };

  // One chunk of k, at `a_start` of a's tile when that is a panel (moved on to the next chunk).
  void chunk(CoreEmitter& core, const TileRegs& t, Amount k, ChunkFlags flags, Reg a_start = 0) {
    using M = isa::matmul_t;
    if (p_.transpose_a && !p_.panels) transpose(core, a_raw_, a_, k, t.rows);
    if (p_.transpose_b) transpose(core, b_raw_, b_, k, t.columns);
    const Amount pitch = k.times(element_);
    for (int h = 0; h < halves(); ++h) {
      const bool start = h == 0, pop = h + 1 == halves();
      const Reg a_offset =
          after(core, a_start, offset(core, p_.halves_m == 2 ? h * isa::kHeldRows : 0, pitch));
      const Reg b_offset = offset(core, p_.halves_n == 2 ? h * p_.slot_n : 0, pitch);
      const Reg shape = core.shape({Amount::in(t.m[std::size_t(h)]), Amount::in(t.n[std::size_t(h)]), k,
                                    pitch, pitch, Amount::constant(0)});
      core.emit(isa::Opcode::matmul, {{M::held, a_},
                                      {M::held_offset, a_offset},
                                      {M::held_wait, start && flags.wait_a},
                                      {M::held_pop, pop && flags.pop_a},
                                      {M::stream, b_},
                                      {M::stream_offset, b_offset},
                                      {M::stream_wait, start},
                                      {M::stream_pop, pop},
                                      {M::held_type, std::int64_t(s_.a.dtype)},
                                      {M::stream_type, std::int64_t(s_.b.dtype)},
                                      {M::bank, bank(h)},
                                      {M::first, flags.first},
                                      {M::last, flags.last},
                                      {M::shape, shape}});
    }
    if (a_start != 0) core.addi(a_start, a_start, chunk_bytes_);
  }

  static Reg after(CoreEmitter& core, Reg start, Reg offset) {
    if (start == 0 || offset == 0) return start + offset;
    core.add(offset, offset, start);
    return offset;
  }

  // Bytes of `rows` rows; r0 when there are none.
  static Reg offset(CoreEmitter& core, std::int64_t rows, Amount pitch) {
    return rows == 0 ? 0 : core.materialise(pitch.times(rows));
  }

  // raw[k][rows] -> operand[rows][k].
  void transpose(CoreEmitter& core, int raw, int operand, Amount k, Reg rows, TilePart part = {}) const {
    using T = isa::transpose_t;
    const Reg shape = core.shape({k, Amount::in(rows), Amount::in(rows, element_), k.times(element_),
                                  Amount::constant(0), Amount::constant(0)});
    core.emit(isa::Opcode::transpose, {{T::dst, operand},
                                       {T::dst_offset, part.offset},
                                       {T::reserve, part.flags.hold},
                                       {T::push, part.flags.advance},
                                       {T::src, raw},
                                       {T::wait, 1},
                                       {T::pop, 1},
                                       {T::type, std::int64_t(s_.a.dtype)},
                                       {T::shape, shape}});
  }

  // Slot by slot into the c tile, which is dense: [rows][columns].
  void drain(CoreEmitter& core, const TileRegs& t) const {
    using D = isa::drain_t;
    const Amount pitch = Amount::in(t.columns, result_);
    for (int h = 0; h < halves(); ++h) {
      const Reg at = p_.halves_m == 2 ? offset(core, h * isa::kHeldRows, pitch)
                                      : offset(core, h * p_.slot_n, Amount::constant(result_));
      const Reg shape = core.shape({Amount::in(t.m[std::size_t(h)]), Amount::in(t.n[std::size_t(h)]), pitch});
      core.emit(isa::Opcode::drain, {{D::bank, bank(h)},
                                     {D::dst, c_},
                                     {D::dst_offset, at},
                                     {D::reserve, h == 0},
                                     {D::push, h + 1 == halves()},
                                     {D::dst_type, std::int64_t(s_.c.dtype)},
                                     {D::shape, shape}});
    }
  }

  EmitContext& context_;
  PeEmitter& pe_;
  MatmulShape s_;
  MatmulPlan p_;
  int element_, result_;
  std::int64_t chunks_, chunk_bytes_ = 0;
  int a_ = 0, b_ = 0, c_ = 0, a_raw_ = 0, b_raw_ = 0;
};

}  // namespace

void emit_matmul(EmitContext& context, const MatmulKernel& kernel) {
  MatmulEmitter(context, kernel).run();
}

}  // namespace leto::compiler
