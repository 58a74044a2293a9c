// The PE's turn: mail, finishing, cores, starting, until nothing changes.
#include "model/pe/pe.h"

#include <algorithm>

#include "base/errors.h"
#include "model/twin/twins.h"

namespace leto::model {

Pe::Pe(const sc_core::sc_module_name& name, Kernel& kernel, Wiring& w, int index)
    : Process(name, kernel),
      wiring_(w),
      index_(index),
      place_{index / w.chip.pe.columns, index % w.chip.pe.columns, w.chip.pe.rows, w.chip.pe.columns},
      processor_(w.chip.command_processor.queue_depth, kFlights),
      cores_{IssueCore(w.program, 0, place_, w.chip.command_processor, w.what_if.issue, w.accounts),
             IssueCore(w.program, 1, place_, w.chip.command_processor, w.what_if.issue, w.accounts)},
      state_(w.chip.local_store.bytes, w.chip.reduction_engine.banks, w.values),
      store_(w.chip.local_store, w.what_if.local_store),
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
      buffer_twin_(w.twins ? w.twins->buffers(index) : nullptr) {
  if (!w.twins) return;
  for (const bool store : {false, true}) address_twins_[store] = w.twins->addresses(index, store);
}

void Pe::launch(Cycle at) {
  for (Lane& lane : movers_) rest(lane, lane.line.since());
  for (Lane& lane : slots_) rest(lane, lane.line.since());
  const ChipConfig& chip = wiring_.chip;
  state_ = isa::PeState(chip.local_store.bytes, chip.reduction_engine.banks, wiring_.values);
  if (buffer_twin_) buffer_twin_->launch();
  reduction_ = ReductionEngine(chip.reduction_engine);
  semaphores_.fill(0);
  mail_.clear();
  at_grid_barrier_ = left_ = false;
  for (IssueCore& core : cores_) core.launch(at);
  wake_at(at);
}

void Pe::step(Cycle now) {
  try {
    turn(now);
  } catch (const TwinMismatch&) {
    throw;  // it says where and when
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("cycle {}, pe {}: {}", now, index_, error.what()), error.remedy());
  }
}

void Pe::turn(Cycle now) {
  take_mail(now);
  bool changed;
  do {
    changed = finish_all(now);
    changed |= run_cores(now);
    changed |= barrier(now);
    changed |= start_all(now);
  } while (changed);
  leave_barriers(now);
  if (const Cycle next = next_event(now); next != kNever) wake_at(std::max(next, now + 1));
}

Cycle Pe::next_event(Cycle now) const {
  Cycle next = kNever;
  for (const Mail& mail : mail_) next = std::min(next, mail.at);
  for (const IssueCore& core : cores_) {
    const bool dated = core.stop() != IssueCore::Stop::queue_full;
    if (dated && (core.time() > now || core.stop() == IssueCore::Stop::pause))
      next = std::min(next, core.time());
  }
  for (std::size_t queue = 0; queue < kQueues; ++queue) {
    // A running unit looks at its queue when it finishes.
    if (queue >= 2 && slot(queue).phase != Slot::Phase::idle) continue;
    if (processor_.due(queue) > now) next = std::min(next, processor_.due(queue));
  }
  for (const Slot& slot : slots_)
    if (slot.phase == Slot::Phase::running) next = std::min(next, slot.finish);
  for (const Mover& mover : movers_)
    if (!mover.flights.empty()) next = std::min(next, mover.flights.front().done);
  return next;
}

void Pe::deliver(Mail mail) {
  const Cycle at = mail.at;
  mail_.push_back(std::move(mail));
  wake_at(at);
}

bool Pe::take_mail(Cycle now) {
  const auto due =
      std::stable_partition(mail_.begin(), mail_.end(), [now](const Mail& m) { return m.at > now; });
  const bool any = due != mail_.end();
  for (auto mail = due; mail != mail_.end(); ++mail) take(*mail);
  mail_.erase(due, mail_.end());
  return any;
}

