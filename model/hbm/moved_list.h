// The requests that activates moved out of their queues, at most one of a bank, in the order in which their
// rows become ready for them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/snapshot.h"
#include "model/hbm/bank_set.h"
#include "model/hbm/command_timing.h"

namespace leto::model {

class MovedList {
 public:
  struct Moved {
    Tick opened;  // the row is ready for it
    Tick accepted, activated;
    std::int32_t run;
    std::int16_t bank;
    bool write;

    /// Of two that may go at the same tick: first come, then first activated.
    bool goes_before(const Moved& other) const {
      return accepted != other.accepted ? accepted < other.accepted : activated < other.activated;
    }
  };

  bool empty() const { return size_ == 0; }
  const Moved* begin() const { return list_.data(); }
  const Moved* end() const { return list_.data() + size_; }
  BankSet banks() const { return banks_[0] | banks_[1]; }
  BankSet banks(bool write) const { return banks_[write ? 1 : 0]; }

  void add(const Moved& moved) {
    int i = size_++;
    for (; i > 0 && at(i - 1).opened > moved.opened; --i) at(i) = at(i - 1);
    at(i) = moved;
    banks_[moved.write ? 1 : 0] |= bank_bit(moved.bank);
  }
  Moved take(int bank) {
    int i = 0;
    while (at(i).bank != bank) ++i;
    const Moved taken = at(i);
    for (--size_; i < size_; ++i) at(i) = at(i + 1);
    banks_[taken.write ? 1 : 0] &= ~bank_bit(bank);
    return taken;
  }

  void state(Snapshot& s) { s(list_, banks_, size_); }

 private:
  Moved& at(int i) { return of(list_, i); }

  ByBank<Moved> list_;
  std::array<BankSet, 2> banks_{};  // of reads, of writes
  int size_ = 0;
};

}  // namespace leto::model
