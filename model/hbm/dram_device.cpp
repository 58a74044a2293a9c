#include "model/hbm/dram_device.h"

namespace leto::model {

BankSet BankGeometry::banks_of(int pseudo_channel) const {
  return every_nth(pseudo_channels, banks()) << pseudo_channel;
}

int BankGeometry::refresh_order(std::uint64_t i) const {
  const auto digit = [&i](int base) {
    const auto value = static_cast<int>(i % static_cast<unsigned>(base));
    i /= static_cast<unsigned>(base);
    return value;
  };
  const int channel = digit(pseudo_channels), bank = digit(banks_per_group), group = digit(groups);
  return channel + pseudo_channels * (digit(stacks) + stacks * (group + groups * bank));
}

DramDevice::DramDevice(const CommandTiming& timing, const BankGeometry& geometry)
    : timing_(&timing), geometry_(geometry) {
  row_.fill(kNoRow);
  // Column commands start on ticks that are a whole number of clocks apart.
  const auto clocks = [&](Tick ticks) { return (ticks + timing.odd) & ~timing.odd; };
  const CommandTiming& t = timing;
  const Tick group = clocks(t.column_same_group), stack = clocks(t.column_same_stack),
             other_stack = clocks(t.column_other_stack);
  gaps_ = {ColumnGaps{group, stack, other_stack, clocks(t.read_to_write), 0, t.read_to_precharge},
           ColumnGaps{group, stack, other_stack, clocks(t.write_to_read), clocks(t.write_to_read_same_group),
                      t.write_to_precharge}};
}

Tick DramDevice::precharge_all_ready(int pseudo_channel) const {
  Tick ready = precharge_limit(pseudo_channel);
  for (BankWalk b(open_ & geometry_.banks_of(pseudo_channel)); b; b.next())
    at_least(ready, of(row_ready_, b.bank()));
  return ready;
}

Tick DramDevice::refresh_all_ready(int pseudo_channel) const {
  Tick ready = 0;
  for (BankWalk b(geometry_.banks_of(pseudo_channel)); b; b.next())
    at_least(ready, of(row_ready_, b.bank()) + timing_->refresh_lag);
  return ready;
}

void DramDevice::close(int bank, Tick precharged) {
  of(row_, bank) = kNoRow;
  open_ &= ~bank_bit(bank);
  of(row_ready_, bank) =
      std::max(activated(bank) + timing_->activate_same_bank, precharged + timing_->precharge_to_activate);
}

void DramDevice::close_after_column(int bank) {
  close(bank, of(row_ready_, bank));
}

void DramDevice::activate(int bank, std::uint32_t row, Tick now) {
  const CommandTiming& t = *timing_;
  of(row_, bank) = row;
  open_ |= bank_bit(bank);
  of(activated_, bank) = now;
  of(row_ready_, bank) = now + t.activate_to_precharge;
  at_least(of(group_activate_, geometry_.group(bank)), now + t.activate_same_group);
  PseudoChannel& channel = channel_of(bank);
  channel.window[channel.next] = now + t.four_activates;
  channel.next = (channel.next + 1) % channel.window.size();
  at_least(of(activate_, geometry_.pseudo_channel(bank)),
           std::max(now + t.activate_any, channel.window[channel.next]));
  at_least(channel.refresh, now + t.activate_to_bank_refresh_any);
}

void DramDevice::precharge(int bank, Tick now) {
  close(bank, now);
  of(precharge_, geometry_.pseudo_channel(bank)) = now + timing_->precharge_any;
}

void DramDevice::precharge_all(int pseudo_channel, Tick now) {
  for (BankWalk b(open_ & geometry_.banks_of(pseudo_channel)); b; b.next()) close(b.bank(), now);
  of(precharge_, pseudo_channel) = now + timing_->precharge_any;
}

void DramDevice::refresh(int bank, Tick now) {
  at_least(of(row_ready_, bank), now + timing_->bank_refresh_to_activate);
  PseudoChannel& channel = channel_of(bank);
  at_least(of(activate_, geometry_.pseudo_channel(bank)), now + timing_->bank_refresh_to_activate_any);
  at_least(channel.refresh, now + timing_->bank_refresh_any);
}

void DramDevice::refresh_all(int pseudo_channel, Tick now) {
  for (BankWalk b(geometry_.banks_of(pseudo_channel)); b; b.next())
    at_least(of(row_ready_, b.bank()), now + timing_->refresh_to_activate);
}

}  // namespace leto::model
