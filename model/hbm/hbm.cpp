#include "model/hbm/hbm.h"

#include <cmath>

#include "model/noc/interleave.h"

namespace leto::model {
namespace {

/// Femtoseconds against kilohertz: a tick lasts tick_fs, a cycle 10^12 / khz fs.
ClockRatio ratio(double clock_mhz, double tick_ns) {
  const auto khz = static_cast<std::uint64_t>(std::llround(clock_mhz * 1e3));
  const auto tick_fs = static_cast<std::uint64_t>(std::llround(tick_ns * 1e6));
  return {1'000'000'000'000, khz * tick_fs};
}

}  // namespace

Hbm::Hbm(const ChipConfig& chip, bool unlimited)
    : interleave_(static_cast<std::uint64_t>(chip.hbm.interleave_bytes)),
      burst_bytes_(static_cast<std::uint64_t>(chip.dram.burst_bytes)),
      count_(static_cast<std::uint64_t>(chip.hbm.channels)),
      to_controller_(static_cast<Cycle>(chip.hbm.latency_cycles / 2)),
      from_controller_(static_cast<Cycle>(chip.hbm.latency_cycles) - to_controller_),
      unlimited_(unlimited),
      spec_(chip.dram, chip.hbm),
      clock_(ratio(chip.pe.clock_mhz, spec_.timing.tick_ns)),
      channels_(static_cast<std::size_t>(chip.hbm.channels), Controller(spec_)) {}

Hbm::Place Hbm::place_of(std::uint64_t address) const {
  const std::uint64_t block = interleave_.quotient(address);
  const std::uint64_t above = count_.quotient(block);
  return {static_cast<int>(count_.remainder(block + rotation(above))),
          above * interleave_.divisor() + interleave_.remainder(address)};
}

bool Hbm::submit(const Place& place, std::int64_t bytes, bool write, std::uint32_t tag, Cycle now) {
  const std::uint64_t first = burst_bytes_.quotient(place.offset);
  const std::uint64_t last = burst_bytes_.quotient(place.offset + static_cast<std::uint64_t>(bytes) - 1);
  const std::uint64_t bursts = last - first + 1;
  (write ? written_bursts_ : read_bursts_) += bursts;
  const MemoryAccess access{
      SharedMemory::hbm, write, place.channel, bursts * burst_bytes_.divisor(), now, now};
  if (unlimited_) {
    if (observer_) observer_->on_memory(access);
    return false;
  }
  if (observer_) tag = observe(access, tag);
  channels_[static_cast<std::size_t>(place.channel)].submit(
      {first, static_cast<std::int32_t>(bursts), write, tag}, clock_.tick_of(now + to_controller_));
  return true;
}

Cycle Hbm::due(int channel) const {
  const Tick next = channels_[static_cast<std::size_t>(channel)].next();
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
  for (const Controller& channel : channels_) sum += channel.counts();
  return sum;
}

}  // namespace leto::model
