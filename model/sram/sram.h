// The shared SRAM: banks at the west and east edges of the NoC, interleaved by address.
//
// Models: each bank's bandwidth as a ledger, and the access latency, in a clock of their own. The bank number
// is rotated by the address bits above it, so that power-of-two strides do not fall on one bank. Leaves out:
// the cache part (LLC); all of it is scratch here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/clock_domain.h"
#include "model/kernel/observer.h"
#include "model/kernel/time.h"
#include "model/sram/bank_watch.h"

namespace leto::model {

class Sram {
 public:
  Sram(const SramConfig& config, double pe_mhz);

  /// Bank of a byte offset into the SRAM.
  int bank_of(std::uint64_t offset) const;
  int banks() const { return static_cast<int>(free_.size()); }
  /// Blocks from an offset on go to a bank each.
  const Divider& interleave() const { return interleave_; }
  const Divider& spread() const { return banks_; }

  /// Tells `observer` of every access from now on; may be null.
  void watch(Observer* observer) { observer_ = observer; }
  /// Tells `watch` of every request from now on; may be null.
  void watch_banks(BankWatch* watch) { bank_watch_ = watch; }

  /// A request for `bytes` of one bank arrives at `at`: when the last byte has come out (read) or is accepted
  /// (write). A bank grants requests in the order of the calls, whoever asks.
  Cycle read(BankPort port, int bank, std::int64_t bytes, Cycle at);
  Cycle write(BankPort port, int bank, std::int64_t bytes, Cycle at);

  /// Traffic that is counted and not simulated.
  void count(std::int64_t bytes, bool write) {
    (write ? written_ : read_) += static_cast<std::uint64_t>(bytes);
  }

  std::uint64_t bytes_read() const { return read_; }
  std::uint64_t bytes_written() const { return written_; }

  void state(Snapshot& s) { s(free_, read_, written_); }

 private:
  void observe(bool write, int bank, std::int64_t bytes, Cycle asked, Cycle done) const;
  Cycle occupy(int bank, std::int64_t bytes, Cycle at);

  Divider interleave_, banks_;
  ClockedWidth width_;
  Cycle latency_;
  std::vector<Fine> free_;  // by bank: from when on
  std::uint64_t read_ = 0, written_ = 0;
  Observer* observer_ = nullptr;
  BankWatch* bank_watch_ = nullptr;
};

inline Cycle Sram::occupy(int bank, std::int64_t bytes, Cycle at) {
  Fine& free = free_[static_cast<std::size_t>(bank)];
  free = std::max(fine(at), free) + width_.time(bytes);
  return cycle_from(free);
}

inline Cycle Sram::read(BankPort port, int bank, std::int64_t bytes, Cycle at) {
  read_ += static_cast<std::uint64_t>(bytes);
  const Cycle done = occupy(bank, bytes, at) + latency_;
  if (bank_watch_) bank_watch_->granted(bank, port, bytes, at, done);
  if (observer_) observe(false, bank, bytes, at, done);
  return done;
}

inline Cycle Sram::write(BankPort port, int bank, std::int64_t bytes, Cycle at) {
  written_ += static_cast<std::uint64_t>(bytes);
  const Cycle done = occupy(bank, bytes, at);
  if (bank_watch_) bank_watch_->granted(bank, port, bytes, at, done);
  if (observer_) observe(true, bank, bytes, at, done);
  return done;
}

}  // namespace leto::model
