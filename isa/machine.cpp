// Buffers of a PE: who may read and write which tile when. Banks are in banks.cpp, values in ops/.
#include "isa/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace leto::isa {
namespace {

[[noreturn]] void illegal(const Command& command, const std::string& cause, const std::string& remedy) {
  throw Error(ExitCode::illegal_program, describe(command) + ": " + cause, remedy);
}

bool holds_tiles(const Buffer& buffer) {
  return buffer.defined && !buffer.scratch() && (buffer.full() > 0 || buffer.reserved);
}

std::int64_t extent(const Buffer& buffer) {
  return buffer.bytes * std::max<std::int64_t>(buffer.depth, 1);
}

bool overlap(const Buffer& x, const Buffer& y) {
  return x.base < y.base + extent(y) && y.base < x.base + extent(x);
}

bool lacks_data(const Buffer& buffer) {
  return buffer.pushed <= buffer.taken;
}
bool lacks_space(const Buffer& buffer) {
  return !buffer.reserved && buffer.opened - buffer.popped >= buffer.depth;
}

std::int64_t tile_address(const Buffer& buffer, std::int64_t tile) {
  return buffer.scratch() ? buffer.base : buffer.base + tile % buffer.depth * buffer.bytes;
}

// Takes or confirms one side of a buffer for a command's unit and core.
void own(const Command& command, int id, std::string_view side, Unit& unit, int& core) {
  const bool same_unit = unit == Unit::core || unit == command.unit;
  const bool same_core = core < 0 || core == command.core;
  if (!same_unit || !same_core)
    illegal(command, fmt::format("b{} is {} by {} of core {}", id, side, name_of(unit), core < 0 ? 0 : core),
            "give each buffer one writer and one reader, or put a barrier between the two uses");
  unit = command.unit;
  core = command.core;
}

}  // namespace

PeState::PeState(std::int64_t local_store_bytes, int banks, bool values)
    : store_bytes_(local_store_bytes),
      values_(values),
      banks_(static_cast<std::size_t>(banks), BankState::free),
      moving_(static_cast<std::size_t>(banks), 0),
      accumulators_(values ? static_cast<std::size_t>(banks) * kBankElements : 0) {}

void PeState::define(const Command& command) {
  Buffer fresh;
  fresh.base = command[buffer_t::base];
  fresh.bytes = command[buffer_t::bytes];
  fresh.depth = command[buffer_t::depth];
  fresh.defined = true;
  fresh.definer = command.core;
  const auto id = static_cast<std::size_t>(command[buffer_t::id]);
  if (in_flight_ > 0 || begun_since_barrier_)
    illegal(command, fmt::format("b{} is defined while units may be busy", id),
            "put barrier scope=pe before it");
  if (fresh.base + extent(fresh) > store_bytes_)
    illegal(command,
            fmt::format("b{} reaches to byte {} of a local store of {}", id, fresh.base + extent(fresh),
                        store_bytes_),
            "use fewer or smaller tiles");
  for (std::size_t other = 0; other < buffers_.size(); ++other) {
    Buffer& old = buffers_[other];
    if (!old.defined || (other != id && !overlap(fresh, old))) continue;
    if (holds_tiles(old))
      illegal(command,
              fmt::format("b{} overlaps b{}, which still holds {} tiles", id, other,
                          std::max(old.full(), std::int64_t{1})),
              "pop every tile before its bytes are used for another buffer");
    old = Buffer{};
  }
  buffers_[id] = fresh;
}

PeState::Hold PeState::hold_operand(const Operand& operand) const {
  const Buffer& b = buffer(operand.buffer);
  if (!operand.hold || !b.defined || b.scratch()) return {};
  if (operand.writes && lacks_space(b)) return {Hold::Cause::space, operand.buffer};
  if (!operand.writes && lacks_data(b)) return {Hold::Cause::data, operand.buffer};
  return {};
}

bool PeState::lasts(const Hold& hold) const {
  switch (hold.cause) {
    case Hold::Cause::none:
      return false;
    case Hold::Cause::data:
      return lacks_data(buffer(hold.buffer));
    case Hold::Cause::space:
      return lacks_space(buffer(hold.buffer));
    default:
      return lacks_bank(static_cast<std::size_t>(hold.buffer), hold.needed);
  }
}

PeState::Hold PeState::hold(const Command& command) const {
  const Operands operands = operands_of(command);
  for (int i = 0; i < operands.count; ++i)
    if (const Hold hold = hold_operand(operands.item[static_cast<std::size_t>(i)]);
        hold.cause != Hold::Cause::none)
      return hold;
  return hold_banks(command);
}

