#include "model/event/event_memory.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "model/kernel/clock_domain.h"
#include "model/noc/interleave.h"

namespace leto::model {
namespace {

std::uint64_t cost_of(double bytes_per_cycle) {
  return static_cast<std::uint64_t>(
      std::llround(static_cast<double>(1 << (16 + kTickBits)) / bytes_per_cycle));
}

SramConfig one_slice(SramConfig sram) {
  sram.bytes -= scratch_bytes(sram);
  sram.scratch_fraction = 0;
  sram.banks = 1;
  return sram;
}

int unit_of(std::uint64_t block, const Divider& units) {
  return static_cast<int>(units.remainder(block + rotation(units.quotient(block))));
}

}  // namespace

EventMemory::EventMemory(const ChipConfig& chip, const WhatIf& what_if)
    : unlimited_(what_if.hbm),
      scratch_(scratch_bytes(chip.sram) > 0),
      cache_(one_slice(chip.sram), chip.dram.burst_bytes),
      timing_(chip.dram, chip.pe.clock_mhz, 1, chip.hbm.refresh == "per_bank"),
      line_(static_cast<std::uint64_t>(chip.sram.line_bytes)),
      interleave_(static_cast<std::uint64_t>(chip.hbm.interleave_bytes)),
      channels_by_(static_cast<std::uint64_t>(chip.hbm.channels)),
      sram_interleave_(static_cast<std::uint64_t>(chip.sram.interleave_bytes)),
      banks_by_(static_cast<std::uint64_t>(chip.sram.banks)),
      burst_bytes_(chip.dram.burst_bytes),
      banks_(static_cast<std::size_t>(chip.sram.banks), 0),
      channels_(static_cast<std::size_t>(chip.hbm.channels)) {
  const auto burst = static_cast<double>(timing_.burst) / (1 << kTickBits);
  const bool stops = chip.hbm.refresh == "all_bank";
  const double refreshed =
      stops ? static_cast<double>(timing_.refresh) / static_cast<double>(timing_.refresh_interval) : 0;
  channel_cost_ = cost_of(static_cast<double>(burst_bytes_) / burst * (1 - refreshed));
  batch_ = std::max<std::int64_t>(
      1, std::llround(chip.hbm.write_queue * (chip.hbm.write_high - chip.hbm.write_low)) * burst_bytes_);
  bank_cost_ = cost_of(chip.sram.bank_bytes_per_cycle * chip.sram.clock_mhz / chip.pe.clock_mhz);
  const ClockDomain clock(chip.pe.clock_mhz, chip.sram.clock_mhz);
  bank_latency_ = clock.cycles(static_cast<Cycle>(chip.sram.latency_cycles)) << kTickBits;
  // Rows stay open until another is needed; for writes they are opened from the last read command on.
  const Ticks opened = timing_.rp + timing_.rcd_write + timing_.cwl, before = timing_.cl + timing_.burst;
  to_write_ = std::max(timing_.to_write, opened - std::min(opened, before));
  answer_ = static_cast<Ticks>(chip.hbm.latency_cycles) << kTickBits;
  channel_latency_ =
      (static_cast<Ticks>(chip.hbm.latency_cycles) << kTickBits) + timing_.rp + timing_.rcd + timing_.cl;
}

int EventMemory::channel_of(std::uint64_t address) const {
  return unit_of(interleave_.quotient(address), channels_by_);
}

// Of the slices beside the line's channel: its lines take turns on them.
int EventMemory::slice_of(std::uint64_t address) const {
  const std::uint64_t block = interleave_.quotient(address), channels = channels_by_.divisor(),
                      banks = banks_.size();
  const auto channel = static_cast<std::uint64_t>(unit_of(block, channels_by_));
  const std::uint64_t first = channel * banks / channels,
                      count = std::max<std::uint64_t>(1, (channel + 1) * banks / channels - first);
  return static_cast<int>(first + (count == 1 ? 0 : channels_by_.quotient(block) % count));
}

Ticks EventMemory::occupy(int bank, std::int64_t bytes, Ticks at) {
  Ticks& free = banks_[static_cast<std::size_t>(bank)];
  free = std::max(free, at) + (static_cast<Ticks>(bytes) * bank_cost_ >> 16);
  return free;
}

// What opening the row takes of the channel, in each of the bank groups that a run alternates between.
Ticks EventMemory::activation(std::int64_t bytes) const {
  return timing_.activation *
         static_cast<Ticks>(std::min<std::int64_t>(bytes / burst_bytes_, timing_.stripe));
}

void EventMemory::drain(Channel& channel, Ticks at) {
  channel.drained = std::max(channel.free, at) + to_write_ + time(channel.waiting);
  channel.free = channel.drained + timing_.to_read;
  channel.waiting = 0;
}

Ticks EventMemory::fetch(std::uint64_t address, std::int64_t bytes, Ticks at) {
  hbm_read_ += static_cast<std::uint64_t>(bytes);
  if (unlimited_) return at;
  Channel& channel = channels_[static_cast<std::size_t>(channel_of(address))];
  if (channel.waiting > 0 && channel.free + to_write_ + time(channel.waiting) + timing_.to_read <= at)
    drain(channel, channel.free);
  channel.free = std::max(channel.free, at) + std::max(time(bytes), activation(bytes));
  return channel.free + channel_latency_;
}

// When the channel has accepted them: it takes none while it drains.
Ticks EventMemory::put(std::uint64_t address, std::int64_t bytes, Ticks at) {
  hbm_written_ += static_cast<std::uint64_t>(bytes);
  if (unlimited_) return at;
  Channel& channel = channels_[static_cast<std::size_t>(channel_of(address))];
  const Ticks accepted = std::max(at, channel.drained) + answer_;
  channel.waiting += bytes;
  if (channel.waiting >= batch_) drain(channel, at);
  return accepted;
}

Ticks EventMemory::write_back(std::uint64_t line, Sectors dirty, Ticks at) {
  const std::int64_t bytes = std::int64_t{std::popcount(dirty)} * burst_bytes_;
  const std::uint64_t address = line * line_.divisor();
  sram_read_ += static_cast<std::uint64_t>(bytes);
  occupy(slice_of(address), bytes, at);
  return put(address, bytes, at);
}

Ticks EventMemory::cached(std::uint64_t address, std::int64_t bytes, bool writes, Ticks at) {
  const std::uint64_t number = line_.quotient(address);
  const int set = cache_.set_of(0, number), slice = slice_of(address);
  const Sectors touched = cache_.touched(address, bytes);
  const Cache::Access access =
      writes ? cache_.write(set, number, touched) : cache_.read(set, number, touched);
  Ticks end = at;
  if (access.write_back != 0) {
    const Ticks accepted = write_back(access.victim, access.write_back, at);
    if (writes) end = accepted;
  }
  if (writes) {
    sram_written_ += static_cast<std::uint64_t>(bytes);
    end = std::max(end, occupy(slice, bytes, at));
    return access.whole ? std::max(end, write_back(number, cache_.all_sectors(), at)) : end;
  }
  if (access.missing == 0) {
    sram_read_ += static_cast<std::uint64_t>(bytes);
    return occupy(slice, bytes, at) + bank_latency_;
  }
  const std::int64_t fetched = std::int64_t{std::popcount(access.missing)} * burst_bytes_;
  sram_written_ += static_cast<std::uint64_t>(bytes);
  occupy(slice, bytes, at);
  return fetch(address, fetched, at);
}

Ticks EventMemory::access(const isa::Run& run, bool writes, Ticks at) {
  const bool scratch = run.address >= isa::kSramBase;
  const Divider& block = scratch ? sram_interleave_ : cache_.present() ? line_ : interleave_;
  std::uint64_t address = scratch ? run.address - isa::kSramBase : run.address;
  Ticks end = at;
  for (std::int64_t left = run.bytes; left > 0;) {
    const auto here =
        std::min<std::int64_t>(left, static_cast<std::int64_t>(block.divisor() - block.remainder(address)));
    if (scratch) {
      (writes ? sram_written_ : sram_read_) += static_cast<std::uint64_t>(here);
      const Ticks done = occupy(unit_of(sram_interleave_.quotient(address), banks_by_), here, at);
      end = std::max(end, writes ? done : done + bank_latency_);
    } else if (cache_.present()) {
      end = std::max(end, cached(address, here, writes, at));
    } else {
      const std::int64_t bursts = (here + burst_bytes_ - 1) / burst_bytes_ * burst_bytes_;
      end = std::max(end, writes ? put(address, bursts, at) : fetch(address, bursts, at));
    }
    address += static_cast<std::uint64_t>(here);
    left -= here;
  }
  return end;
}

Ticks EventMemory::clean(Ticks at) {
  Ticks end = at;
  cache_.clean(
      [&](int, std::uint64_t line, Sectors dirty) { end = std::max(end, write_back(line, dirty, at)); });
  return end;
}

void EventMemory::report(Statistics& statistics) const {
  statistics.bytes["hbm"] = {hbm_read_, hbm_written_};
  statistics.bytes["sram"] = {sram_read_, sram_written_};
  statistics.bursts =
      static_cast<std::int64_t>((hbm_read_ + hbm_written_) / static_cast<std::uint64_t>(burst_bytes_));
  statistics.counters["llc_hits"] = cache_.hits();
  statistics.counters["llc_misses"] = cache_.misses();
  statistics.counters["llc_write_backs"] = cache_.write_backs();
}

}  // namespace leto::model
