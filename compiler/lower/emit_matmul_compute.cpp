// Matrix products, the compute core: layout engine, matrix engine, reduction engine.
#include "compiler/lower/matmul_loops.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;

class Computer {
 public:
  Computer(const MatmulCode& code, const MatmulPart& part)
      : code_(code), p_(code.plan), part_(part), core_(code.context.pe.compute) {}

  void unit(const MatmulUnit& u) {
    for_each_tile(
        core_, code_, part_, u,
        [&](const MatmulTile& tile, bool before) {
          if (p_.a.kept) kept(p_.a, code_.a_raw, code_.a, tile.rows, before);
          if (p_.b.kept) kept(p_.b, code_.b_raw, code_.b, tile.columns, before);
        },
        [&](const MatmulTile& tile) {
          const Slots slots = split(tile);
          accumulate(u, tile, slots);
          part_.splits(MatmulDim::k) ? reduce(tile, slots) : drain(tile, slots);
        });
  }

 private:
  struct Slots {
    std::vector<Reg> m, n;  // extents along each direction
  };

  Slots split(const MatmulTile& tile) const {
    Slots slots;
    auto part = [&](Reg total, int count, std::int64_t most) {
      std::vector<Reg> extents{total};
      if (count == 1) return extents;
      extents.clear();
      const Reg cap = core_.constant(most);
      for (int i = 0; i < count; ++i) {
        const Reg r = extents.emplace_back(core_.reg());
        core_.addi(r, total, -i * most);
        core_.min(r, r, cap);
        core_.max(r, r, 0);
      }
      return extents;
    };
    slots.m = part(tile.rows, part_.slots_m, p_.held);
    slots.n = part(tile.columns, part_.slots_n, part_.slot_n);
    return slots;
  }
  // Calls body(index, along m, along n) for every slot.
  void for_each_slot(const std::function<void(int, int, int)>& body) const {
    for (int m = 0; m < part_.slots_m; ++m)
      for (int n = 0; n < part_.slots_n; ++n) body(m * part_.slots_n + n, m, n);
  }
  std::int64_t bank(int slot) const {
    return slot * (code_.context.chip.reduction_engine.banks / part_.slots());
  }

  // A tile that stays: transposed piece by piece if it must be, waited for before the first chunk that reads
  // it and popped after the last one, by a matmul of no rows.
  void kept(const MatmulOperand& o, int raw, int buffer, Reg rows, bool before) const {
    if (before && o.transpose) transpose_kept(raw, buffer, rows, code_.chunk_step(o));
    using M = isa::matmul_t;
    const Amount none = Amount::constant(0);
    const Reg shape = core_.shape({none, none, none, none, none, none});
    core_.emit(isa::Opcode::matmul, {{M::held, buffer},
                                     {M::held_wait, before},
                                     {M::held_pop, !before},
                                     {M::stream, buffer},
                                     {M::held_type, std::int64_t(code_.shape.a.dtype)},
                                     {M::stream_type, std::int64_t(code_.shape.b.dtype)},
                                     {M::shape, shape}});
  }

  void transpose_kept(int raw, int buffer, Reg rows, std::int64_t step) const {
    core_.scope([&] {
      const std::int64_t chunks = code_.chunks();
      const Reg at = core_.constant(0);
      auto one = [&](std::int64_t k, bool reserve, bool push) {
        transpose(raw, buffer, Amount::constant(k), rows, at, reserve, push);
        core_.addi(at, at, step);
      };
      const std::int64_t tail = code_.shape.k - (chunks - 1) * p_.tile_k;
      if (chunks == 1) return one(tail, true, true);
      one(p_.tile_k, true, false);
      if (chunks > 2) core_.loop(core_.constant(chunks - 2), [&] { one(p_.tile_k, false, false); });
      one(tail, false, true);
    });
  }

  // raw[k][rows] -> operand[rows][k].
  void transpose(int raw, int operand, Amount k, Reg rows, Reg at, bool reserve, bool push) const {
    using T = isa::transpose_t;
    const Reg shape = core_.shape({k, Amount::in(rows), Amount::in(rows, code_.element),
                                   k.times(code_.element), Amount::constant(0), Amount::constant(0)});
    core_.emit(isa::Opcode::transpose, {{T::dst, operand},
                                        {T::dst_offset, at},
                                        {T::reserve, reserve},
                                        {T::push, push},
                                        {T::src, raw},
                                        {T::wait, 1},
                                        {T::pop, 1},
                                        {T::type, std::int64_t(code_.shape.a.dtype)},
                                        {T::shape, shape}});
  }

  // The first chunk starts the accumulators, the last one hands them on.
  void accumulate(const MatmulUnit& u, const MatmulTile& tile, const Slots& slots) const {
    core_.scope([&] {
      const Reg at = p_.a.kept || p_.b.kept ? core_.constant(0) : 0;  // of the chunk in the kept tile
      for_each_chunk(
          core_, code_, part_, u,
          [&](const MatmulChunk& c) {
            chunk(tile, slots, c, at);
            if (at != 0) core_.addi(at, at, code_.chunk_step(p_.a.kept ? p_.a : p_.b));
          },
          [](std::int64_t) {});
    });
  }

