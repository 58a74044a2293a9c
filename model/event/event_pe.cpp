#include "model/event/event_pe.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::model {
namespace {

using isa::Opcode;
using isa::Unit;

std::size_t opposite(isa::Direction direction) {
  return (static_cast<std::size_t>(direction) + 2) % 4;
}

}  // namespace

EventPe::EventPe(EventWiring& w, int index)
    : wiring_(w),
      index_(index),
      place_{index / w.chip.pe.columns, index % w.chip.pe.columns, w.chip.pe.rows, w.chip.pe.columns},
      cores_{Core(w.program, 0, place_, w.accounts), Core(w.program, 1, place_, w.accounts)},
      state_(w.chip.local_store.bytes, w.chip.reduction_engine.banks, false),
      matrix_(w.chip.matrix_engine),
      reduction_(w.chip.reduction_engine),
      vector_(w.chip.vector_engine),
      layout_(w.chip.layout_engine),
      sort_(w.chip),
      movers_{Mover(w.accounts, Engine::fabric_interface_load, index),
              Mover(w.accounts, Engine::fabric_interface_store, index)},
      slots_{Slot(w.accounts, Engine::matrix_engine, index),
             Slot(w.accounts, Engine::reduction_engine, index),
             Slot(w.accounts, Engine::vector_engine, index), Slot(w.accounts, Engine::layout_engine, index)},
      banks_(static_cast<std::size_t>(w.chip.reduction_engine.banks), 0) {
  const auto depth = static_cast<std::size_t>(w.chip.command_processor.queue_depth);
  for (Queue& queue : queues_) {
    queue.entries.resize(depth);
    queue.freed.assign(depth, 0);
  }
}

void EventPe::launch(Cycle at) {
  const ChipConfig& chip = wiring_.chip;
  state_ = isa::PeState(chip.local_store.bytes, chip.reduction_engine.banks, false);
  for (auto& semaphore : semaphores_) semaphore.clear();
  arrived_ = {};
  link_.fill(Cycle{0});
  at_barrier_.reset();
  for (int id = 0; id < isa::kCores; ++id) {
    Core& core = cores_[static_cast<std::size_t>(id)];
    core.core = isa::Core(wiring_.program.code[id], id, place_, wiring_.program.source_ids());
    core.line.until(at, State::launch, kNoOperation);
    core.time = at;
    core.stop = core.core.ended() ? Stop::ended : Stop::none;
  }
  const auto rest = [&](Lane& lane) {
    lane.line.until(at, State::launch, kNoOperation);
    lane.free = at;
  };
  for (Lane& lane : movers_) rest(lane);
  for (Lane& lane : slots_) rest(lane);
  wake();
}

void EventPe::wake() {
  if (std::exchange(waiting_, true)) return;
  wiring_.ready.push_back(index_);
}

void EventPe::advance() {
  waiting_ = false;
  bool changed;
  do {
    changed = run_cores();
    changed |= barrier();
    for (std::size_t unit = 0; unit < kQueues; ++unit)
      while (unit < movers_.size() ? serve(unit, movers_[unit]) : serve(unit, slots_[unit - movers_.size()]))
        changed = true;
  } while (changed);
}

CommandProcessor::Entry* EventPe::oldest(std::size_t unit) {
  CommandProcessor::Entry* oldest = nullptr;
  for (int core = 0; core < isa::kCores; ++core) {
    Queue& q = queue(unit, core);
    if (q.pushed == q.popped) continue;
    CommandProcessor::Entry& head = q.entries[q.popped % q.entries.size()];
    if (!oldest || head.issued < oldest->issued) oldest = &head;
  }
  return oldest;
}

void EventPe::pop(std::size_t unit, const isa::Command& command, Cycle at) {
  Queue& q = queue(unit, command.core);
  q.freed[q.popped++ % q.freed.size()] = at;
}

bool EventPe::empty() const {
  return std::ranges::all_of(queues_, [](const Queue& q) { return q.pushed == q.popped; });
}

