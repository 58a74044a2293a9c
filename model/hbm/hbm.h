// Device memory (HBM or LPDDR): pseudo channels, interleaved by address.
//
// The channel is the block number plus a rotation by the address bits above it, so that power-of-two strides
// spread. What a channel does with its requests is one of two models (hbm.model in the chip file):
// "controller" schedules every burst (controller.h), "ledger" dates whole runs as they come (ledger.h). Half
// of latency_cycles passes before a request comes to its channel, half after its answer has left it. Partial
// bursts cost whole bursts.
//
// A ledger answers at once. A controller knows an answer's date before it comes, and sees a request half the
// latency after it was made: so a channel need not follow every cycle. It is served when due() says so, and
// simulates up to what it knows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/hbm/clock_ratio.h"
#include "model/hbm/controller.h"
#include "model/hbm/ledger.h"
#include "model/kernel/divider.h"
#include "model/kernel/observer.h"
#include "model/kernel/pool.h"

namespace leto::model {

class Hbm {
 public:
  /// `unlimited`: every access is done when it is asked for.
  explicit Hbm(const ChipConfig& chip, bool unlimited = false);
  Hbm(const Hbm&) = delete;  // the channels refer to spec_ and timing_

  struct Place {
    int channel;
    std::uint64_t offset;  // bytes into the channel
  };
  Place place_of(std::uint64_t address) const;
  int channels() const { return static_cast<int>(count_.divisor()); }
  /// Blocks from an address on go to a channel each.
  const Divider& interleave() const { return interleave_; }
  const Divider& spread() const { return count_; }

  /// Tells `observer` of every access from now on; may be null.
  void watch(Observer* observer) { observer_ = observer; }

  /// `bytes` inside one interleave block are asked for, or come to be written, at `now`. When they are
  /// there, or accepted, if that is known at once; else serve() answers.
  std::optional<Cycle> submit(const Place& place, std::int64_t bytes, bool write, std::uint32_t tag,
                              Cycle now);
  /// When the channel must be served at the latest; kNever: it has answered everything.
  Cycle due(int channel) const;
  /// Answers what is known at `now`: done(tag, at), last byte out (read) or accepted (write), `at` >= now.
  template <class Done>
  void serve(int channel, Cycle now, Done&& done) {
    controllers_[static_cast<std::size_t>(channel)].advance(
        clock_.tick_of(now + to_controller_) - 1, [&](std::uint32_t tag, Tick tick, bool) {
          const Cycle at = std::max(now, clock_.cycle_of(tick) + from_controller_);
          done(observer_ ? observed(tag, at) : tag, at);
        });
  }

  /// Traffic that is counted and not simulated: `bytes` inside one interleave block, `times` times.
  void count(std::uint64_t address, std::int64_t bytes, bool write, std::uint64_t times) {
    const std::uint64_t bursts = bursts_of(address, bytes) * times;
    (write ? written_bursts_ : read_bursts_) += bursts;
    counted_bursts_ += bursts;
  }

  /// Of the requests so far, whole bursts.
  std::uint64_t bytes_read() const { return read_bursts_ * burst_bytes_.divisor(); }
  std::uint64_t bytes_written() const { return written_bursts_ * burst_bytes_.divisor(); }
  std::uint64_t bursts() const { return read_bursts_ + written_bursts_; }
  /// Over all channels; a ledger counts none of it. Bursts that were not simulated did what the others did.
  ControllerCounts counts() const;

  /// All that changes; without an observer.
  void state(Snapshot& s) {
    for (Controller& controller : controllers_) s(controller);
    for (Ledger& ledger : ledgers_) s(ledger);
    s(read_bursts_, written_bursts_, counted_bursts_);
  }

 private:
  std::uint64_t bursts_of(std::uint64_t from, std::int64_t bytes) const {
    return burst_bytes_.quotient(from + static_cast<std::uint64_t>(bytes) - 1) - burst_bytes_.quotient(from) +
           1;
  }
  Cycle book(const Place& place, const Run& run, Cycle now);
  std::uint32_t observe(const MemoryAccess& access, std::uint32_t tag);
  std::uint32_t observed(std::uint32_t id, Cycle at);

  Divider interleave_, burst_bytes_, count_;  // count_: of channels
  Cycle to_controller_, from_controller_;
  bool unlimited_;
  ControllerSpec spec_;
  ClockRatio clock_;
  LedgerTiming timing_;
  std::vector<Controller> controllers_;  // by channel: these …
  std::vector<Ledger> ledgers_;          // … or these
  std::uint64_t read_bursts_ = 0, written_bursts_ = 0, counted_bursts_ = 0;
  // With an observer the controllers carry the number of one of these as their tag.
  struct Observed {
    MemoryAccess access;
    std::uint32_t tag;
  };
  Observer* observer_ = nullptr;
  Pool<Observed> observed_;
};

}  // namespace leto::model
