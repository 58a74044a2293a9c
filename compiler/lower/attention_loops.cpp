#include "compiler/lower/attention_loops.h"

#include "compiler/lower/rounding.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;

}  // namespace

std::int64_t heads_of(const Place& place) {
  const Dims& shape = place.view.shape;
  return product(shape) / (shape[shape.size() - 2] * shape.back());
}

void AttentionLoops::define_buffers() const {
  context_.pe.barrier(isa::Scope::pe);
  context_.pe.reset_buffers();
  for (const LocalBuffer& b : plan_.buffers) context_.pe.buffer(b.bytes, b.depth);
  context_.begin_code();
}

void AttentionLoops::for_each_unit(CoreEmitter& core, std::int64_t heads, std::int64_t rows,
                                   bool last_rows_first,
                                   const std::function<void(const AttentionUnit&)>& body) const {
  const std::int64_t blocks = ceil_div(rows, plan_.rows()), units = heads * blocks, pes = context_.chip.pes();
  const Reg turn = core.constant(0), index = core.where(isa::Coordinate::index), mirror = core.reg();
  core.muli(mirror, index, -2);
  core.addi(mirror, mirror, pes - 1);  // to the PE at the same distance from the other end
  core.loop(core.constant(ceil_div(units, pes)), [&] {
    const Reg unit = core.reg(), odd = core.reg(), left = core.reg();
    core.remi(odd, turn, 2);
    core.muli(unit, turn, pes);
    core.add(unit, unit, index);
    core.loop(odd, [&] { core.add(unit, unit, mirror); });
    core.addi(turn, turn, 1);
    core.set(left, units);
    core.sub(left, left, unit);
    core.min(left, left, core.constant(1));
    core.loop(left, [&] {
      AttentionUnit u{core.reg(), core.reg(), Amount::constant(plan_.rows())};
      core.divi(u.first, unit, heads);
      core.remi(u.head, unit, heads);
      if (last_rows_first) {
        core.muli(u.first, u.first, -1);
        core.addi(u.first, u.first, blocks - 1);
      }
      core.muli(u.first, u.first, plan_.rows());
      if (rows % plan_.rows() != 0) u.rows = Amount::in(core.rest(u.first, rows, plan_.rows()));
      body(u);
    });
  });
}

AttentionBlocks AttentionLoops::blocks(CoreEmitter& core, const AttentionUnit& unit, std::int64_t total,
                                       bool causal, bool from_diagonal) const {
  const std::int64_t width = plan_.columns;
  AttentionBlocks b{core.constant(0), core.reg(), {}};
  const auto rest = [&](Reg first, int window, bool whole) {
    b.rest.push_back(
        {first, whole ? Amount::constant(width) : Amount::in(core.rest(first, total, width)), window});
  };
  if (!causal) {
    const std::int64_t full = (total - 1) / width;
    core.set(b.full, full);
    b.rest.push_back({core.constant(full * width), Amount::constant(total - full * width), -1});
    return b;
  }
  if (from_diagonal) {
    core.addi(b.first, unit.first, plan_.rows());
    core.set(b.full, total);
    core.sub(b.full, b.full, b.first);
    core.max(b.full, b.full, 0);
    core.divi(b.full, b.full, width);
    if (total % width != 0) {
      const Reg tail = core.reg();
      core.muli(tail, b.full, width);
      core.add(tail, tail, b.first);
      rest(tail, -1, false);
    }
  } else {
    core.divi(b.full, unit.first, width);
  }
  for (std::int64_t at = 0; at < plan_.rows(); at += width) {
    const Reg first = core.reg();
    core.addi(first, unit.first, at);
    rest(first, int(at), total % plan_.rows() == 0);
  }
  return b;
}

void AttentionLoops::for_each_block(CoreEmitter& core, const AttentionBlocks& blocks,
                                    const std::function<void(int first, Amount columns)>& body) const {
  // PEs start at different blocks and come round: those that share a head would else ask one bank after the
  // other all at once.
  const Reg past = core.where(isa::Coordinate::index), span = core.reg();
  core.mul(past, past, blocks.full);
  core.divi(past, past, context_.chip.pes());
  core.muli(past, past, plan_.columns);
  core.muli(span, blocks.full, plan_.columns);
  core.loop(blocks.full, [&] {
    const Reg at = core.reg();
    core.add(at, blocks.first, past);
    core.scope([&] { body(at, Amount::constant(plan_.columns)); });
    core.addi(past, past, plan_.columns);
    core.rem(past, past, span);
  });
  for (const auto& rest : blocks.rest) core.scope([&] { body(rest.first, rest.columns); });
}