bool EventPe::may_start(std::size_t unit, Lane& lane, const CommandProcessor::Entry& entry) {
  if (lane.held == &entry && state_.lasts(lane.hold)) return false;
  lane.hold = state_.hold(entry.command);
  lane.held = &entry;
  if (lane.hold.cause != isa::PeState::Hold::Cause::none) return false;
  if (kQueuedUnits[unit] != Unit::reduction) return true;
  if (entry.command.opcode == Opcode::pass)
    return link_[static_cast<std::size_t>(direction_of(entry.command))].has_value();
  if (entry.command.opcode == Opcode::merge)
    return arrived_[static_cast<std::size_t>(direction_of(entry.command))].has_value();
  return true;
}

void EventPe::wait_for_network(const isa::Command& command, Start& start) const {
  if (command.opcode == Opcode::pass)
    start.after(*link_[static_cast<std::size_t>(direction_of(command))], State::neighbour);
  if (command.opcode == Opcode::merge)
    start.after(*arrived_[static_cast<std::size_t>(direction_of(command))], State::neighbour);
}

// It may start; all dates that it waits for are known.
EventPe::Start EventPe::start_of(std::size_t unit, const Lane& lane,
                                 const CommandProcessor::Entry& entry) const {
  const isa::Command& command = entry.command;
  Start start{std::max(lane.free, entry.issued), State::issue};
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (!operand.hold) continue;
    const isa::Buffer& buffer = state_.buffer(operand.buffer);
    const Tiles& tiles = tiles_[static_cast<std::size_t>(operand.buffer)];
    if (tiles.pushed.empty()) continue;
    if (operand.writes)
      start.after(tiles.popped[static_cast<std::size_t>(buffer.opened) % tiles.popped.size()], State::space);
    else
      start.after(tiles.pushed[static_cast<std::size_t>(buffer.taken) % tiles.pushed.size()], State::data);
  }
  const isa::Banks used = isa::banks_of(command);
  for (int bank = used.first; bank < std::min(used.first + used.count, state_.banks()); ++bank)
    start.after(banks_[static_cast<std::size_t>(bank)], State::banks);
  if (kQueuedUnits[unit] == Unit::reduction) wait_for_network(command, start);
  return start;
}

// As LocalStore has it: what is left at that date, or as soon as enough is.
std::int64_t EventPe::grant(const Lane& lane, std::int64_t rate, Start& start) const {
  if (wiring_.what_if.local_store) return rate;
  const std::int64_t capacity = wiring_.chip.local_store.bytes_per_cycle, wish = std::min(rate, capacity);
  const std::int64_t least = std::min(wish, std::max<std::int64_t>(1, capacity / 8));
  for (;;) {
    std::int64_t left = capacity;
    Cycle next = kNever;
    const auto count = [&](const Lane& other) {
      if (&other == &lane || other.granted_until <= start.at) return;
      left -= other.grant;
      next = std::min(next, other.granted_until);
    };
    for (const Lane& other : movers_) count(other);
    for (const Lane& other : slots_) count(other);
    if (left >= least || next == kNever) return std::clamp(left, std::int64_t{1}, wish);
    start.after(next, State::local_store);
  }
}

Cycle EventPe::held_ready(const CommandProcessor::Entry& entry) const {
  if (entry.command.opcode != Opcode::matmul) return 0;
  const auto id = static_cast<int>(entry.command[isa::matmul_t::held]);
  const Tiles& tiles = tiles_[static_cast<std::size_t>(id)];
  if (tiles.pushed.empty()) return entry.issued;
  return std::max(entry.issued,
                  tiles.pushed[static_cast<std::size_t>(state_.buffer(id).taken) % tiles.pushed.size()]);
}

Work EventPe::work(const isa::Command& command, Cycle now, Cycle held_ready) const {
  switch (command.unit) {
    case Unit::matrix:
      return matrix_.work(command, now, held_ready);
    case Unit::reduction:
      return reduction_.work(command);
    case Unit::vector:
      return vector_.work(command);
    default:
      return isa::is_sort(command.opcode) ? sort_.work(command) : layout_.work(command);
  }
}

