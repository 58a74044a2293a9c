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

  int banks() const { return pseudo_channels * stacks * groups * banks_per_group; }
  int pseudo_channel(int bank) const { return bank & (pseudo_channels - 1); }
  int stack(int bank) const { return bank & (pseudo_channels * stacks - 1); }
  int group(int bank) const { return bank & (pseudo_channels * stacks * groups - 1); }
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
    const auto d = static_cast<std::size_t>(write);
    return std::max({at(bank).column[d], groups_[index(geometry_.group(bank))].column[d],
                     stacks_[index(geometry_.stack(bank))].column[d]});
  }
  Tick activate_ready(int bank) const {
    return std::max(
        {at(bank).activate, groups_[index(geometry_.group(bank))].activate, channel_of(bank).activate});
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

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  Bank& at(int bank) { return banks_[index(bank)]; }
  const Bank& at(int bank) const { return banks_[index(bank)]; }
  PseudoChannel& channel_of(int bank) { return channels_[index(geometry_.pseudo_channel(bank))]; }
  const PseudoChannel& channel_of(int bank) const { return channels_[index(geometry_.pseudo_channel(bank))]; }
  void close(int bank, Tick precharged);

  const CommandTiming* timing_;
  BankGeometry geometry_;
  std::vector<Bank> banks_;
  std::vector<Group> groups_;
  std::vector<Stack> stacks_;
  std::vector<PseudoChannel> channels_;
  BankSet open_ = 0;
};

}  // namespace leto::model