void AttentionLoops::pipeline(CoreEmitter& core, const AttentionBlocks& blocks,
                              const std::function<void(Amount columns)>& ahead,
                              const std::function<void(Amount columns, int window)>& body) const {
  const Amount whole = Amount::constant(plan_.columns), next = blocks.rest.front().columns;
  const Reg before_last = core.reg(), any = core.reg();
  core.min(any, blocks.full, core.constant(1));
  core.sub(before_last, blocks.full, any);
  Amount first = next;
  if (!next.is_constant() ||
      next.value != whole.value) {  // the first of the rest, unless a whole block comes before
    const Reg columns = core.materialise(next), more = core.constant(plan_.columns);
    core.sub(more, more, columns);
    core.loop(any, [&] { core.add(columns, columns, more); });
    first = Amount::in(columns);
  }
  core.scope([&] { ahead(first); });
  core.loop(before_last, [&] {
    ahead(whole);
    body(whole, -1);
  });
  core.loop(any, [&] {
    ahead(next);
    body(whole, -1);
  });
  for (std::size_t i = 0; i < blocks.rest.size(); ++i)
    core.scope([&] {
      if (i + 1 < blocks.rest.size()) ahead(blocks.rest[i + 1].columns);
      body(blocks.rest[i].columns, blocks.rest[i].window);
    });
}

int AttentionLoops::address(CoreEmitter& core, const Place& place, int head, int first) const {
  const Reg at = context_.address_register(place);
  core.scope([&] {
    const auto& view = place.view;
    const std::int64_t element = size_of(place.dtype);
    const Reg left = core.reg(), step = core.reg();
    core.add(left, head, 0);
    for (std::size_t i = view.shape.size() - 2; i-- > 0;) {
      if (view.shape[i] == 1) continue;
      core.remi(step, left, view.shape[i]);
      core.divi(left, left, view.shape[i]);
      core.muli(step, step, view.strides[i] * element);
      core.add(at, at, step);
    }
    core.muli(step, first, view.strides[view.strides.size() - 2] * element);
    core.add(at, at, step);
  });
  return at;
}

namespace {

Transfer rows_of(const Place& place, Amount rows) {
  const auto& v = place.view;
  const int element = size_of(place.dtype);
  return transfer_of(element, {{Amount::constant(v.shape.back()), element},
                               {rows, v.strides[v.strides.size() - 2] * element}});
}

}  // namespace

void AttentionLoops::load(CoreEmitter& core, int buffer, const Place& place, int address, Amount rows) const {
  emit_load(core, buffer, address, rows_of(place, rows));
}

void AttentionLoops::store(CoreEmitter& core, int buffer, const Place& place, int address,
                           Amount rows) const {
  emit_store(core, buffer, address, rows_of(place, rows));
}

void AttentionLoops::make_mask(CoreEmitter& core, int mask, int ramp, bool above) const {
  const std::int64_t rows = plan_.rows();
  const LocalTile numbers{ramp, DType::fp32, Amount::constant(4)};
  emit_pass(core, {.to = numbers}, Amount::constant(1), Amount::constant(1));
  for (std::int64_t done = 1; done < rows; done *= 2)
    core.scope([&] {
      emit_pass(core,
                {.op = isa::VectorOp::add,
                 .to = numbers.at(core.constant(done * 4)),
                 .a = numbers,
                 .value = static_cast<float>(done)},
                Amount::constant(1), Amount::constant(std::min(done, rows - done)));
    });
  emit_pass(core,
            {.op = isa::VectorOp::greater,
             .to = {mask, DType::e4m3, Amount::constant(rows)},
             .a = above ? numbers.row() : numbers.column(),
             .b = above ? numbers.column() : numbers.row()},
            Amount::constant(rows), Amount::constant(rows));
}

