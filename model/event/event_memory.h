// The memory side of the event model: SRAM banks and device-memory channels as ledgers of bandwidth.
//
// Models: addresses spread as in the full model (rotated blocks; a channel's lines in the slices beside it);
// each bank and each channel is busy from one run of bytes to the next; a channel gathers writes and pays the
// two turns of its bus once a batch, or goes through with them when it has idled long enough; the LLC's
// lines, ways and policy (model/sram/cache.h), with sets by address alone. Leaves out: rows, DRAM banks and
// their refresh one by one (a run opens a row, at the rate of activations); fills under way (a line is there
// once it was asked for).
#pragma once

#include <vector>

#include "arch/chip_config.h"
#include "isa/command.h"
#include "model/hbm/ledger.h"
#include "model/simulation.h"
#include "model/sram/cache.h"

namespace leto::model {

class EventMemory {
 public:
  EventMemory(const ChipConfig& chip, const WhatIf& what_if);

  /// A run of bytes is asked for, or comes to be written, at `at`: when its last byte has come out, or is
  /// accepted.
  Ticks access(const isa::Run& run, bool writes, Ticks at);
  /// All dirty lines go to device memory from `at` on: when the last one is accepted.
  Ticks clean(Ticks at);

  /// Is there an SRAM in front of device memory?
  bool sram() const { return cache_.present() || scratch_; }
  void report(Statistics& statistics) const;

 private:
  /// Times are 2^-10 cycles; costs of a byte 2^-16 of that.
  struct Channel {
    Ticks free = 0;            // of its bus
    Ticks drained = 0;         // end of the last batch of writes
    std::int64_t waiting = 0;  // bytes to be written
  };
  int channel_of(std::uint64_t address) const;
  int slice_of(std::uint64_t address) const;
  Ticks occupy(int bank, std::int64_t bytes, Ticks at);
  Ticks cached(std::uint64_t address, std::int64_t bytes, bool writes, Ticks at);
  Ticks write_back(std::uint64_t line, Sectors dirty, Ticks at);
  Ticks fetch(std::uint64_t address, std::int64_t bytes, Ticks at);
  Ticks put(std::uint64_t address, std::int64_t bytes, Ticks at);
  Ticks activation(std::int64_t bytes) const;
  void drain(Channel& channel, Ticks at);
  Ticks time(std::int64_t bytes) const { return static_cast<Ticks>(bytes) * channel_cost_ >> 16; }

  bool unlimited_, scratch_;
  Cache cache_;
  LedgerTiming timing_;
  Divider line_, interleave_, channels_by_, sram_interleave_, banks_by_;
  std::int64_t burst_bytes_, batch_;
  std::uint64_t bank_cost_, channel_cost_;
  Ticks bank_latency_, channel_latency_, answer_, to_write_;
  std::vector<Ticks> banks_;
  std::vector<Channel> channels_;
  std::uint64_t sram_read_ = 0, sram_written_ = 0, hbm_read_ = 0, hbm_written_ = 0;
};

}  // namespace leto::model
