#include "model/hbm/ledger.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leto::model {
namespace {

/// Nanoseconds to ticks, rounded up, in integers: ps * kHz / 10^9 cycles.
Ticks to_ticks(double ns, double clock_mhz) {
  const auto ps = static_cast<unsigned __int128>(std::llround(ns * 1000));
  const auto khz = static_cast<unsigned __int128>(std::llround(clock_mhz * 1000));
  const unsigned __int128 scaled = (ps * khz) << kTickBits;
  return static_cast<Ticks>((scaled + 999'999'999) / 1'000'000'000);
}

}  // namespace

LedgerTiming::LedgerTiming(const DramTiming& d, double clock_mhz, int batch, bool per_bank)
    : per_bank_refresh(per_bank), write_batch(std::max(batch, 1)) {
  const auto ticks = [clock_mhz](double ns) { return to_ticks(std::max(ns, 0.0), clock_mhz); };
  burst = ticks(std::max(d.burst_ns, d.ccd_s_ns));
  burst_one_group = ticks(std::max(d.burst_ns, d.ccd_l_ns));
  rcd = ticks(d.rcd_ns);
  rcd_write = ticks(d.rcd_write_ns);
  rp = ticks(d.rp_ns);
  ras = ticks(d.ras_ns);
  rc = ticks(d.rc_ns);
  cl = ticks(d.cl_ns);
  cwl = ticks(d.cwl_ns);
  write_recovery = ticks(d.wr_ns);
  rtp = ticks(d.rtp_ns);
  activation = ticks(std::max(d.rrd_s_ns, d.faw_ns / 4));
  // Command distances (rtw; cwl + burst + wtr) turned into idle time on the data bus.
  to_write = ticks(d.rtw_ns + d.cwl_ns - d.cl_ns - d.burst_ns);
  to_read = ticks(d.wtr_l_ns + d.cl_ns);
  refresh_interval = ticks(d.refi_ns);
  refresh = ticks(per_bank ? d.rfc_per_bank_ns : d.rfc_ns);
  const auto gap = static_cast<int>(ceil_div(burst_one_group, burst));
  stripe = std::clamp(gap, 1, d.bank_groups);
  banks = std::max(1, d.bank_groups / stripe) * d.banks_per_group * std::max(1, d.stack_ids);
  stripe_bursts = static_cast<std::uint64_t>(std::max(1, d.row_bytes / d.burst_bytes) * stripe);
  by_banks = Divider(static_cast<std::uint64_t>(banks));
  by_stripe = Divider(stripe_bursts);
}

Ledger::Ledger(const LedgerTiming& timing)
    : timing_(&timing),
      banks_(static_cast<std::size_t>(timing.banks)),
      next_refresh_(timing.refresh_interval) {
  // Banks take turns: bank i refreshes i/banks of an interval into each interval.
  for (std::size_t i = 0; i < banks_.size(); ++i)
    banks_[i].next_refresh = timing.refresh_interval * (i + 1) / banks_.size();
}

// Activations go at the four-in-a-window rate, in order of request.
Ticks Ledger::activation_slot(Ticks at, int activations) {
  const Ticks slot = std::max(at, activations_free_);
  activations_free_ = slot + static_cast<Ticks>(activations) * timing_->activation;
  return slot;
}

// Closes the row and blocks the bank if a refresh of its own has come due.
void Ledger::bank_refreshed(Bank& bank, Ticks at) {
  if (!timing_->per_bank_refresh || at < bank.next_refresh) return;
  const Ticks due =
      bank.next_refresh + (at - bank.next_refresh) / timing_->refresh_interval * timing_->refresh_interval;
  bank.next_refresh = due + timing_->refresh_interval;
  bank.row = bank.row_before = kClosed;
  bank.precharge = std::max(bank.precharge, due + timing_->refresh);
}

// The same for the whole channel: the refresh comes when it is due, or after the work already booked.
void Ledger::channel_refreshed(Ticks at) {
  const Ticks reached = std::max(at, bus_free_);
  if (timing_->per_bank_refresh || reached < next_refresh_) return;
  const Ticks due =
      next_refresh_ + (reached - next_refresh_) / timing_->refresh_interval * timing_->refresh_interval;
  next_refresh_ = due + timing_->refresh_interval;
  bus_free_ = std::max(due, bus_free_) + timing_->refresh;
  for (Bank& bank : banks_) {
    bank.row = bank.row_before = kClosed;
    bank.precharge = std::max(bank.precharge, due) + timing_->refresh;
  }
}

Ticks Ledger::open(Bank& bank, std::uint64_t row, int activations, Ticks at, bool write) {
  bank_refreshed(bank, at);
  if (bank.row == row) return std::max(at, bank.column);
  if (bank.row_before == row && at < bank.before_closes) return at;
  const bool was_open = bank.row != kClosed;
  const Ticks close = std::max(at, bank.precharge);
  const Ticks ready = was_open ? close + timing_->rp : close;
  const Ticks cycled = bank.activated == 0 ? ready : std::max(ready, bank.activated + timing_->rc);
  const Ticks activate = std::max(cycled, activation_slot(at, activations));
  bank.row_before = bank.row;
  bank.before_closes = close;
  bank.row = row;
  bank.activated = activate;
  bank.column = activate + (write ? timing_->rcd_write : timing_->rcd);
  bank.precharge = activate + timing_->ras;
  return bank.column;
}

// When a write could be served at the earliest.
Ticks Ledger::ready_at(std::uint64_t first, Ticks at) const {
  const std::uint64_t stripe = timing_->by_stripe.quotient(first);
  const std::uint64_t row = timing_->by_banks.quotient(stripe);
  const Bank& bank = banks_[timing_->by_banks.remainder(stripe + row)];
  if (bank.row == row) return std::max(at, bank.column);
  const Ticks close = std::max(at, bank.precharge);
  return (bank.row == kClosed ? close : close + timing_->rp) + timing_->rcd_write;
}

// The bus has turned to reads: it waits for the first of those that were waiting whose row is open.
void Ledger::start_reading(Ticks data, Ticks at) {
  if (std::exchange(turning_, false)) {
    earliest_ = bus_free_;
    started_ = bus_free_ = std::max(bus_free_, data);
  } else if (at <= turned_ && data < started_) {
    const Ticks start = std::max(earliest_, data);
    bus_free_ -= started_ - start;
    started_ = start;
  }
}

Ticks Ledger::access_row(std::uint64_t stripe, std::int64_t bursts, Ticks at, bool write) {
  const std::uint64_t row = timing_->by_banks.quotient(stripe);
  // Rotated by the row: equal bank numbers do not meet at every stride.
  Bank& bank = banks_[timing_->by_banks.remainder(stripe + row)];
  const int activations = static_cast<int>(std::min<std::int64_t>(bursts, timing_->stripe));
  const Ticks column = open(bank, row, activations, std::max(at, turned_), write);
  if (!write) start_reading(column + timing_->cl, at);
  const Ticks spacing = activations < timing_->stripe ? timing_->burst_one_group : timing_->burst;
  const Ticks work = static_cast<Ticks>(bursts) * timing_->burst;
  bus_free_ = std::max(bus_free_, at + timing_->cl) + work;
  const Ticks length = static_cast<Ticks>(bursts - 1) * spacing + timing_->burst;
  const Ticks end = std::max(bus_free_, column + timing_->cl + length);
  const Ticks last_column = end - timing_->cl - timing_->burst;
  bank.precharge =
      std::max(bank.precharge, write ? end + timing_->write_recovery : last_column + timing_->rtp);
  return end;
}

Ticks Ledger::access(std::uint64_t first, std::int64_t bursts, Ticks at, bool write) {
  channel_refreshed(at);
  Ticks end = at;
  while (bursts > 0) {
    const std::uint64_t offset = timing_->by_stripe.remainder(first);
    const auto here =
        std::min<std::int64_t>(bursts, static_cast<std::int64_t>(timing_->stripe_bursts - offset));
    end = std::max(end, access_row(timing_->by_stripe.quotient(first), here, at, write));
    first += static_cast<std::uint64_t>(here);
    bursts -= here;
  }
  return end;
}

// The bus changes direction, if it must: idle for the turnaround.
void Ledger::turn(bool to_writing, Ticks at) {
  if (writing_ == to_writing) return;
  writing_ = to_writing;
  turning_ = true;
  const Ticks command_to_end = (to_writing ? timing_->cl : timing_->cwl) + timing_->burst;
  turned_ = std::max(bus_free_, command_to_end) - command_to_end;
  bus_free_ = to_writing ? std::max(bus_free_, at) + timing_->to_write : bus_free_ + timing_->to_read;
}

// Sends all waiting writes from `at` on. The bus turns back when a read comes.
void Ledger::drain(Ticks at) {
  turn(true, at);
  // The bus waits for the first write whose row is open.
  Ticks ready = ~Ticks{0};
  for (const Write& write : waiting_) ready = std::min(ready, ready_at(write.first, std::max(at, turned_)));
  bus_free_ = std::max(bus_free_, ready + timing_->cwl);
  turning_ = false;
  Ticks end = bus_free_;
  for (const Write& write : waiting_) end = std::max(end, access(write.first, write.bursts, at, true));
  waiting_.clear();
  waiting_bursts_ = 0;
  drained_ = end;
}

Ticks Ledger::read(std::uint64_t first, std::int64_t bursts, Ticks at) {
  const Ticks drain_time =
      timing_->to_write + static_cast<Ticks>(waiting_bursts_) * timing_->burst + timing_->to_read;
  if (!waiting_.empty() && bus_free_ + drain_time <= at) drain(bus_free_);
  turn(false, at);
  return access(first, bursts, at, false);
}

Ticks Ledger::write(std::uint64_t first, std::int64_t bursts, Ticks at) {
  const Ticks accepted = std::max(at, drained_);
  waiting_.push_back({first, bursts});
  waiting_bursts_ += bursts;
  if (waiting_bursts_ >= timing_->write_batch) drain(at);
  return accepted;
}

}  // namespace leto::model
