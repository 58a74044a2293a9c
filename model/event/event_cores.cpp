// The cores of an event PE: what they issue when, barriers and semaphores.
#include <algorithm>

#include "base/errors.h"
#include "model/control_core/exchange.h"
#include "model/event/event_pe.h"

namespace leto::model {

using isa::Unit;

void EventPe::spend(Core& core, int cycles) {
  if (wiring_.what_if.issue) return;
  if (const std::uint32_t operation = core.core.source(); operation != core.busy_with) {
    core.line.until(core.time, State::busy, core.busy_with);
    core.busy_with = operation;
  }
  core.time += static_cast<Cycle>(cycles);
}

void EventPe::wait_until(Core& core, Cycle at, State why) {
  if (at <= core.time) return;
  core.line.until(core.time, State::busy, core.busy_with);
  core.line.until(at, why, core.core.source());
  core.time = at;
}

bool EventPe::run_cores() {
  bool changed = false;
  for (int id = 0; id < isa::kCores; ++id) changed |= run_core(cores_[static_cast<std::size_t>(id)], id);
  return changed;
}

bool EventPe::run_core(Core& core, int id) {
  const CommandProcessorConfig& config = wiring_.chip.command_processor;
  bool changed = false;
  for (;; changed = true) {
    if (core.stop == Stop::ended) return changed;
    if (core.stop != Stop::none && !resume(core)) return changed;
    const Unit unit = core.core.unit();
    if (unit == Unit::core) {
      spend(core, config.scalar_cycles);
      ++wiring_.counters.instructions;
      core.core.execute_scalar();
      if (core.core.ended()) core.stop = Stop::ended;
    } else if (unit == Unit::sync || unit == Unit::buffer) {
      spend(core, config.issue_cycles);
      ++wiring_.counters.instructions;
      switch (core.core.current().opcode) {
        case isa::Opcode::barrier:
          core.stop = Stop::barrier;
          break;
        case isa::Opcode::post:
          core.stop = Stop::post;
          break;
        case isa::Opcode::wait:
          core.stop = Stop::wait;
          break;
        default:
          core.stop = Stop::define;
      }
    } else if (!issue(core, id, unit)) {
      return changed;
    }
  }
}

bool EventPe::issue(Core& core, int id, Unit unit) {
  Queue& q = queue(queue_of(unit), id);
  const std::size_t depth = q.entries.size();
  if (q.pushed - q.popped == depth) return false;
  wait_until(core, q.freed[q.pushed % depth], State::queue_full);
  spend(core, wiring_.chip.command_processor.issue_cycles);
  ++wiring_.counters.instructions;
  ++wiring_.counters.commands;
  CommandProcessor::Entry& entry = q.entries[q.pushed++ % depth];
  entry.issued = core.time;
  core.core.capture_current(entry.command);
  core.core.advance();
  return true;
}

// Is every command issued up to `date` dated?
bool EventPe::done_before(Cycle date) const {
  for (const Queue& q : queues_)
    if (q.pushed != q.popped && q.entries[q.popped % q.entries.size()].issued <= date) return false;
  return true;
}

// What it stopped at, if its date is known. Barriers are opened for both cores.
bool EventPe::resume(Core& core) {
  switch (core.stop) {
    case Stop::define: {
      const isa::Command command = core.core.capture_current();
      state_.define(command);
      const auto depth = static_cast<std::size_t>(std::max<std::int64_t>(1, command[isa::buffer_t::depth]));
      Tiles& tiles = tiles_[static_cast<std::size_t>(command[isa::buffer_t::id])];
      tiles.pushed.assign(depth, 0);
      tiles.popped.assign(depth, 0);
      break;
    }
    case Stop::post:
      if (!done_before(core.time)) return false;
      wait_until(core, last_finish_, State::post);
      post(core.core.capture_current(), core.time);
      break;
    case Stop::wait: {
      const isa::Command wait = core.core.capture_current();
      auto& dates = semaphores_[static_cast<std::size_t>(wait[isa::wait_t::semaphore])];
      const auto count = static_cast<std::size_t>(wait[isa::wait_t::count]);
      if (dates.size() < count) return false;
      std::ranges::sort(dates);
      if (count > 0) wait_until(core, dates[count - 1], State::semaphore);
      dates.erase(dates.begin(), dates.begin() + static_cast<std::ptrdiff_t>(count));
      break;
    }
    default:
      return false;
  }
  core.core.advance();
  core.stop = Stop::none;
  return true;
}

void EventPe::post(const isa::Command& command, Cycle at) {
  const std::int64_t target = command[isa::post_t::pe];
  if (target < 0 || target >= wiring_.chip.pes())
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: posts to PE {} of {}", isa::describe(command), target, wiring_.chip.pes()),
                "post to a PE of the grid");
  EventPe& to = *wiring_.pes[static_cast<std::size_t>(target)];
  const Cycle arrives = at + static_cast<Cycle>(std::max(1, wiring_.chip.sync.message_cycles));
  auto& dates = to.semaphores_[static_cast<std::size_t>(command[isa::post_t::semaphore])];
  dates.insert(dates.end(), static_cast<std::size_t>(command[isa::post_t::count]), arrives);
  to.wake();
}

// Both cores that are left stand at the same kind of barrier, and every command is dated.
bool EventPe::barrier() {
  if (at_barrier_) return false;
  int arrived = 0;
  isa::Scope scope{};
  Cycle at = last_finish_, exchange = 0;
  for (const Core& core : cores_) {
    at = std::max(at, core.time);
    if (core.stop == Stop::ended) continue;
    if (core.stop != Stop::barrier) return false;
    const auto mine = static_cast<isa::Scope>(core.core.current().field[isa::barrier_t::scope]);
    if (arrived++ > 0 && mine != scope) return false;
    scope = mine;
    exchange = exchange_at(core.core.current(), wiring_.chip);
  }
  if (arrived == 0 || !empty()) return false;
  if (scope == isa::Scope::pe) {
    open_barrier(at + exchange, scope);
    return true;
  }
  at_barrier_ = at;
  return false;
}

void EventPe::open_barrier(Cycle at, isa::Scope scope) {
  at_barrier_.reset();
  state_.barrier_passed();
  std::uint32_t operation = kNoOperation;
  for (Core& core : cores_) {
    if (core.stop == Stop::ended) continue;
    operation = core.core.source();
    wait_until(core, at, State::barrier);
    core.core.advance();
    core.stop = Stop::none;
  }
  const auto rest = [&](Lane& lane) {
    lane.line.until(at, State::barrier, operation);
    lane.free = std::max(lane.free, at);
  };
  for (Lane& lane : movers_) rest(lane);
  for (Lane& lane : slots_) rest(lane);
  if (scope == isa::Scope::all) wake();
}

}  // namespace leto::model