void Pe::take(Mail& mail) {
  const auto number = static_cast<std::size_t>(mail.number);
  switch (mail.kind) {
    case Mail::Kind::semaphore:
      semaphores_[number] += mail.count;
      break;
    case Mail::Kind::partial:
      reduction_.arrived[number] = std::move(mail.partials);
      break;
    case Mail::Kind::link_free:
      reduction_.link_taken[number] = false;
      break;
    case Mail::Kind::barrier:
      at_grid_barrier_ = false;
      open_barrier(mail.at, isa::Scope::all);
      break;
  }
}

bool Pe::finish_all(Cycle now) {
  bool changed = land(movers_[0], false, now);
  changed |= land(movers_[1], true, now);
  for (Slot& slot : slots_)
    if (slot.phase == Slot::Phase::running && slot.finish <= now) {
      finish(slot, now);
      changed = true;
    }
  return changed;
}

bool Pe::start_all(Cycle now) {
  bool changed = false;
  for (std::size_t queue = 0; queue < movers_.size(); ++queue)
    if (may_start(queue, movers_[queue], now)) changed |= start(queue, movers_[queue], now);
  for (std::size_t queue = movers_.size(); queue < kQueues; ++queue) {
    Slot& slot = this->slot(queue);
    if (slot.phase == Slot::Phase::begun)
      changed |= resume(slot, now);
    else if (slot.phase == Slot::Phase::idle && may_start(queue, slot, now))
      changed |= start(queue, slot, now);
  }
  return changed;
}

bool Pe::idle() const {
  for (const Slot& slot : slots_)
    if (slot.phase != Slot::Phase::idle) return false;
  return movers_[0].flights.empty() && movers_[1].flights.empty() && processor_.empty();
}

bool Pe::finished() const {
  return cores_[0].ended() && cores_[1].ended() && idle();
}

Cycle Pe::end() const {
  return std::max({cores_[0].time(), cores_[1].time(), last_finish_});
}

void Pe::settle(Cycle now) {
  for (IssueCore& core : cores_) core.settle(now);
  for (std::size_t queue = 0; queue < kQueues; ++queue) {
    const bool moves = queue < movers_.size();
    Lane& lane = moves ? static_cast<Lane&>(movers_[queue]) : slot(queue);
    if (moves && !movers_[queue].flights.empty())
      lane.line.until(now, State::multicast, movers_[queue].flights.front().entry->command.source);
    else if (const Entry* entry = processor_.oldest(queue))
      bill_wait(lane, *entry, now);
  }
}

void Pe::bill_waits(Cycle now, Cycle since, std::uint32_t queues) {
  for (IssueCore& core : cores_) core.settle(now);
  const auto bill = [&](std::size_t queue, Lane& lane) {
    if ((wiring_.used_units & queues & std::uint32_t{1} << queue) == 0) return;
    if (lane.waiting) return bill_wait(lane, *processor_.oldest(queue), now);
    if (since != kNever && lane.line.since() <= since) return;
    const IssueCore& core = cores_[lane.core];
    bill_gap(lane, core.ended() ? kNoOperation : core.source(), now);
    rest(lane, now);
  };
  for (std::size_t queue = 0; queue < kQueues; ++queue) {
    if (queue < movers_.size()) {
      if (movers_[queue].flights.empty()) bill(queue, movers_[queue]);
    } else if (slot(queue).phase == Slot::Phase::idle) {
      bill(queue, slot(queue));
    }
  }
}

Cycle Pe::billed() const {
  Cycle last = std::max(cores_[0].billed(), cores_[1].billed());
  for (const Lane& lane : movers_) last = std::max(last, lane.line.since());
  for (const Lane& lane : slots_) last = std::max(last, lane.line.since());
  return last;
}

void Pe::close(Cycle end) {
  for (IssueCore& core : cores_) core.close(end);
  for (Lane& lane : movers_) lane.line.until(end, State::idle, kNoOperation);
  for (Lane& lane : slots_) lane.line.until(end, State::idle, kNoOperation);
}

}  // namespace leto::model
