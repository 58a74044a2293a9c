// Matrix products, the move core: loads of both operands, stores of c.
#include "compiler/lower/matmul_loops.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;

class Mover {
 public:
  Mover(const MatmulCode& code, const MatmulPart& part)
      : code_(code), s_(code.shape), p_(code.plan), part_(part), core_(code.context.pe.move) {}

  void unit(const MatmulUnit& u) {
    for_each_tile(
        core_, code_, part_, u,
        [&](const MatmulTile& tile, bool before) {
          if (before && p_.a.kept) load_kept(a(u, tile));
          if (before && p_.b.kept) load_kept(b(u, tile));
        },
        [&](const MatmulTile& tile) {
          const Side from_a = a(u, tile), from_b = b(u, tile);
          const Reg k0 = core_.reg();
          core_.add(k0, u.k_start, 0);
          for_each_chunk(
              core_, code_, part_, u,
              [&](const MatmulChunk& c) {
                if (c.a.opens) load(from_a, k0, c.from, Amount::constant(p_.a.transpose ? c.k : c.a.width));
                if (c.b.opens) load(from_b, k0, c.from, Amount::constant(p_.b.transpose ? c.k : c.b.width));
              },
              [&](std::int64_t k) { core_.addi(k0, k0, k); });
          if (!part_.splits(MatmulDim::k)) return store(u, tile);
          core_.loop(chain_of(core_, code_, part_).last, [&] { store(u, tile); });
        });
  }

 private:
  struct Side {  // rows of an operand
    const Place& place;
    const MatmulOperand& operand;
    int buffer;
    isa::Multicast multicast;
    Reg base, rows;  // address of the first row
  };
  Side a(const MatmulUnit& u, const MatmulTile& tile) const {
    if (tile.rows == 0) return {s_.a, p_.a, code_.a_raw, isa::Multicast::none, 0, 0};
    return {s_.a, p_.a, code_.a_raw, shared_along(MatmulDim::n), base_of(s_.a, u, tile.m0), tile.rows};
  }
  Side b(const MatmulUnit& u, const MatmulTile& tile) const {
    if (tile.columns == 0) return {s_.b, p_.b, code_.b_raw, isa::Multicast::none, 0, 0};
    return {s_.b, p_.b, code_.b_raw, shared_along(MatmulDim::m), base_of(s_.b, u, tile.n0), tile.columns};
  }

  // PEs that differ only in their share of `dim` read the same rows of an operand without that dim.
  isa::Multicast shared_along(MatmulDim dim) const {
    const bool rows = part_.over_rows == dim, columns = part_.over_columns == dim;
    if (part_.dealt || (!rows && !columns)) return isa::Multicast::none;
    return rows && columns ? isa::Multicast::all : columns ? isa::Multicast::row : isa::Multicast::column;
  }

  // Address of [batch, start, 0] of a [batch…, rows, columns] operand.
  Reg base_of(const Place& place, const MatmulUnit& u, Reg start) const {
    const Reg address = code_.context.address_register(place), step = core_.reg();
    const int element = size_of(place.dtype);
    auto advance = [&](Reg index, std::int64_t stride) {
      if (index < 0 || stride == 0) return;
      core_.muli(step, index, stride * element);
      core_.add(address, address, step);
    };
    const auto& strides = place.view.strides;
    for (std::size_t i = 0; i < u.batch.size(); ++i) advance(u.batch[i], strides[i]);
    advance(start, strides[strides.size() - 2]);
    return address;
  }

  // k elements of every row, from k0 + from on.
  void load(const Side& side, Reg k0, std::int64_t from, Amount k) const {
    const auto& strides = side.place.view.strides;
    const std::int64_t row_stride = strides[strides.size() - 2] * code_.element,
                       k_stride = strides.back() * code_.element;
    const Reg address = core_.reg();
    core_.muli(address, k0, k_stride);
    core_.add(address, address, side.base);
    if (from != 0) core_.addi(address, address, from * k_stride);
    const Level along_k{k, k_stride}, along_rows{Amount::in(side.rows), row_stride};
    const Transfer t = side.operand.transpose ? transfer_of(code_.element, {along_rows, along_k})
                                              : transfer_of(code_.element, {along_k, along_rows});
    emit_load(core_, side.buffer, address, t, side.multicast);
  }

  // All of k: in one load, or chunk by chunk for the layout engine.
  void load_kept(const Side& side) const {
    core_.scope([&] {
      const Reg k0 = core_.constant(0);
      if (!side.operand.transpose) return load(side, k0, 0, Amount::constant(s_.k));
      const std::int64_t chunks = code_.chunks();
      if (chunks > 1)
        core_.loop(core_.constant(chunks - 1), [&] {
          load(side, k0, 0, Amount::constant(p_.tile_k));
          core_.addi(k0, k0, p_.tile_k);
        });
      load(side, k0, 0, Amount::constant(s_.k - (chunks - 1) * p_.tile_k));
    });
  }

  void store(const MatmulUnit& u, const MatmulTile& tile) const {
    const auto& strides = s_.c.view.strides;
    const Reg address = base_of(s_.c, u, tile.m0), step = core_.reg();
    core_.muli(step, tile.n0, strides.back() * code_.result);
    core_.add(address, address, step);
    const Level along_n{Amount::in(tile.columns), strides.back() * code_.result},
        along_m{Amount::in(tile.rows), strides[strides.size() - 2] * code_.result};
    emit_store(core_, code_.c, address, transfer_of(code_.result, {along_n, along_m}));
  }

  const MatmulCode& code_;
  const MatmulShape& s_;
  const MatmulPlan& p_;
  const MatmulPart& part_;
  CoreEmitter& core_;
};

}  // namespace

void emit_matmul_moves(const MatmulCode& code, const MatmulPart& part) {
  Mover mover(code, part);
  for_each_unit(code.context.pe.move, code, part, [&](const MatmulUnit& u) { mover.unit(u); });
}

}  // namespace leto::compiler
