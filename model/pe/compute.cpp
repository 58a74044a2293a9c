// The PE's compute units: billing of idle lanes, starting, finishing.
#include <algorithm>

#include "base/errors.h"
#include "model/pe/pe.h"
#include "model/twin/twins.h"

namespace leto::model {

using isa::Opcode;
using isa::PeState;
using isa::Unit;

// Is it worth looking at the oldest command of a queue? It is not while what held it when it was looked at
// last still does: nobody but the command itself can take the rest of what it needs.
bool Pe::may_start(std::size_t queue, const Lane& lane, Cycle now) const {
  if (processor_.due(queue) > now) return false;
  return lane.held != processor_.oldest(queue) || !state_.lasts(lane.hold);
}

// The oldest command of a queue, whose issue date has come; bills what the lane did until then.
const CommandProcessor::Entry& Pe::look(std::size_t queue, Lane& lane, Cycle now) {
  const Entry& entry = *processor_.oldest(queue);
  if (!lane.waiting) {
    lane.core = entry.command.core;
    lane.line.fed_by(lane.core);
    bill_gap(lane, entry.command.source, std::max(entry.issued, lane.line.since()));
    lane.waiting = true;
    lane.waiting_since = lane.line.since();
    lane.cause = State::issue;
  }
  bill_wait(lane, entry, now);
  return entry;
}

// From the moment the lane fell idle to the command's issue, the command's core was the reason: what it
// waited for meanwhile, else that it issued other things.
void Pe::bill_gap(Lane& lane, std::uint32_t operation, Cycle until) {
  const std::size_t core = lane.core;
  const IssueCore::Waited waited = cores_[core].waited(until);
  for (std::size_t i = 0; i < waited.size(); ++i) {
    const Cycle part = std::min(waited[i] - lane.cores[core][i], until - lane.line.since());
    const State cause = IssueCore::kWaitedFor[i];
    lane.line.until(lane.line.since() + part, cause, cause == State::idle ? kNoOperation : operation);
  }
  lane.line.until(until, State::issue, operation);
}

void Pe::bill_wait(Lane& lane, const Entry& entry, Cycle now) {
  lane.line.until(now, lane.cause, entry.command.source);
}

void Pe::hold(Lane& lane, State cause, Cycle now) {
  if (lane.cause != cause) lane.waiting_since = now;
  lane.cause = cause;
}

// The lane has nothing under way from `now` on.
void Pe::rest(Lane& lane, Cycle now) {
  lane.waiting = false;
  lane.held = nullptr;
  for (std::size_t i = 0; i < cores_.size(); ++i) lane.cores[i] = cores_[i].waited(now);
}

State Pe::held_by(const Entry& entry, Lane& lane, Cycle now) const {
  const isa::Command& command = entry.command;
  lane.held = &entry;
  lane.hold = state_.hold(command);
  if (buffer_twin_ && lane.hold.cause != PeState::Hold::Cause::none)
    buffer_twin_->looked_at(command, lane.hold, now);
  switch (lane.hold.cause) {
    case PeState::Hold::Cause::none:
      break;
    case PeState::Hold::Cause::data:
      return State::data;
    case PeState::Hold::Cause::space:
      return State::space;
    default:
      return State::banks;
  }
  return command.unit == Unit::reduction && reduction_.held_by_network(command) ? State::neighbour
                                                                                : State::busy;
}

bool Pe::start(std::size_t queue, Slot& slot, Cycle now) {
  if (const State cause = held_by(look(queue, slot, now), slot, now); cause != State::busy) {
    hold(slot, cause, now);
    return false;
  }
  begin(queue, slot, now);
  go(slot, now);
  return true;
}

// It has begun, and waits for the local store.
bool Pe::resume(Slot& slot, Cycle now) {
  bill_wait(slot, *slot.entry, now);
  return go(slot, now);
}

void Pe::begin(std::size_t queue, Slot& slot, Cycle now) {
  slot.entry = &processor_.pop(queue);
  slot.held = nullptr;
  isa::Command& command = slot.entry->command;
  if (command.opcode == Opcode::matmul) {
    const auto& tiles = pushed_at_[static_cast<std::size_t>(command[isa::matmul_t::held])];
    const auto taken =
        static_cast<std::size_t>(state_.buffer(static_cast<int>(command[isa::matmul_t::held])).taken);
    slot.held_ready = std::max(slot.entry->issued, tiles.empty() ? 0 : tiles[taken % tiles.size()]);
  }
  state_.begin(command);
  if (buffer_twin_) buffer_twin_->began(command, now);
  if (command.opcode == Opcode::merge) take_partials(slot, now);
  if (command.opcode == Opcode::pass) {
    neighbour(direction_of(command), command);
    reduction_.link_taken[static_cast<std::size_t>(direction_of(command))] = true;
  }
  slot.phase = Slot::Phase::begun;
  slot.begun = now;
}

Work Pe::work(const isa::Command& command) const {
  switch (command.unit) {
    case Unit::matrix:
      return matrix_.work(command, 0, 0);
    case Unit::reduction:
      return reduction_.work(command);
    case Unit::vector:
      return vector_.work(command);
    default:
      return isa::is_sort(command.opcode) ? sort_.work(command) : layout_.work(command);
  }
}

// A begun command runs once the local store has bandwidth for it.
bool Pe::go(Slot& slot, Cycle now) {
  const isa::Command& command = slot.entry->command;
  const Work w = command.unit == Unit::matrix ? matrix_.work(command, now, slot.held_ready) : work(command);
  const auto bytes = static_cast<Cycle>(w.read + w.written);
  slot.grant = bytes == 0 ? 0 : store_.acquire(static_cast<std::int64_t>(ceil_div(bytes, w.cycles)));
  if (bytes != 0 && slot.grant == 0) {
    hold(slot, State::local_store, now);
    return false;
  }
  const Cycle moved = bytes == 0 ? 0 : ceil_div(bytes, static_cast<Cycle>(slot.grant));
  slot.stretch = moved > w.cycles ? moved - w.cycles : 0;
  slot.started = now;
  slot.finish = now + w.cycles + slot.stretch;
  slot.phase = Slot::Phase::running;
  if (command.unit == Unit::matrix) {
    matrix_.started(command, now, slot.finish);
    count_macs(command);
  }
  wiring_.counters.local_store_read += static_cast<std::uint64_t>(w.read);
  wiring_.counters.local_store_written += static_cast<std::uint64_t>(w.written);
  wiring_.accounts.touch(command.source, now);
  ++wiring_.accounts.operation(command.source).commands;
  return true;
}

void Pe::count_macs(const isa::Command& command) {
  const std::int64_t macs = isa::macs_of(command);
  wiring_.counters.macs += macs;
  wiring_.counters.macs_by_dtype[static_cast<std::size_t>(command.dtype(isa::matmul_t::held_type))] += macs;
  wiring_.accounts.operation(command.source).macs += macs;
}

void Pe::finish(Slot& slot, Cycle now) {
  const isa::Command& command = slot.entry->command;
  isa::Partials outgoing{{}, command.shape[0], command.shape[1]};
  const bool moves_indices =
      isa::is_sort(command.opcode) || (command.unit == Unit::layout && carries_indices(command));
  if (wiring_.values || moves_indices) compute(slot, outgoing);
  if (command.opcode == Opcode::pass) send_partials(command, std::move(outgoing), now);
  note_pushes(command, now);
  state_.finish(command);
  if (buffer_twin_) buffer_twin_->finished(command, state_, now);
  if (wiring_.observer) observe(*slot.entry, slot.begun, now);
  store_.release(slot.grant);
  slot.line.until(now - slot.stretch, State::busy, command.source);
  slot.line.until(now, State::local_store, command.source);
  wiring_.accounts.touch(command.source, now);
  slot.phase = Slot::Phase::idle;
  last_finish_ = now;
  rest(slot, now);
  if (wiring_.watch) wiring_.watch->finished(index_, command.core);
}

// The engine's RTL twin, if it has one, sees what the command reads and what it leaves.
void Pe::compute(Slot& slot, isa::Partials& outgoing) {
  const isa::Command& command = slot.entry->command;
  EngineTwin* twin = wiring_.twins ? wiring_.twins->engine(index_, command.unit) : nullptr;
  if (twin)
    twin->before(command, state_, slot.partials, {slot.started, slot.finish, slot.held_ready, slot.stretch});
  isa::execute(command, state_, wiring_.memory, &slot.partials, &outgoing);
  if (twin) twin->after(command, state_, outgoing);
}

// When each pushed tile came: the matrix engine loads a held block ahead of its command.
void Pe::note_pushes(const isa::Command& command, Cycle now) {
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    auto& tiles = pushed_at_[static_cast<std::size_t>(operand.buffer)];
    if (!operand.writes || !operand.advance || tiles.empty()) continue;
    tiles[static_cast<std::size_t>(state_.buffer(operand.buffer).pushed) % tiles.size()] = now;
  }
}