void EventPe::bill_start(Lane& lane, const CommandProcessor::Entry& entry, const Start& start) {
  const std::uint32_t operation = entry.command.source;
  lane.line.until(std::min(entry.issued, start.at), State::issue, operation);
  lane.line.until(start.at, start.cause, operation);
  wiring_.accounts.touch(operation, start.at);
  ++wiring_.accounts.operation(operation).commands;
}

// Tiles and banks that a command has moved on are as it leaves them from `end` on.
void EventPe::note(const isa::Command& command, Cycle end) {
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    Tiles& tiles = tiles_[static_cast<std::size_t>(operand.buffer)];
    if (!operand.advance || tiles.pushed.empty()) continue;
    const isa::Buffer& buffer = state_.buffer(operand.buffer);
    auto& dates = operand.writes ? tiles.pushed : tiles.popped;
    dates[static_cast<std::size_t>(operand.writes ? buffer.pushed : buffer.popped) % dates.size()] = end;
  }
  const isa::Banks used = isa::banks_of(command);
  const bool moves = command.opcode != Opcode::matmul || command[isa::matmul_t::last] != 0;
  if (moves)
    for (int bank = used.first; bank < used.first + used.count; ++bank)
      banks_[static_cast<std::size_t>(bank)] = end;
  last_finish_ = std::max(last_finish_, end);
}

bool EventPe::serve(std::size_t unit, Slot& slot) {
  CommandProcessor::Entry* entry = oldest(unit);
  if (!entry || !may_start(unit, slot, *entry)) return false;
  isa::Command& command = entry->command;
  Start start = start_of(unit, slot, *entry);
  const Cycle begun = start.at, held = held_ready(*entry);
  Work work = this->work(command, start.at, held);
  const auto bytes = static_cast<Cycle>(work.read + work.written);
  if (bytes != 0) {
    slot.grant = grant(slot, static_cast<std::int64_t>(ceil_div(bytes, work.cycles)), start);
    if (start.at != begun) work = this->work(command, start.at, held);
  }
  const Cycle moved = bytes == 0 ? 0 : ceil_div(bytes, static_cast<Cycle>(slot.grant));
  const Cycle busy = start.at + work.cycles, end = std::max(busy, start.at + moved);
  bill_start(slot, *entry, start);
  slot.line.until(busy, State::busy, command.source);
  slot.line.until(end, State::local_store, command.source);
  wiring_.accounts.touch(command.source, end);
  wiring_.counters.local_store_read += static_cast<std::uint64_t>(work.read);
  wiring_.counters.local_store_written += static_cast<std::uint64_t>(work.written);
  slot.granted_until = slot.free = slot.last = end;
  slot.held = nullptr;
  state_.begin(command);
  if (command.opcode == Opcode::merge) take_partials(command, begun);
  if (command.opcode == Opcode::pass) send_partials(command, end);
  if (command.unit == Unit::matrix) {
    matrix_.started(command, start.at, end);
    const std::int64_t macs = isa::macs_of(command);
    wiring_.counters.macs += macs;
    wiring_.counters.macs_by_dtype[static_cast<std::size_t>(command.dtype(isa::matmul_t::held_type))] += macs;
    wiring_.accounts.operation(command.source).macs += macs;
  }
  if (isa::is_sort(command.opcode) ||
      (command.unit == Unit::layout && wiring_.indices.carries(command.core, command.pc)))
    isa::execute(command, state_, wiring_.memory, nullptr, nullptr);
  note(command, end);
  state_.finish(command);
  pop(unit, command, begun);
  return true;
}

EventPe& EventPe::neighbour(isa::Direction direction) const {
  constexpr int kRow[] = {-1, 0, 1, 0}, kColumn[] = {0, 1, 0, -1};
  const int row = place_.row + kRow[static_cast<int>(direction)];
  const int column = place_.column + kColumn[static_cast<int>(direction)];
  if (row < 0 || row >= place_.rows || column < 0 || column >= place_.columns)
    throw Error(ExitCode::illegal_program,
                fmt::format("pe {}: passes or merges over the edge of the grid", index_),
                "pass and merge only inside the grid");
  return *wiring_.pes[static_cast<std::size_t>(row * place_.columns + column)];
}

