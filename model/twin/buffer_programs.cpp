#include "model/twin/buffer_programs.h"

#include <algorithm>
#include <numeric>

namespace leto::model {

using Cause = isa::PeState::Hold::Cause;

void BufferPrograms::cycle() {
  now_ += 1 + below(3);
  int events = 0;
  for (Unit& unit : units_) events += finish(unit);
  for (Unit& unit : units_) events += begin(unit);
  if (events > 3) note("several in a cycle");
  if (left_-- == 0) restart();
}

void BufferPrograms::define(int id, std::size_t base, std::size_t bytes, std::size_t depth) {
  isa::Command command;
  command.opcode = isa::Opcode::buffer;
  command.value[isa::buffer_t::id] = id;
  command.value[isa::buffer_t::base] = static_cast<std::int64_t>(base);
  command.value[isa::buffer_t::bytes] = static_cast<std::int64_t>(bytes);
  command.value[isa::buffer_t::depth] = static_cast<std::int64_t>(depth);
  if (depth == 1) note("depth 1");
  now_ += below(2);
  pe_.define(command);
  checker_.defined(command, now_);
}

// A chain: producer, units, consumer; between them buffers of random place and shape, after all 32 have
// been defined otherwise. In a deep one the consumer begins late, so that buffers of up to 255 tiles fill
// up.
void BufferPrograms::restart() {
  pe_ = isa::PeState(kStore, 16, false);
  checker_.launch();
  deep_ = below(4) == 0;
  left_ = deep_ ? 4000 : 400;
  for (int id = 0; id < 32; ++id) {
    const std::size_t depth = below(256), base = below(kStore - 255);
    define(id, base, 1 + below((kStore - base) / std::max<std::size_t>(depth, 1)), depth);
  }
  std::array<int, 32> ids{};
  std::iota(ids.begin(), ids.end(), 0);
  for (std::size_t i = ids.size() - 1; i > 0; --i) std::swap(ids[i], ids[below(i + 1)]);
  const std::size_t buffers = 2 + below(6);
  units_ = {{isa::Unit::load, 0, -1, ids[0], {}}};
  std::size_t base = below(1000);
  for (std::size_t i = 0; i < buffers; ++i) {
    const std::size_t depth = deep_ ? 129 + below(127) : 1 + below(below(2) ? 3 : 9);
    const std::size_t bytes = 1 + below((kStore - base) / (buffers - i) / depth);
    define(ids[i], base, bytes, depth);
    base += bytes * depth;
    if (i + 1 < buffers) units_.push_back(unit_between(ids[i], ids[i + 1]));
  }
  units_.push_back({isa::Unit::store, 1, ids[buffers - 1], -1, {}});
  pe_.barrier_passed();
  ++now_;
}

BufferPrograms::Unit BufferPrograms::unit_between(int in, int out) {
  const bool vector = below(2) != 0;
  return {vector ? isa::Unit::vector : isa::Unit::layout, static_cast<int>(below(2)), in, out, {}};
}

isa::Command BufferPrograms::command(const Unit& unit) {
  isa::Command c;
  c.unit = unit.unit;
  c.core = static_cast<std::uint8_t>(unit.core);
  const bool push = below(4) != 0, wait = !unit.keeps_in || below(2), pop = below(4) != 0;
  if (unit.in < 0) {
    c.opcode = isa::Opcode::load;
    c.value[isa::load_t::dst] = unit.out;
    c.value[isa::load_t::reserve] = !unit.keeps_out;
    c.value[isa::load_t::push] = push;
  } else if (unit.out < 0) {
    c.opcode = isa::Opcode::store;
    c.value[isa::store_t::src] = unit.in;
    c.value[isa::store_t::wait] = wait;
    c.value[isa::store_t::pop] = pop;
  } else if (unit.unit == isa::Unit::vector) {  // reads its input twice
    c.opcode = isa::Opcode::vector;
    c.value[isa::vector_t::op] = static_cast<std::int64_t>(isa::VectorOp::add);
    c.value[isa::vector_t::dst] = unit.out;
    c.value[isa::vector_t::reserve] = !unit.keeps_out;
    c.value[isa::vector_t::push] = push;
    c.value[isa::vector_t::a] = c.value[isa::vector_t::b] = unit.in;
    c.value[isa::vector_t::a_wait] = wait;
    const bool first_pops = below(2) != 0;
    c.value[isa::vector_t::a_pop] = pop && first_pops;
    c.value[isa::vector_t::b_pop] = pop && !first_pops;
  } else {
    c.opcode = isa::Opcode::copy;
    c.value[isa::copy_t::src] = unit.in;
    c.value[isa::copy_t::wait] = wait;
    c.value[isa::copy_t::pop] = pop;
    c.value[isa::copy_t::dst] = unit.out;
    c.value[isa::copy_t::reserve] = !unit.keeps_out;
    c.value[isa::copy_t::push] = push;
  }
  return c;
}

int BufferPrograms::finish(Unit& unit) {
  int events = 0;
  while (!unit.flying.empty() && below(deep_ ? 2 : 3) == 0) {
    pe_.finish(unit.flying.front());
    checker_.finished(unit.flying.front(), pe_, now_);
    unit.flying.pop_front();
    note("finish");
    ++events;
  }
  return events;
}

int BufferPrograms::begin(Unit& unit) {
  const bool closed = deep_ && unit.out < 0 && left_ > 800;
  const bool one_at_a_time = unit.in >= 0 && unit.out >= 0;
  if (closed || unit.flying.size() > (one_at_a_time ? 0u : 4u) || below(3) == 0) return 0;
  isa::Command c = command(unit);
  const isa::PeState::Hold hold = pe_.hold(c);
  if (hold.cause != Cause::none) {
    checker_.looked_at(c, hold, now_);
    note(hold.cause == Cause::data ? "waits for data" : "waits for space");
    return 1;
  }
  pe_.begin(c);
  checker_.began(c, now_);
  bool popped = unit.in < 0, pushed = unit.out < 0;
  const isa::Operands operands = isa::operands_of(c);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    (operand.writes ? pushed : popped) |= operand.advance;
  }
  unit.keeps_in = !popped;
  unit.keeps_out = !pushed;
  if (unit.keeps_in) note("keeps a tile to read");
  if (unit.keeps_out) note("keeps a tile to write");
  if (operands.count > 2) note("three operands");
  unit.flying.push_back(c);
  if (unit.flying.size() > 1) note("several under way");
  ++commands;
  return 1;
}

}  // namespace leto::model