// Tells the observer of a finished command, and how full the buffers are that it pushed and popped.
void Pe::observe(const Entry& entry, Cycle begun, Cycle now) const {
  const isa::Command& command = entry.command;
  wiring_.observer->on_command({index_, command.unit, command.source, entry.issued, begun, now});
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (operand.advance)
      wiring_.observer->on_buffer(index_, operand.buffer, state_.buffer(operand.buffer).full(), now);
  }
}

int Pe::neighbour(isa::Direction direction, const isa::Command& command) const {
  constexpr int kRow[] = {-1, 0, 1, 0}, kColumn[] = {0, 1, 0, -1};
  const int row = place_.row + kRow[static_cast<int>(direction)];
  const int column = place_.column + kColumn[static_cast<int>(direction)];
  if (row < 0 || row >= place_.rows || column < 0 || column >= place_.columns)
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: there is no neighbour that way", isa::describe(command)),
                "pass and merge only inside the grid");
  return row * place_.columns + column;
}

void Pe::send_partials(const isa::Command& command, isa::Partials partials, Cycle now) {
  const isa::Direction to = direction_of(command);
  Mail mail;
  mail.kind = Mail::Kind::partial;
  mail.at = now + 1;
  mail.number = (static_cast<int>(to) + 2) % 4;  // it arrives from the opposite side
  mail.partials = std::move(partials);
  wiring_.pes[static_cast<std::size_t>(neighbour(to, command))]->deliver(std::move(mail));
}

void Pe::take_partials(Slot& slot, Cycle now) {
  const isa::Command& command = slot.entry->command;
  const isa::Direction from = direction_of(command);
  auto& arrived = reduction_.arrived[static_cast<std::size_t>(from)];
  slot.partials = std::move(*arrived);
  arrived.reset();
  if (slot.partials.m != command.shape[0] || slot.partials.n != command.shape[1])
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: merges {} x {}, the neighbour passed {} x {}", isa::describe(command),
                            command.shape[0], command.shape[1], slot.partials.m, slot.partials.n),
                "pass and merge equal shapes in the same order");
  Mail mail;
  mail.kind = Mail::Kind::link_free;
  mail.at = now + 1;
  mail.number = (static_cast<int>(from) + 2) % 4;
  wiring_.pes[static_cast<std::size_t>(neighbour(from, command))]->deliver(std::move(mail));
}

}  // namespace leto::model
