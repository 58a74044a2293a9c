#include "model/hbm/hbm.h"

#include "model/noc/interleave.h"

namespace leto::model {

Hbm::Hbm(const ChipConfig& chip, bool unlimited)
    : interleave_(static_cast<std::uint64_t>(chip.hbm.interleave_bytes)),
      burst_bytes_(static_cast<std::uint64_t>(chip.dram.burst_bytes)),
      count_(static_cast<std::uint64_t>(chip.hbm.channels)),
      to_controller_(static_cast<Cycle>(chip.hbm.latency_cycles / 2)),
      from_controller_(static_cast<Cycle>(chip.hbm.latency_cycles) - to_controller_),
      unlimited_(unlimited),
      spec_(chip.dram, chip.hbm),
      clock_(chip.pe.clock_mhz, spec_.timing.tick_ns),
      timing_(chip.dram, chip.pe.clock_mhz, spec_.drain_above - spec_.drain_below,
              chip.hbm.refresh == "per_bank") {
  const auto channels = static_cast<std::size_t>(chip.hbm.channels);
  if (chip.hbm.model == "ledger")
    ledgers_.assign(channels, Ledger(timing_));
  else
    controllers_.assign(channels, Controller(spec_));
}

Hbm::Place Hbm::place_of(std::uint64_t address) const {
  const std::uint64_t block = interleave_.quotient(address);
  const std::uint64_t above = count_.quotient(block);
  return {static_cast<int>(count_.remainder(block + rotation(above))),
          above * interleave_.divisor() + interleave_.remainder(address)};
}

std::optional<Cycle> Hbm::submit(const Place& place, std::int64_t bytes, bool write, std::uint32_t tag,
                                 Cycle now) {
  const std::uint64_t first = burst_bytes_.quotient(place.offset);
  const std::uint64_t bursts = bursts_of(place.offset, bytes);
  (write ? written_bursts_ : read_bursts_) += bursts;
  MemoryAccess access{SharedMemory::hbm, write, place.channel, bursts * burst_bytes_.divisor(), now, now};
  Run run{first, static_cast<std::int32_t>(bursts), write, tag};
  if (!unlimited_ && ledgers_.empty()) {
    if (observer_) run.tag = observe(access, tag);
    controllers_[static_cast<std::size_t>(place.channel)].submit(run, clock_.tick_of(now + to_controller_));
    return {};
  }
  if (!unlimited_) access.done = book(place, run, now);
  if (observer_) observer_->on_memory(access);
  return access.done;
}

Cycle Hbm::book(const Place& place, const Run& run, Cycle now) {
  Ledger& ledger = ledgers_[static_cast<std::size_t>(place.channel)];
  const Ticks at = (now + to_controller_) << kTickBits;
  const Ticks done = run.write ? ledger.write(run.first_burst, run.bursts, at)
                               : ledger.read(run.first_burst, run.bursts, at);
  return ((done + (Ticks{1} << kTickBits) - 1) >> kTickBits) + from_controller_;
}

Cycle Hbm::due(int channel) const {
  if (controllers_.empty()) return kNever;
  const Tick next = controllers_[static_cast<std::size_t>(channel)].next();
  return next == Controller::kNever ? kNever : clock_.cycle_during(next) + from_controller_;
}

std::uint32_t Hbm::observe(const MemoryAccess& access, std::uint32_t tag) {
  const int id = observed_.take();
  observed_[id] = {access, tag};
  return static_cast<std::uint32_t>(id);
}

std::uint32_t Hbm::observed(std::uint32_t id, Cycle at) {
  Observed& observed = observed_[static_cast<int>(id)];
  observed.access.done = at;
  observer_->on_memory(observed.access);
  observed_.give(static_cast<int>(id));
  return observed.tag;
}

ControllerCounts Hbm::counts() const {
  ControllerCounts sum;
  for (const Controller& controller : controllers_) sum += controller.counts();
  if (counted_bursts_ == 0 || bursts() == counted_bursts_) return sum;
  const double all = static_cast<double>(bursts()) / static_cast<double>(bursts() - counted_bursts_);
  for (std::uint64_t* count : {&sum.activates, &sum.conflicts, &sum.refreshes, &sum.turnarounds})
    *count = static_cast<std::uint64_t>(static_cast<double>(*count) * all);
  return sum;
}

}  // namespace leto::model
