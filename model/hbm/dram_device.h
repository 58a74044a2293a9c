// The banks behind one controller: which rows are open, and the earliest tick at which each command may
// start. What a command makes others wait for is worked out when it issues; nothing is checked again. Knows
// no requests.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "model/hbm/bank_set.h"
#include "model/hbm/command_timing.h"
#include "model/hbm/request_queue.h"

namespace leto::model {

/// Banks are numbered like an address: pseudo channel lowest, then stack id, bank group, bank. All powers of
/// two.
struct BankGeometry {
  int pseudo_channels, stacks, groups, banks_per_group;
  int group_mask = pseudo_channels * stacks * groups - 1, stack_mask = pseudo_channels * stacks - 1;

  int banks() const { return pseudo_channels * stacks * groups * banks_per_group; }
  int pseudo_channel(int bank) const { return bank & (pseudo_channels - 1); }
  int stack(int bank) const { return bank & stack_mask; }
  int group(int bank) const { return bank & group_mask; }
  /// The banks of a pseudo channel.
  BankSet banks_of(int pseudo_channel) const;
  /// The i-th bank that per-bank refresh goes to: a bank of each pseudo channel, through a group, then the
  /// next one.
  int refresh_order(std::uint64_t i) const;
};

class DramDevice {
 public:
  DramDevice(const CommandTiming& timing, const BankGeometry& geometry);

  BankSet open() const { return open_; }
  bool is_open(int bank) const { return (open_ >> bank & 1) != 0; }
  std::uint32_t open_row(int bank) const { return at(bank).row; }

  // Earliest start, the command bus aside.
  Tick column_ready(int bank, bool write) const {
    return std::max(opening_ends(bank, write), group_ready(geometry_.group(bank), write));
  }
  /// What the bank's own activate allows; and what went on in its bank group and around it.
  Tick opening_ends(int bank, bool write) const { return at(bank).column[write ? 1 : 0]; }
  Tick group_ready(int group, bool write) const {
    const auto d = static_cast<std::size_t>(write);
    return std::max(of(groups_, group).column[d], of(stacks_, geometry_.stack(group)).column[d]);
  }
  Tick activate_ready(int bank) const {
    return std::max(at(bank).activate,
                    std::max(of(groups_, geometry_.group(bank)).activate, channel_of(bank).activate));
  }
  Tick precharge_ready(int bank) const { return std::max(at(bank).precharge, channel_of(bank).precharge); }
  Tick refresh_ready(int bank) const {
    return std::max(at(bank).activate + timing_->refresh_lag, channel_of(bank).refresh);
  }
  Tick precharge_all_ready(int pseudo_channel) const;
  Tick refresh_all_ready(int pseudo_channel) const;
  /// When the bank's row was opened.
  Tick opened(int bank) const { return at(bank).opened; }

  void column(int bank, bool write, Tick now);
  /// The column command just issued carries an auto-precharge.
  void close_after_column(int bank);
  void activate(int bank, std::uint32_t row, Tick now);
  void precharge(int bank, Tick now);
  void precharge_all(int pseudo_channel, Tick now);
  void refresh(int bank, Tick now);
  void refresh_all(int pseudo_channel, Tick now);

 private:
  using ByDirection = std::array<Tick, 2>;  // read, write
  struct Bank {
    ByDirection column{};
    Tick activate = 0, precharge = 0, opened = 0;
    std::uint32_t row = kNoRow;
  };
  struct Group {
    ByDirection column{};
    Tick activate = 0;
  };
  struct Stack {
    ByDirection column{};
  };
  struct PseudoChannel {
    Tick activate = 0, precharge = 0, refresh = 0;
    std::array<Tick, 4> window{};  // ends of the four-activate windows of the last four
    unsigned next = 0;
  };

  static void at_least(Tick& ready, Tick tick) { ready = std::max(ready, tick); }
  Bank& at(int bank) { return of(banks_, bank); }
  const Bank& at(int bank) const { return of(banks_, bank); }
  PseudoChannel& channel_of(int bank) { return of(channels_, geometry_.pseudo_channel(bank)); }
  const PseudoChannel& channel_of(int bank) const { return of(channels_, geometry_.pseudo_channel(bank)); }
  void close(int bank, Tick precharged);

  const CommandTiming* timing_;
  BankGeometry geometry_;
  ByBank<Bank> banks_{};
  ByBank<Group> groups_{};
  ByBank<Stack> stacks_{};
  ByBank<PseudoChannel> channels_{};
  BankSet open_ = 0;
};

inline void DramDevice::column(int bank, bool write, Tick now) {
  const CommandTiming& t = *timing_;
  const std::size_t same = write ? 1 : 0, other = 1 - same;
  at_least(at(bank).precharge, now + (write ? t.write_to_precharge : t.read_to_precharge));
  Group& group = of(groups_, geometry_.group(bank));
  group.column[same] = now + t.column_same_group;
  if (write) at_least(group.column[other], now + t.write_to_read_same_group);
  const Tick turned = now + (write ? t.write_to_read : t.read_to_write);
  const Tick own_ready = now + t.column_same_stack, other_ready = now + t.column_other_stack;
  const int own = geometry_.stack(bank);
  for (int s = geometry_.pseudo_channel(bank); s <= geometry_.stack_mask; s += geometry_.pseudo_channels) {
    Stack& stack = of(stacks_, s);
    at_least(stack.column[same], s == own ? own_ready : other_ready);
    stack.column[other] = turned;
  }
}

}  // namespace leto::model
