// The PE's side of the fabric interface: loads, stores, gathers and scatters.
#include <algorithm>

#include "base/errors.h"
#include "model/pe/pe.h"
#include "model/twin/twins.h"

namespace leto::model {

using isa::Opcode;

bool Pe::start(std::size_t queue, Mover& mover, Cycle now) {
  if (mover.flights.full()) return false;
  const bool alone = mover.flights.empty();
  const Entry& entry = alone ? look(queue, mover, now) : *processor_.oldest(queue);
  if (const State cause = held_by(entry, mover, now); cause != State::busy) {
    hold(mover, cause, now);
    return false;
  }
  if (alone) {
    mover.grant = store_.acquire(wiring_.chip.fabric_interface.bytes_per_cycle);
    if (mover.grant == 0) {
      hold(mover, State::local_store, now);
      return false;
    }
  }
  mover.held = nullptr;
  fly(mover, queue == 1, processor_.pop(queue), now);
  return true;
}

void Pe::check_memory(const isa::Command& command, isa::Runs runs) const {
  const auto& chip = wiring_.chip;
  const auto device = static_cast<std::uint64_t>(chip.hbm.bytes);
  const auto scratch = static_cast<std::uint64_t>(scratch_bytes(chip.sram));
  if (!is_indexed(command)) {
    const isa::Extent all = isa::extent_of(isa::transfer_of(command));
    if (all.end <= std::min(device, isa::kSramBase)) return;
    if (all.begin >= isa::kSramBase && all.end - isa::kSramBase <= scratch) return;
  }
  for (isa::Run run = runs.next(); run.bytes != 0; run = runs.next()) {
    const bool sram = run.address >= isa::kSramBase;
    const std::uint64_t end =
        run.address + static_cast<std::uint64_t>(run.bytes) - (sram ? isa::kSramBase : 0);
    const std::uint64_t size = sram ? scratch : device;
    if (end > size)
      throw Error(ExitCode::illegal_program,
                  fmt::format("{}: reaches byte {} of {}, which has {}", isa::describe(command), end,
                              sram ? "SRAM scratch" : "device memory", size),
                  "compile for this chip, or enlarge the memory in the chip file");
  }
}

isa::Runs Pe::runs_of(const Flight& flight) {
  const isa::Command& command = flight.entry->command;
  return is_indexed(command) ? isa::Runs(flight.list) : isa::Runs(isa::transfer_of(command));
}

// A multicast reads memory once: the first PE of its group is billed.
bool Pe::billed(const isa::Command& command) const {
  if (command.opcode != Opcode::load) return true;
  const int columns = wiring_.chip.pe.columns;
  switch (static_cast<isa::Multicast>(command[isa::load_t::multicast])) {
    case isa::Multicast::row:
      return index_ % columns == 0;
    case isa::Multicast::column:
      return index_ < columns;
    case isa::Multicast::all:
      return index_ == 0;
    default:
      return true;
  }
}

void Pe::fly(Mover& mover, bool stores, Entry& entry, Cycle now) {
  Flight& flight = mover.flights.grow();
  flight.entry = &entry;
  isa::Command& command = flight.entry->command;
  state_.begin(command);
  if (is_indexed(command)) flight.list = isa::indexed_runs(command, state_);
  if (buffer_twin_) buffer_twin_->began(command, now);
  const isa::Runs runs = runs_of(flight);
  check_memory(command, runs);
  const std::int64_t bytes = runs.bytes();
  flight.sequence = mover.next_sequence++;
  flight.begun = now;
  flight.gathered = 0;
  flight.done = bytes == 0 ? now : kNever;
  flight.port_cycles = ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(mover.grant));
  (stores ? wiring_.counters.local_store_read : wiring_.counters.local_store_written) +=
      static_cast<std::uint64_t>(bytes);
  wiring_.accounts.touch(command.source, now);
  auto& operation = wiring_.accounts.operation(command.source);
  ++operation.commands;
  if (billed(command)) operation.bytes += bytes;
  if (bytes == 0) return;
  Transfer transfer;
  transfer.pe = index_;
  transfer.store = stores;
  transfer.modify = command.opcode == Opcode::scatter;
  if (command.opcode == Opcode::load)
    transfer.multicast = static_cast<isa::Multicast>(command[isa::load_t::multicast]);
  transfer.runs = runs;
  transfer.rate = mover.grant;
  transfer.sequence = flight.sequence;
  if (AddressTwin* twin = address_twins_[stores]) twin->submitted(command, flight.list);
  wiring_.fabric->submit(transfer);
}

void Pe::transfer_done(bool store, std::uint64_t sequence, Cycle at, Cycle gathered) {
  Mover& mover = movers_[store ? 1 : 0];
  Flight& flight = mover.flights[sequence - mover.flights.front().sequence];
  flight.done = at;
  flight.gathered = gathered;
  if (&flight == &mover.flights.front()) wake_at(at);
}

// Transfers finish in order, as they began.
bool Pe::land(Mover& mover, bool stores, Cycle now) {
  bool landed = false;
  while (!mover.flights.empty() && mover.flights.front().done <= now) {
    const Flight& flight = mover.flights.front();
    execute_transfer(flight, stores);
    note_pushes(flight.entry->command, now);
    state_.finish(flight.entry->command);
    if (buffer_twin_) buffer_twin_->finished(flight.entry->command, state_, now);
    if (wiring_.observer) observe(*flight.entry, flight.begun, now);
    bill_flight(mover, flight, now);
    wiring_.accounts.touch(flight.entry->command.source, now);
    last_finish_ = now;
    if (wiring_.watch) wiring_.watch->finished(index_, flight.entry->command.core);
    mover.flights.pop_front();
    if (mover.flights.empty()) {
      store_.release(mover.grant);
      mover.port_carry = 0;
      rest(mover, now);
    }
    landed = true;
  }
  return landed;
}

// The time since the transfer before: waiting for the multicast's members, moving data, waiting for memory.
void Pe::bill_flight(Mover& mover, const Flight& flight, Cycle now) {
  const std::uint32_t operation = flight.entry->command.source;
  mover.port_carry += flight.port_cycles;
  mover.line.until(std::min(flight.gathered, now), State::multicast, operation);
  const Cycle busy = std::min(mover.port_carry, now - mover.line.since());
  mover.port_carry -= busy;
  mover.line.until(now - busy, State::memory, operation);
  mover.line.until(now, State::busy, operation);
}

void Pe::execute_transfer(const Flight& flight, bool stores) {
  const isa::Command& command = flight.entry->command;
  if (!wiring_.values) {
    const bool brings = command.opcode == Opcode::load && carries_indices(command);
    if (brings || command.opcode == Opcode::spread)
      isa::execute(command, state_, wiring_.memory, nullptr, nullptr);
    return;
  }
  isa::Runs runs = runs_of(flight);
  for (isa::Run run = runs.next(); run.bytes != 0; run = runs.next())
    stores ? wiring_.races->write(index_, command, run.address, run.bytes)
           : wiring_.races->read(index_, command, run.address, run.bytes);
  isa::execute(command, state_, wiring_.memory, nullptr, nullptr);
}

}  // namespace leto::model