  void chunk(const MatmulTile& tile, const Slots& slots, const MatmulChunk& c, Reg at) const {
    const Amount k = Amount::constant(c.k);
    if (p_.a.transpose && !p_.a.kept) transpose(code_.a_raw, code_.a, k, tile.rows, 0, true, true);
    if (p_.b.transpose && !p_.b.kept) transpose(code_.b_raw, code_.b, k, tile.columns, 0, true, true);
    const auto pitch = [&](const MatmulOperand& o, const MatmulChunk::Side& side) {
      return (o.transpose ? c.k : side.width) * code_.element;
    };
    const std::int64_t pitch_a = pitch(p_.a, c.a), pitch_b = pitch(p_.b, c.b);
    for_each_slot([&](int slot, int m, int n) {
      const bool start = slot == 0, end = slot + 1 == part_.slots();
      const Reg a_offset = offset(p_.a, c.a, m * p_.held * pitch_a, at),
                b_offset = offset(p_.b, c.b, n * part_.slot_n * pitch_b, at);
      const Reg shape =
          core_.shape({Amount::in(slots.m[std::size_t(m)]), Amount::in(slots.n[std::size_t(n)]), k,
                       Amount::constant(pitch_a), Amount::constant(pitch_b), Amount::constant(0)});
      using M = isa::matmul_t;
      core_.emit(isa::Opcode::matmul, {{M::held, code_.a},
                                       {M::held_offset, a_offset},
                                       {M::held_wait, start && c.a.opens},
                                       {M::held_pop, end && c.a.closes},
                                       {M::stream, code_.b},
                                       {M::stream_offset, b_offset},
                                       {M::stream_wait, start && c.b.opens},
                                       {M::stream_pop, end && c.b.closes},
                                       {M::held_type, std::int64_t(code_.shape.a.dtype)},
                                       {M::stream_type, std::int64_t(code_.shape.b.dtype)},
                                       {M::bank, bank(slot)},
                                       {M::first, c.first},
                                       {M::last, c.last},
                                       {M::shape, shape}});
    });
  }

  // Bytes into the operand's tile: of the chunk, and `rows` further. A register, r0 for none.
  Reg offset(const MatmulOperand& o, const MatmulChunk::Side& side, std::int64_t rows, Reg at) const {
    const std::int64_t fixed = rows + side.index * code_.chunk_step(o);
    if (!o.kept) return fixed == 0 ? 0 : core_.constant(fixed);
    if (fixed == 0) return at;
    const Reg r = core_.reg();
    core_.addi(r, at, fixed);
    return r;
  }

  // Slot by slot into the c tile.
  void drain(const MatmulTile& tile, const Slots& slots) const {
    for_each_slot([&](int slot, int m, int n) { core_.scope([&] { drain(tile, slots, slot, m, n); }); });
  }

  // Slot by slot down the chain of PEs that share k.
  void reduce(const MatmulTile& tile, const Slots& slots) const {
    core_.scope([&] {
      const MatmulChain chain = chain_of(core_, code_, part_);
      for_each_slot([&](int slot, int m, int n) {
        const Amount rows = Amount::in(slots.m[std::size_t(m)]),
                     columns = Amount::in(slots.n[std::size_t(n)]);
        core_.loop(chain.not_first, [&] {
          core_.emit(isa::Opcode::merge, {{isa::merge_t::bank, bank(slot)},
                                          {isa::merge_t::from, std::int64_t(chain.from)},
                                          {isa::merge_t::shape, core_.shape({rows, columns})}});
        });
        core_.loop(chain.not_last, [&] {
          core_.emit(isa::Opcode::pass, {{isa::pass_t::bank, bank(slot)},
                                         {isa::pass_t::to, std::int64_t(chain.to)},
                                         {isa::pass_t::shape, core_.shape({rows, columns})}});
        });
        core_.loop(chain.last, [&] { drain(tile, slots, slot, m, n); });
      });
    });
  }

  // Into the c tile, which is dense: [rows][columns].
  void drain(const MatmulTile& tile, const Slots& slots, int slot, int m, int n) const {
    using D = isa::drain_t;
    const Amount pitch = Amount::in(tile.columns, code_.result);
    Reg at = m == 0 ? 0 : core_.materialise(pitch.times(m * p_.held));
    if (n != 0) {
      const Reg r = core_.reg();
      core_.addi(r, at, n * part_.slot_n * code_.result);
      at = r;
    }
    const Reg shape =
        core_.shape({Amount::in(slots.m[std::size_t(m)]), Amount::in(slots.n[std::size_t(n)]), pitch});
    core_.emit(isa::Opcode::drain, {{D::bank, bank(slot)},
                                    {D::dst, code_.c},
                                    {D::dst_offset, at},
                                    {D::reserve, slot == 0},
                                    {D::push, slot + 1 == part_.slots()},
                                    {D::dst_type, std::int64_t(code_.shape.c.dtype)},
                                    {D::shape, shape}});
  }

  const MatmulCode& code_;
  const MatmulPlan& p_;
  const MatmulPart& part_;
  CoreEmitter& core_;
};

}  // namespace

void emit_matmul_compute(const MatmulCode& code, const MatmulPart& part) {
  Computer computer(code, part);
  for_each_unit(code.context.pe.compute, code, part, [&](const MatmulUnit& u) { computer.unit(u); });
}

}  // namespace leto::compiler
