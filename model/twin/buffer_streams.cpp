#include "model/twin/buffer_streams.h"

#include <algorithm>

#include "base/errors.h"
#include "model/twin/foreign_twin.h"

namespace leto::model {
namespace {

// Without a size, tiles are slots.
bool counts_slots(const StreamSpec& stream) {
  return !stream.has("cmd_bytes") && !stream.shape.contains("bytes");
}

}  // namespace

BufferLimits buffer_limits(const StreamSpec& stream, const rtl::ForeignBlock& block) {
  const auto bits = [&](std::string_view name, int most) {
    for (std::size_t i = 0; i < block.ports().size(); ++i)
      if (block.ports()[i].name == name) return std::min(most, block.joined(static_cast<int>(i)));
    return 0;
  };
  BufferLimits limits;
  limits.ids = 1 << bits("cmd_id", 5);
  if (stream.has("cmd_base")) limits.store = std::int64_t{1} << bits("cmd_base", 20);
  limits.bytes.most = (std::int64_t{1} << bits("cmd_bytes", 20)) - 1;
  if (!stream.has("cmd_bytes")) limits.bytes.most = 1;
  if (stream.has("cmd_depth")) limits.depth.most = (std::int64_t{1} << bits("cmd_depth", 8)) - 1;
  if (const auto own = stream.shape.find("depth"); own != stream.shape.end()) limits.depth = own->second;
  if (const auto own = stream.shape.find("bytes"); own != stream.shape.end()) limits.bytes = own->second;
  limits.redefines = stream.operations.contains("define");
  for (const auto& [name, extent, what] : {std::tuple{"depth", limits.depth, "how deep the buffers are"},
                                           {"bytes", limits.bytes, "how many bytes a tile has"}})
    if (!stream.has(fmt::format("cmd_{}", name)) && extent.least != extent.most)
      throw Error(ExitCode::bad_input, fmt::format("{}: nothing says {}", stream.place, what),
                  fmt::format("join cmd_{0}, or give [shape] {0} = N", name));
  return limits;
}

BufferStreams::BufferStreams(const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                             const isa::Program& program)
    : BufferStreams(spec.foreign->load(), spec, instance, seed, program) {}

BufferStreams::BufferStreams(std::unique_ptr<rtl::ForeignBlock> block, const TwinSpec& spec,
                             const std::string& instance, std::uint64_t seed, const isa::Program& program)
    : BufferTwin(spec, instance, program),
      stream_(spec.foreign->stream()),
      limits_(buffer_limits(stream_, *block)),
      checker_(std::move(block), stream_, spec, instance, seed) {}

void BufferStreams::restart() {
  checker_.restart();
  rings_ = {};
}

void BufferStreams::take(const Event& event, const Story& story) {
  switch (event.kind) {
    case Event::Kind::define:
      return define(event, story);
    case Event::Kind::begin:
      return begin(event, story);
    case Event::Kind::finish:
      return finish(event, story);
    case Event::Kind::hold:
      return look(event, story);
  }
}

bool BufferStreams::fits(int id, const Ring& ring) const {
  const bool sized = counts_slots(stream_) || limits_.bytes.holds(ring.bytes);
  const std::int64_t base = stream_.has("cmd_base") ? ring.base : 0;
  return id < limits_.ids && ring.bytes > 0 && limits_.depth.holds(ring.depth) && sized &&
         base + ring.bytes * ring.depth <= limits_.store && (limits_.redefines || !ring.told);
}

// Scratch has no pointers: a block is not told of it.
void BufferStreams::define(const Event& event, const Story& story) {
  const int id = event.id(0);
  Ring fresh;
  fresh.base = event.value[0];
  fresh.bytes = event.value[1];
  fresh.depth = event.value[2];
  fresh.told = ring(id).told;
  fresh.given = fits(id, fresh);
  fresh.told |= fresh.depth > 0;
  ring(id) = std::move(fresh);
  if (ring(id).depth > 0 && limits_.redefines) ask(id, Op::define, event.now, story);
}

void BufferStreams::begin(const Event& event, const Story& story) {
  for (std::size_t i = 0; i < event.count; ++i) {
    Ring& buffer = ring(event.id(i));
    if (buffer.depth == 0 || !event.is(i, Event::kHold)) continue;
    if (event.is(i, Event::kWrites))
      buffer.reserves.push_back({buffer.opened++, event.value[i], story});
    else
      buffer.waits.push_back({buffer.taken, event.value[i], story});
    ask_due(event.id(i), event.now);
  }
  // Only now, as in PeState: two operands may share a head tile.
  for (std::size_t i = 0; i < event.count; ++i)
    if (event.is(i, Event::kAdvance) && !event.is(i, Event::kWrites)) ++ring(event.id(i)).taken;
}

void BufferStreams::finish(const Event& event, const Story& story) {
  for (std::size_t i = 0; i < event.count; ++i) {
    Ring& buffer = ring(event.id(i));
    if (buffer.depth == 0 || !event.is(i, Event::kAdvance)) continue;
    const bool writes = event.is(i, Event::kWrites);
    ++(writes ? buffer.pushed : buffer.popped);
    ask(event.id(i), writes ? Op::push : Op::pop, event.now, story);
    ask_due(event.id(i), event.now);
  }
}

void BufferStreams::look(const Event& event, const Story& story) {
  if (!event.holds()) return;
  const Ring& buffer = ring(event.hold_buffer);
  const bool writes = event.cause() == isa::PeState::Hold::Cause::space;
  if (writes ? buffer.opened != buffer.pushed : buffer.taken != buffer.popped)
    ++comparison().count().commands_left_out;
  else
    ask(event.hold_buffer, writes ? Op::reserve : Op::wait, event.now, story, {}, false);
}

void BufferStreams::ask_due(int id, Cycle now) {
  Ring& buffer = ring(id);
  const auto ask_all = [&](std::deque<Later>& all, Op op, std::int64_t moved) {
    for (; !all.empty() && all.front().index == moved; all.pop_front())
      ask(id, op, now, all.front().story, all.front().tile);
  };
  ask_all(buffer.reserves, Op::reserve, buffer.pushed);
  ask_all(buffer.waits, Op::wait, buffer.popped);
}

void BufferStreams::ask(int id, Op op, Cycle now, const Story& story, std::optional<std::uint32_t> tile,
                        bool ok) {
  const Ring& buffer = ring(id);
  if (!buffer.given) {
    ++comparison().count().commands_left_out;
    return;
  }
  BufferRequest request;
  request.op = op;
  request.id = id;
  request.base = buffer.base;
  const bool slots = counts_slots(stream_);
  request.bytes = slots ? 1 : buffer.bytes;
  request.depth = buffer.depth;
  request.ok = ok;
  if (tile) request.tile = slots ? buffer.base + (*tile - buffer.base) / buffer.bytes : *tile;
  request.full = buffer.full();
  request.start = now;
  request.command = story.command;
  request.operation = story.operation;
  request.story = fmt::format("depth {} with {} tiles", buffer.depth, buffer.full());
  if (!checker_.offers(request)) {
    ++comparison().count().commands_left_out;
  } else if (comparison().wants(now, kNever)) {
    checker_.add(request);
  } else {
    checker_.compute(request);
  }
}

}  // namespace leto::model
