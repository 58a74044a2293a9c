#include "model/hbm/hbm.h"

#include "model/noc/interleave.h"

namespace leto::model {
namespace {

Cycle to_cycles(Ticks ticks) {
  return (ticks + (Ticks{1} << kTickBits) - 1) >> kTickBits;
}

}  // namespace

Hbm::Hbm(const ChipConfig& chip, bool unlimited)
    : interleave_(static_cast<std::uint64_t>(chip.hbm.interleave_bytes)),
      burst_bytes_(static_cast<std::uint64_t>(chip.dram.burst_bytes)),
      count_(static_cast<std::uint64_t>(chip.hbm.channels)),
      latency_(static_cast<Cycle>(chip.hbm.latency_cycles)),
      unlimited_(unlimited),
      timing_(chip.dram, chip.pe.clock_mhz, chip.hbm.write_queue, chip.hbm.refresh == "per_bank") {
  for (int i = 0; i < chip.hbm.channels; ++i) channels_.emplace_back(timing_);
}

Hbm::Place Hbm::place_of(std::uint64_t address) const {
  const std::uint64_t block = interleave_.quotient(address);
  const std::uint64_t above = count_.quotient(block);
  return {static_cast<int>(count_.remainder(block + rotation(above))),
          above * interleave_.divisor() + interleave_.remainder(address)};
}

Hbm::Bursts Hbm::bursts_of(const Place& place, std::int64_t bytes) const {
  const std::uint64_t first = burst_bytes_.quotient(place.offset);
  const std::uint64_t last = burst_bytes_.quotient(place.offset + static_cast<std::uint64_t>(bytes) - 1);
  return {first, static_cast<std::int64_t>(last - first + 1)};
}

void Hbm::observe(bool write, const Place& place, const Bursts& bursts, Cycle asked, Cycle done) const {
  const std::uint64_t bytes = static_cast<std::uint64_t>(bursts.count) * burst_bytes_.divisor();
  observer_->on_memory({SharedMemory::hbm, write, place.channel, bytes, asked, done});
}

Cycle Hbm::read(const Place& place, std::int64_t bytes, Cycle at) {
  const Bursts bursts = bursts_of(place, bytes);
  read_bursts_ += static_cast<std::uint64_t>(bursts.count);
  Channel& channel = channels_[static_cast<std::size_t>(place.channel)];
  const Cycle done =
      unlimited_ ? at : to_cycles(channel.read(bursts.first, bursts.count, at << kTickBits)) + latency_;
  if (observer_) observe(false, place, bursts, at, done);
  return done;
}

Cycle Hbm::write(const Place& place, std::int64_t bytes, Cycle at) {
  const Bursts bursts = bursts_of(place, bytes);
  written_bursts_ += static_cast<std::uint64_t>(bursts.count);
  Channel& channel = channels_[static_cast<std::size_t>(place.channel)];
  const Cycle done = unlimited_ ? at : to_cycles(channel.write(bursts.first, bursts.count, at << kTickBits));
  if (observer_) observe(true, place, bursts, at, done);
  return done;
}

}  // namespace leto::model
