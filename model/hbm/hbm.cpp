#include "model/hbm/hbm.h"

#include "model/noc/interleave.h"

namespace leto::model {
namespace {

Cycle to_cycles(Ticks ticks) {
  return (ticks + (Ticks{1} << kTickBits) - 1) >> kTickBits;
}

}  // namespace

Hbm::Hbm(const ChipConfig& chip)
    : interleave_(chip.hbm.interleave_bytes),
      burst_bytes_(static_cast<std::uint64_t>(chip.dram.burst_bytes)),
      latency_(static_cast<Cycle>(chip.hbm.latency_cycles)),
      timing_(chip.dram, chip.pe.clock_mhz, chip.hbm.write_batch) {
  for (int i = 0; i < chip.hbm.channels; ++i) channels_.emplace_back(timing_);
}

Hbm::Place Hbm::place_of(std::uint64_t address) const {
  const auto interleave = static_cast<std::uint64_t>(interleave_);
  const std::uint64_t block = address / interleave;
  const std::uint64_t count = channels_.size();
  const std::uint64_t above = block / count;
  return {static_cast<int>((block + rotation(above)) % count), above * interleave + address % interleave};
}

Hbm::Bursts Hbm::bursts_of(const Place& place, std::int64_t bytes) const {
  const std::uint64_t first = place.offset / burst_bytes_;
  const std::uint64_t last = (place.offset + static_cast<std::uint64_t>(bytes) - 1) / burst_bytes_;
  return {first, static_cast<std::int64_t>(last - first + 1)};
}

Cycle Hbm::read(const Place& place, std::int64_t bytes, Cycle at) {
  const Bursts bursts = bursts_of(place, bytes);
  read_bursts_ += static_cast<std::uint64_t>(bursts.count);
  Channel& channel = channels_[static_cast<std::size_t>(place.channel)];
  return to_cycles(channel.read(bursts.first, bursts.count, at << kTickBits)) + latency_;
}

Cycle Hbm::write(const Place& place, std::int64_t bytes, Cycle at) {
  const Bursts bursts = bursts_of(place, bytes);
  written_bursts_ += static_cast<std::uint64_t>(bursts.count);
  Channel& channel = channels_[static_cast<std::size_t>(place.channel)];
  return to_cycles(channel.write(bursts.first, bursts.count, at << kTickBits));
}

}  // namespace leto::model
