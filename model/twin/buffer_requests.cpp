#include "model/twin/buffer_requests.h"

#include <fmt/format.h>

#include <algorithm>

namespace leto::model {
namespace {

using Op = BufferRequest::Op;

isa::Command command_of(Op op, int id) {
  isa::Command c;
  if (op == Op::reserve || op == Op::push) {
    c.opcode = isa::Opcode::load;
    c.unit = isa::Unit::load;
    c.value[isa::load_t::dst] = id;
    c.value[isa::load_t::reserve] = op == Op::reserve;
    c.value[isa::load_t::push] = op == Op::push;
  } else {
    c.opcode = isa::Opcode::store;
    c.unit = isa::Unit::store;
    c.value[isa::store_t::src] = id;
    c.value[isa::store_t::wait] = op == Op::wait;
    c.value[isa::store_t::pop] = op == Op::pop;
  }
  return c;
}

}  // namespace

BufferRequests::BufferRequests(const BufferLimits& limits, std::uint64_t seed)
    : limits_(limits), random_(seed), pe_(limits.store, 16, false) {}

BufferRequest BufferRequests::next() {
  if (left_ == 0 && (limits_.redefines || defined_ == 0)) {
    left_ = static_cast<int>(limits_.ids + 200 + static_cast<int>(below(1000)));
    pe_ = isa::PeState(limits_.store, 16, false);
    defined_ = 0;
  }
  if (left_ > 0) --left_;
  return defined_ < limits_.ids ? define(defined_++) : use();
}

// Within the limits, and where they let it not beyond `most`.
std::int64_t BufferRequests::size(const Extent& extent, std::int64_t most) {
  const std::int64_t first = (extent.least + extent.step - 1) / extent.step;
  const std::int64_t last = std::max(first, std::min(extent.most, most) / extent.step);
  return extent.step * (first + static_cast<std::int64_t>(below(static_cast<std::size_t>(last - first + 1))));
}

// Each in a part of the store of its own.
BufferRequest BufferRequests::define(int id) {
  BufferRequest request;
  const std::int64_t part = limits_.store / limits_.ids;
  request.id = id;
  request.depth = size(limits_.depth, std::min<std::int64_t>(part, below(3) ? 4 : below(2) ? 20 : 255));
  request.bytes = size(limits_.bytes, part / request.depth);
  request.base = id * part + static_cast<std::int64_t>(
                                 below(static_cast<std::size_t>(part - request.bytes * request.depth + 1)));
  if (request.depth == 1) note("depth 1");
  isa::Command command;
  command.opcode = isa::Opcode::buffer;
  command.value[isa::buffer_t::id] = id;
  command.value[isa::buffer_t::base] = request.base;
  command.value[isa::buffer_t::bytes] = request.bytes;
  command.value[isa::buffer_t::depth] = request.depth;
  pe_.define(command);
  pe_.barrier_passed();
  note("define");
  request.story = fmt::format("base {} bytes {} depth {}", request.base, request.bytes, request.depth);
  return request;
}

Op BufferRequests::some_op(const isa::Buffer& buffer) {
  const bool write = below(8) ? fills_ : !fills_;
  if (write) return !buffer.reserved ? Op::reserve : Op::push;
  return !buffer.acquired || below(4) == 0 ? Op::wait : Op::pop;
}

BufferRequest BufferRequests::use() {
  if (below(16) == 0) id_ = static_cast<int>(below(static_cast<std::size_t>(limits_.ids)));
  if (below(64) == 0) fills_ = !fills_;
  id_ = std::min(id_, limits_.ids - 1);
  BufferRequest request;
  request.id = id_;
  request.op = some_op(pe_.buffer(id_));
  request.base = pe_.buffer(id_).base;
  request.bytes = pe_.buffer(id_).bytes;
  request.depth = pe_.buffer(id_).depth;
  request.story = fmt::format("depth {} with {} tiles", pe_.buffer(id_).depth, pe_.buffer(id_).full());
  isa::Command command = command_of(request.op, id_);
  request.ok = pe_.hold(command).cause == isa::PeState::Hold::Cause::none;
  if (request.ok) {
    pe_.begin(command);
    pe_.finish(command);
    if (request.op == Op::reserve || request.op == Op::wait) request.tile = command.tile[0];
  }
  request.full = pe_.buffer(id_).full();
  const char* const arm = request.op == Op::reserve ? (request.ok ? "reserve" : "no room")
                          : request.op == Op::wait  ? (request.ok ? "wait" : "no data")
                          : request.op == Op::push  ? "push"
                                                    : "pop";
  note(arm);
  return request;
}

}  // namespace leto::model
