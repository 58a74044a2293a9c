// One pseudo channel of device memory as a ledger: data bus, banks with open rows, refresh, and batched
// writes, a run of bursts at a time. About ten times faster to simulate than the controller (controller.h),
// whose place it takes where the chip file says `hbm.model = "ledger"`; docs/validation.md compares the two.
//
// Each access is given its time when it arrives. What a first-ready scheduler does is kept in four rules.
// (1) The data bus is booked in arrival order and does not idle for a row that is being opened: the
// controller serves another request meanwhile. (2) A bank remembers the row before its current one: a request
// that arrives before that row closes is served from it. (3) Writes are gathered and drained as many at a
// time as the controller does between its watermarks, paying the bus turnarounds once; they go earlier when
// the bus has idled long enough. (4) At a turn there is nothing else to serve: rows are opened for the new
// direction from the last command of the old one on, and the bus waits for the first of the waiting requests
// whose row is open. Banks are handled in stripes of as many bank groups as it takes to hide the long column
// gap: consecutive bursts alternate between them. Leaves out: the command bus, tWTR by bank group, refresh
// postponing, the read queue's length, the address map's choice.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/divider.h"
#include "model/kernel/time.h"

namespace leto::model {

/// DRAM time: 2^-10 PE cycles, so that nanoseconds that are no whole number of cycles lose less than 0.1 %.
using Ticks = std::uint64_t;
inline constexpr int kTickBits = 10;

/// A grade's timings in ticks (rounded up) and its geometry, shared by all channels.
struct LedgerTiming {
  LedgerTiming(const DramTiming& dram, double clock_mhz, int write_batch, bool per_bank_refresh);

  Ticks burst, burst_one_group, rcd, rcd_write, rp, ras, rc, cl, cwl, write_recovery, rtp;
  Ticks activation;                 // spacing of activations: tRRD, or a quarter of tFAW
  Ticks to_write, to_read;          // idle data bus at a turnaround
  Ticks refresh_interval, refresh;  // of the channel, or of each bank with per_bank_refresh
  bool per_bank_refresh;
  int stripe;                   // bank groups that a run of bursts alternates between
  int banks;                    // stripes of banks
  std::uint64_t stripe_bursts;  // bursts in the open rows of a stripe
  Divider by_banks, by_stripe;  // by banks, by stripe_bursts
  int write_batch;              // bursts
};

class Ledger {
 public:
  explicit Ledger(const LedgerTiming& timing);

  /// `bursts` from burst number `first` on, requested at `at`: when the last one has left the channel.
  Ticks read(std::uint64_t first, std::int64_t bursts, Ticks at);
  /// When the channel has accepted them: at once, or when the drain under way has made room.
  Ticks write(std::uint64_t first, std::int64_t bursts, Ticks at);

  void state(Snapshot& s) {
    s(banks_, waiting_, waiting_bursts_, bus_free_, writing_, turning_, turned_, earliest_, started_,
      drained_, next_refresh_, activations_free_);
  }

 private:
  static constexpr std::uint64_t kClosed = ~std::uint64_t{0};
  struct alignas(
      64) Bank {  // one line of the host's cache: an access is to a bank the host has not seen lately
    std::uint64_t row = kClosed, row_before = kClosed;
    Ticks before_closes = 0;  // until then row_before is served
    Ticks column = 0;         // earliest column command to the open row
    Ticks precharge = 0;      // earliest precharge
    Ticks activated = 0;      // last activation
    Ticks next_refresh = 0;
  };
  struct Write {
    std::uint64_t first;
    std::int64_t bursts;
  };

  Ticks ready_at(std::uint64_t first, Ticks at) const;
  void start_reading(Ticks data, Ticks at);
  Ticks access(std::uint64_t first, std::int64_t bursts, Ticks at, bool write);
  Ticks access_row(std::uint64_t stripe, std::int64_t bursts, Ticks at, bool write);
  Ticks open(Bank& bank, std::uint64_t row, int activations, Ticks at, bool write);
  Ticks activation_slot(Ticks at, int activations);
  void bank_refreshed(Bank& bank, Ticks at);
  void channel_refreshed(Ticks at);
  void turn(bool to_writing, Ticks at);
  void drain(Ticks at);

  const LedgerTiming* timing_;
  std::vector<Bank> banks_;
  std::vector<Write> waiting_;  // writes accepted and not yet on the bus
  std::int64_t waiting_bursts_ = 0;
  Ticks bus_free_ = 0;
  bool writing_ = false;              // direction of the bus
  bool turning_ = false;              // nothing has used the bus since it turned
  Ticks turned_ = 0;                  // the last command before the bus turned
  Ticks earliest_ = 0, started_ = 0;  // of the reads after a turn: the bus could start, did start
  Ticks drained_ = 0;                 // end of the last drain
  Ticks next_refresh_ = 0;
  Ticks activations_free_ = 0;
};

}  // namespace leto::model
