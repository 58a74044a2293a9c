// The banks behind one controller: which rows are open, and the earliest tick at which each command may
// start. What a command makes others wait for is worked out when it issues; nothing is checked again. Knows
// no requests.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "base/snapshot.h"
#include "model/hbm/bank_set.h"
#include "model/hbm/command_timing.h"
#include "model/hbm/request_queue.h"

namespace leto::model {

/// Banks are numbered like an address: pseudo channel lowest, then stack id, bank group, bank. All powers of
/// two.
struct BankGeometry {
  int pseudo_channels, stacks, groups, banks_per_group;
  int group_mask = pseudo_channels * stacks * groups - 1, stack_mask = pseudo_channels * stacks - 1;
  BankSet groups_of_first_stack = every_nth(stack_mask + 1, group_mask + 1);

  int banks() const { return pseudo_channels * stacks * groups * banks_per_group; }
  int pseudo_channel(int bank) const { return bank & (pseudo_channels - 1); }
  int stack(int bank) const { return bank & stack_mask; }
  int group(int bank) const { return bank & group_mask; }
  /// The banks of a pseudo channel, the groups of a stack id.
  BankSet banks_of(int pseudo_channel) const;
  BankSet groups_of(int stack) const { return groups_of_first_stack << stack; }
  /// The i-th bank that per-bank refresh goes to: a bank of each pseudo channel, through a group, then the
  /// next one.
  int refresh_order(std::uint64_t i) const;
};

class DramDevice {
 public:
  DramDevice(const CommandTiming& timing, const BankGeometry& geometry);

  BankSet open() const { return open_; }
  bool is_open(int bank) const { return (open_ >> bank & 1) != 0; }
  std::uint32_t open_row(int bank) const { return of(row_, bank); }

  // Earliest start, the command bus aside; of column commands, a tick at which they may start.
  Tick column_ready(int bank, bool write) const {
    return std::max(opened(bank, write), std::max(group_column_ready(geometry_.group(bank), write),
                                                  stack_column_ready(geometry_.stack(bank), write)));
  }
  // Its parts: what the bank's own activate allows, its bank group, its stack id.
  Tick opened(int bank, bool write) const {
    return timing_->rising(activated(bank) +
                           (write ? timing_->activate_to_write : timing_->activate_to_read));
  }
  Tick group_column_ready(int group, bool write) const { return of(group_column_[write ? 1 : 0], group); }
  Tick stack_column_ready(int stack, bool write) const { return of(stack_column_[write ? 1 : 0], stack); }

  Tick activate_ready(int bank) const {
    return std::max(of(row_ready_, bank), activate_limit(geometry_.group(bank)));
  }
  Tick precharge_ready(int bank) const {
    return std::max(of(row_ready_, bank), precharge_limit(geometry_.pseudo_channel(bank)));
  }
  // Its parts: what went on in the bank itself, in its bank group, in the pseudo channel.
  /// Of a precharge if the bank is open, else of an activate.
  Tick row_ready(int bank) const { return of(row_ready_, bank); }
  Tick activate_limit(int group) const {
    return std::max(of(group_activate_, group), of(activate_, geometry_.pseudo_channel(group)));
  }
  Tick precharge_limit(int pseudo_channel) const { return of(precharge_, pseudo_channel); }

  Tick refresh_ready(int bank) const {
    return std::max(of(row_ready_, bank) + timing_->refresh_lag, channel_of(bank).refresh);
  }
  Tick precharge_all_ready(int pseudo_channel) const;
  Tick refresh_all_ready(int pseudo_channel) const;
  /// When the bank's row was opened.
  Tick activated(int bank) const { return of(activated_, bank); }

  void column(int bank, bool write, Tick now);
  /// The column command just issued carries an auto-precharge.
  void close_after_column(int bank);
  void activate(int bank, std::uint32_t row, Tick now);
  void precharge(int bank, Tick now);
  void precharge_all(int pseudo_channel, Tick now);
  void refresh(int bank, Tick now);
  void refresh_all(int pseudo_channel, Tick now);

  void state(Snapshot& s) {
    s(open_, row_, row_ready_, activated_, group_activate_, group_column_, stack_column_, activate_,
      precharge_, channels_);
  }

 private:
  template <typename T>
  using ByDirection = std::array<T, 2>;  // read, write
  /// From a column command to the next ones that may start, in its direction and in the other.
  struct ColumnGaps {
    Tick group, stack, other_stack, turn, turn_group;
    Tick precharge;
  };
  struct PseudoChannel {
    Tick refresh = 0;
    std::array<Tick, 4> window{};  // ends of the four-activate windows of the last four
    unsigned next = 0;
  };

  static void at_least(Tick& ready, Tick tick) { ready = std::max(ready, tick); }
  PseudoChannel& channel_of(int bank) {
    return channels_[static_cast<std::size_t>(geometry_.pseudo_channel(bank))];
  }
  const PseudoChannel& channel_of(int bank) const {
    return channels_[static_cast<std::size_t>(geometry_.pseudo_channel(bank))];
  }
  void close(int bank, Tick precharged);

  const CommandTiming* timing_;
  BankGeometry geometry_;
  ByDirection<ColumnGaps> gaps_;
  BankSet open_ = 0;
  ByBank<std::uint32_t> row_;
  ByBank<Tick> row_ready_{}, activated_{};
  ByBank<Tick> group_activate_{};
  ByDirection<ByBank<Tick>> group_column_{}, stack_column_{};
  ByBank<Tick> activate_{}, precharge_{};  // by pseudo channel
  std::array<PseudoChannel, 2> channels_{};
};

inline void DramDevice::column(int bank, bool write, Tick now) {
  const std::size_t same = write ? 1 : 0, other = 1 - same;
  const ColumnGaps& gaps = gaps_[same];
  at_least(of(row_ready_, bank), now + gaps.precharge);
  const int group = geometry_.group(bank), own = geometry_.stack(bank);
  of(group_column_[same], group) = now + gaps.group;
  if (write) at_least(of(group_column_[other], group), now + gaps.turn_group);
  of(stack_column_[same], own) = now + gaps.stack;
  at_least(of(stack_column_[other], own), now + gaps.turn);
  for (int s = geometry_.pseudo_channels; s <= geometry_.stack_mask; s += geometry_.pseudo_channels) {
    at_least(of(stack_column_[same], own ^ s), now + gaps.other_stack);
    at_least(of(stack_column_[other], own ^ s), now + gaps.turn);
  }
}

}  // namespace leto::model