Buffer& PeState::defined_buffer(const Command& command, int id) {
  Buffer& buffer = buffers_[static_cast<std::size_t>(id)];
  if (!buffer.defined)
    illegal(command, fmt::format("b{} is not defined, or a later definition took its bytes", id),
            "define it with a `buffer` instruction");
  if (buffer.definer >= 0 && buffer.definer != command.core)
    illegal(command, fmt::format("uses b{}, which the other core defined, with no barrier between", id),
            "put barrier scope=pe between the definition and its use");
  return buffer;
}

void PeState::open_scratch(const Command& command, const Operand& operand, Buffer& b) {
  if (operand.hold || operand.advance)
    illegal(command, fmt::format("b{} is scratch: it has no pointers to wait for or to move", operand.buffer),
            "clear the flags, or define the buffer with a depth");
  own(command, operand.buffer, "used as scratch", b.writer, b.writer_core);
}

void PeState::open_for_write(const Command& command, const Operand& operand, Buffer& b) {
  own(command, operand.buffer, "written", b.writer, b.writer_core);
  if (operand.hold) {
    if (b.reserved)
      illegal(command,
              fmt::format("b{} is reserved again before the reserved tile is pushed", operand.buffer),
              "set reserve only on the first command that writes a tile, push on the last");
    ++b.opened;
  } else if (!b.reserved) {
    illegal(command, fmt::format("writes b{} without a reserved tile", operand.buffer),
            "set reserve on the first command that writes a tile");
  }
  b.reserved = !operand.advance;
}

void PeState::open_for_read(const Command& command, const Operand& operand, Buffer& b) {
  own(command, operand.buffer, "read", b.reader, b.reader_core);
  if (operand.hold) b.acquired = true;
  if (!b.acquired)
    illegal(command, fmt::format("reads b{} without waiting for its head tile", operand.buffer),
            "set wait on the first command that reads a tile, pop on the last");
}

void PeState::open_operand(Command& command, const Operand& operand, std::int64_t touched, int index) {
  Buffer& b = defined_buffer(command, operand.buffer);
  if (operand.offset + touched > b.bytes)
    illegal(command,
            fmt::format("touches bytes {} to {} of a tile of b{}, which has {}", operand.offset,
                        operand.offset + touched, operand.buffer, b.bytes),
            "shrink the extents or enlarge the tile");
  if (b.scratch())
    open_scratch(command, operand, b);
  else if (operand.writes)
    open_for_write(command, operand, b);
  else
    open_for_read(command, operand, b);
  command.tile[static_cast<std::size_t>(index)] = tile_address(b, operand.writes ? b.opened - 1 : b.taken);
}

void PeState::begin(Command& command) {
  check(command);
  const Operands operands = operands_of(command);
  for (int i = 0; i < operands.count; ++i)
    open_operand(command, operands.item[static_cast<std::size_t>(i)], footprint(command, i), i);
  // Pops move the read pointer only now: two operands of one command may share a head tile.
  for (int i = 0; i < operands.count; ++i) {
    const Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (operand.writes || !operand.advance) continue;
    Buffer& b = buffers_[static_cast<std::size_t>(operand.buffer)];
    if (!b.acquired)
      illegal(command, fmt::format("pops b{} twice", operand.buffer), "let one of the two operands pop");
    b.acquired = false;
    ++b.taken;
  }
  begin_banks(command);
  ++in_flight_;
  begun_since_barrier_ = true;
}

void PeState::finish(const Command& command) {
  const Operands operands = operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (!operand.advance) continue;
    Buffer& b = buffers_[static_cast<std::size_t>(operand.buffer)];
    ++(operand.writes ? b.pushed : b.popped);
  }
  finish_banks(command);
  --in_flight_;
}

void PeState::barrier_passed() {
  begun_since_barrier_ = false;
  for (Buffer& b : buffers_) {
    b.definer = -1;
    b.writer_core = b.reader_core = -1;
    if (!b.scratch() && !b.reserved) b.writer = Unit::core;
    if (!b.scratch() && !b.acquired) b.reader = Unit::core;
  }
}

void PeState::check_inside(const Operand& operand, std::int64_t bytes) const {
  const Buffer& b = buffer(operand.buffer);
  if (operand.offset >= 0 && bytes >= 0 && operand.offset + bytes <= b.bytes) return;
  throw Error(ExitCode::illegal_program,
              fmt::format("bytes {} to {} of a tile of b{}, which has {}", operand.offset,
                          operand.offset + bytes, operand.buffer, b.bytes),
              "shrink the extents or enlarge the tile");
}

const std::byte* PeState::at(const Operand& operand, std::int64_t bytes) const {
  check_inside(operand, bytes);
  if (store_.empty()) store_.resize(static_cast<std::size_t>(store_bytes_));
  return store_.data() + operand.tile + operand.offset;
}

std::byte* PeState::at(const Operand& operand, std::int64_t bytes) {
  return const_cast<std::byte*>(std::as_const(*this).at(operand, bytes));
}

}  // namespace leto::isa
