// What a PE remembers, for a snapshot. Engines without a state() remember nothing.
#include "model/pe/pe.h"

namespace leto::model {

void Pe::Lane::state(Snapshot& s, CommandProcessor& processor) {
  s(line, core, waiting, cause, waiting_since, hold, cores);
  processor.state(s, held);
}

void Pe::Slot::state(Snapshot& s, CommandProcessor& processor) {
  Lane::state(s, processor);
  s(phase, held_ready, begun, started, finish, stretch, grant, partials);
  processor.state(s, entry);
}

void Pe::Mover::state(Snapshot& s, CommandProcessor& processor) {
  Lane::state(s, processor);
  s(next_sequence, grant, port_carry);
  flights.state(s, [&](Flight& flight) {
    processor.state(s, flight.entry);
    s(flight.sequence, flight.begun, flight.done, flight.gathered, flight.port_cycles, flight.list);
  });
}

void Pe::state(Snapshot& s) {
  s(processor_, cores_, state_, store_, matrix_, reduction_);
  for (Mover& mover : movers_) mover.state(s, processor_);
  for (Slot& slot : slots_) slot.state(s, processor_);
  s(pushed_at_, semaphores_, mail_, last_finish_, at_grid_barrier_, left_);
}

isa::Runs Pe::runs(bool store, std::uint64_t sequence) const {
  const auto& flights = movers_[store ? 1 : 0].flights;
  return runs_of(flights[sequence - flights.front().sequence]);
}

}  // namespace leto::model