std::vector<AttentionSlot> AttentionLoops::slots(CoreEmitter& core, Amount rows) const {
  std::vector<AttentionSlot> list;
  for (int i = 0; i < plan_.slots; ++i) {
    AttentionSlot slot{i, i == 0, i + 1 == plan_.slots, Amount::constant(plan_.held)};
    if (!rows.is_constant()) {
      const Reg r = core.reg(), most = core.constant(plan_.held);
      core.addi(r, rows.reg, -i * plan_.held);
      core.min(r, r, most);
      core.max(r, r, 0);
      slot.rows = Amount::in(r);
    }
    list.push_back(slot);
  }
  return list;
}

int AttentionLoops::before(CoreEmitter& core, const AttentionSlot& slot, std::int64_t pitch) const {
  return slot.index == 0 ? 0 : core.constant(slot.index * plan_.held * pitch);
}

void emit_matmul_command(CoreEmitter& core, const MatmulCommand& c) {
  using M = isa::matmul_t;
  const Reg shape =
      core.shape({c.m, c.n, c.k, Amount::constant(c.held.pitch), Amount::constant(c.stream.pitch)});
  core.emit(isa::Opcode::matmul, {{M::held, c.held.buffer},
                                  {M::held_offset, c.held.offset},
                                  {M::held_wait, c.held.flags.hold},
                                  {M::held_pop, c.held.flags.advance},
                                  {M::stream, c.stream.buffer},
                                  {M::stream_offset, c.stream.offset},
                                  {M::stream_wait, c.stream.flags.hold},
                                  {M::stream_pop, c.stream.flags.advance},
                                  {M::held_type, std::int64_t(c.dtype)},
                                  {M::stream_type, std::int64_t(c.dtype)},
                                  {M::bank, c.bank},
                                  {M::first, c.first},
                                  {M::last, c.last},
                                  {M::shape, shape}});
}

void emit_matmul_touch(CoreEmitter& core, int buffer, DType dtype, Flags flags) {
  const Amount none = Amount::constant(0);
  emit_matmul_command(core, {.held = {buffer, 0, 0, flags},
                             .stream = {buffer, 0},
                             .m = none,
                             .n = none,
                             .k = none,
                             .dtype = dtype,
                             .first = false,
                             .last = false});
}

void emit_drain(CoreEmitter& core, const AccumulatorTile& t) {
  using D = isa::drain_t;
  const Reg shape = core.shape({t.m, t.n, Amount::constant(t.pitch)});
  core.emit(isa::Opcode::drain, {{D::bank, t.bank},
                                 {D::dst, t.buffer},
                                 {D::dst_offset, t.offset},
                                 {D::reserve, t.flags.hold},
                                 {D::push, t.flags.advance},
                                 {D::dst_type, std::int64_t(t.dtype)},
                                 {D::shape, shape}});
}

void emit_fill(CoreEmitter& core, const AccumulatorTile& t) {
  using F = isa::fill_t;
  const Reg shape = core.shape({t.m, t.n, Amount::constant(t.pitch)});
  core.emit(isa::Opcode::fill, {{F::bank, t.bank},
                                {F::src, t.buffer},
                                {F::src_offset, t.offset},
                                {F::wait, t.flags.hold},
                                {F::pop, t.flags.advance},
                                {F::shape, shape}});
}

namespace {

// transpose and copy have the same fields.
void emit_layout(CoreEmitter& core, isa::Opcode opcode, const LayoutCommand& c, Amount rows, Amount columns) {
  using T = isa::transpose_t;
  static_assert(int{T::dst} == int{isa::copy_t::dst} && int{T::shape} == int{isa::copy_t::shape});
  const Reg shape = core.shape({rows, columns, Amount::constant(c.from_pitch), Amount::constant(c.to_pitch)});
  core.emit(opcode, {{T::dst, c.to},
                     {T::reserve, 1},
                     {T::push, 1},
                     {T::src, c.from},
                     {T::wait, c.take.hold},
                     {T::pop, c.take.advance},
                     {T::type, std::int64_t(c.dtype)},
                     {T::shape, shape}});
}

}  // namespace

void emit_transpose(CoreEmitter& core, const LayoutCommand& c, Amount rows, Amount columns) {
  emit_layout(core, isa::Opcode::transpose, c, rows, columns);
}

void emit_layout_copy(CoreEmitter& core, const LayoutCommand& c, Amount rows, Amount columns) {
  emit_layout(core, isa::Opcode::copy, c, rows, columns);
}

}  // namespace leto::compiler