void EventPe::take_partials(const isa::Command& command, Cycle at) {
  const isa::Direction from = direction_of(command);
  arrived_[static_cast<std::size_t>(from)].reset();
  EventPe& sender = neighbour(from);
  sender.link_[opposite(from)] = at + 1;
  sender.wake();
}

void EventPe::send_partials(const isa::Command& command, Cycle at) {
  const isa::Direction to = direction_of(command);
  link_[static_cast<std::size_t>(to)].reset();
  EventPe& receiver = neighbour(to);
  receiver.arrived_[opposite(to)] = at + 1;
  receiver.wake();
}

// A transfer's start is known; what it takes is for the traffic to say.
bool EventPe::serve(std::size_t unit, Mover& mover) {
  if (mover.wish) return false;
  CommandProcessor::Entry* entry = oldest(unit);
  if (!entry || !may_start(unit, mover, *entry)) return false;
  isa::Command& command = entry->command;
  Start start = start_of(unit, mover, *entry);
  start.after(mover.ends[mover.flights % Mover::kFlights], State::memory);
  if (mover.last <= start.at)
    mover.grant = grant(mover, wiring_.chip.fabric_interface.bytes_per_cycle, start);
  if (mover.last <= start.at) {
    mover.port_carry = 0;
    bill_start(mover, *entry, start);
  } else {
    wiring_.accounts.touch(command.source, start.at);
    ++wiring_.accounts.operation(command.source).commands;
  }
  mover.free = start.at;
  state_.begin(command);
  if (is_indexed(command)) mover.list = isa::indexed_runs(command, state_);
  mover.wish = {&command, start.at, mover.grant};
  mover.taken = false;
  return false;  // nothing else follows from it before it has ended
}

isa::Runs EventPe::runs(bool stores) const {
  const Mover& mover = movers_[stores ? 1 : 0];
  return is_indexed(*mover.wish->command) ? isa::Runs(mover.list)
                                          : isa::Runs(isa::transfer_of(*mover.wish->command));
}

void EventPe::transferred(bool stores, Cycle end, Cycle gathered) {
  Mover& mover = movers_[stores ? 1 : 0];
  const isa::Command& command = *mover.wish->command;
  const std::int64_t bytes = runs(stores).bytes();
  (stores ? wiring_.counters.local_store_read : wiring_.counters.local_store_written) +=
      static_cast<std::uint64_t>(bytes);
  end = std::max(end, mover.last);
  mover.last = mover.granted_until = end;
  mover.ends[mover.flights++ % Mover::kFlights] = end;
  mover.port_carry += ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(mover.grant));
  mover.line.until(std::min(gathered, end), State::multicast, command.source);
  if (end > mover.line.since()) {
    const Cycle busy = std::min(mover.port_carry, end - mover.line.since());
    mover.port_carry -= busy;
    mover.line.until(end - busy, State::memory, command.source);
    mover.line.until(end, State::busy, command.source);
  }
  wiring_.accounts.touch(command.source, end);
  if (command.opcode == Opcode::spread ||
      (command.opcode == Opcode::load && wiring_.indices.carries(command.core, command.pc)))
    isa::execute(command, state_, wiring_.memory, nullptr, nullptr);
  note(command, end);
  state_.finish(command);
  mover.held = nullptr;
  pop(stores ? 1 : 0, command, mover.wish->at);
  mover.wish.reset();
  wake();
}

bool EventPe::finished() const {
  return cores_[0].stop == Stop::ended && cores_[1].stop == Stop::ended && empty();
}

Cycle EventPe::end() const {
  return std::max({cores_[0].time, cores_[1].time, last_finish_});
}

void EventPe::close(Cycle end) {
  for (Core& core : cores_) {
    core.line.until(std::min(core.time, end), State::busy, core.busy_with);
    core.line.until(end, State::idle, kNoOperation);
  }
  for (Lane& lane : movers_) lane.line.until(end, State::idle, kNoOperation);
  for (Lane& lane : slots_) lane.line.until(end, State::idle, kNoOperation);
}

}  // namespace leto::model
