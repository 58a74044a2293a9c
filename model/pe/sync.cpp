// The PE's cores: when a stopped one goes on; barriers and semaphores.
#include <algorithm>

#include "base/errors.h"
#include "model/control_core/exchange.h"
#include "model/pe/pe.h"
#include "model/twin/twins.h"

namespace leto::model {

using Stop = IssueCore::Stop;

// Is every command issued up to `date` done?
bool Pe::done_before(Cycle date) const {
  for (const Slot& slot : slots_)
    if (slot.phase != Slot::Phase::idle && slot.entry->issued <= date) return false;
  for (const Mover& mover : movers_)
    if (!mover.flights.empty() && mover.flights.front().entry->issued <= date) return false;
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    if (processor_.due(queue) <= date) return false;
  return true;
}

bool Pe::may_resume(IssueCore& core, Cycle now) {
  switch (core.stop()) {
    case Stop::queue_full: {
      const int id = &core == &cores_[0] ? 0 : 1;
      return !processor_.full(core.wanted_queue(), id);
    }
    case Stop::define:
      return now >= core.time();
    case Stop::post:
      return now >= core.time() && done_before(core.time());
    case Stop::wait: {
      const auto& wait = core.instruction().field;
      return now >= core.time() &&
             semaphores_[static_cast<std::size_t>(wait[isa::wait_t::semaphore])] >= wait[isa::wait_t::count];
    }
    default:
      return false;
  }
}

void Pe::post(const isa::Command& command, Cycle now) {
  const std::int64_t target = command[isa::post_t::pe];
  if (target < 0 || target >= wiring_.chip.pes())
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: posts to PE {} of {}", isa::describe(command), target, wiring_.chip.pes()),
                "post to a PE of the grid");
  const int semaphore = static_cast<int>(command[isa::post_t::semaphore]);
  if (wiring_.races) wiring_.races->post(index_, static_cast<int>(target), semaphore);
  Mail mail;
  mail.at = now + static_cast<Cycle>(std::max(1, wiring_.chip.sync.message_cycles));
  mail.number = semaphore;
  mail.count = command[isa::post_t::count];
  wiring_.pes[static_cast<std::size_t>(target)]->deliver(std::move(mail));
}

void Pe::define(const IssueCore& core, Cycle /*now*/) {
  const isa::Command command = core.command();
  if (!done_before(core.time()))
    throw Error(ExitCode::illegal_program, isa::describe(command) + ": defined while units are busy",
                "put barrier scope=pe before it");
  define(command, core.time());
}

void Pe::define(const isa::Command& command, Cycle now) {
  state_.define(command);
  if (buffer_twin_) buffer_twin_->defined(command, now);
  const auto depth = static_cast<std::size_t>(std::max<std::int64_t>(1, command[isa::buffer_t::depth]));
  pushed_at_[static_cast<std::size_t>(command[isa::buffer_t::id])].assign(depth, 0);
  if (wiring_.observer)
    wiring_.observer->on_buffer(index_, static_cast<int>(command[isa::buffer_t::id]), 0, now);
}

bool Pe::run_core(IssueCore& core, Cycle now) {
  if (core.stop() == Stop::none || (core.stop() == Stop::pause && core.time() <= now)) {
    core.run(processor_, wiring_.counters);
    return true;
  }
  if (!may_resume(core, now)) return false;
  const Stop stop = core.stop();
  if (stop == Stop::define) {
    define(core, now);
  } else if (stop == Stop::post) {
    post(core.command(), now);
  } else if (stop == Stop::wait) {
    const isa::Command wait = core.command();
    semaphores_[static_cast<std::size_t>(wait[isa::wait_t::semaphore])] -= wait[isa::wait_t::count];
    if (wiring_.races) wiring_.races->wait(index_, static_cast<int>(wait[isa::wait_t::semaphore]));
  }
  core.resume(std::max(now, core.time()));
  core.run(processor_, wiring_.counters);
  return true;
}

bool Pe::run_cores(Cycle now) {
  bool changed = false;
  for (IssueCore& core : cores_) changed |= run_core(core, now);
  return changed;
}

// A core that has ended takes part in no barrier, from the date it ended.
bool Pe::barrier(Cycle now) {
  if (at_grid_barrier_) return false;
  int arrived = 0;
  isa::Scope scope{};
  Cycle exchange = 0;
  for (const IssueCore& core : cores_) {
    if (core.time() > now) return false;
    if (core.ended()) continue;
    if (core.stop() != Stop::barrier) return false;
    const auto mine = static_cast<isa::Scope>(core.instruction().field[isa::barrier_t::scope]);
    if (arrived++ > 0 && mine != scope)
      return false;  // the cores wait at different barriers: nobody opens either
    scope = mine;
    exchange = exchange_at(core.instruction(), wiring_.chip);
  }
  if (arrived == 0 || !idle()) return false;
  if (scope == isa::Scope::pe) {
    open_barrier(now + exchange, scope);
    return true;
  }
  at_grid_barrier_ = true;
  wiring_.control.arrive(now);
  return false;
}

void Pe::open_barrier(Cycle now, isa::Scope scope) {
  state_.barrier_passed();
  if (scope == isa::Scope::pe && wiring_.races) wiring_.races->local_barrier(index_);
  for (IssueCore& core : cores_)
    if (!core.ended()) core.resume(now);
}

void Pe::leave_barriers(Cycle now) {
  if (left_ || !finished() || cores_[0].time() > now || cores_[1].time() > now) return;
  left_ = true;
  wiring_.control.leave(now);
}

}  // namespace leto::model
