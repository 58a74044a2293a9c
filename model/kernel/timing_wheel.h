// A queue of dated events for use inside one process: constant time for dates within the wheel's span, a heap
// beyond. Events of one cycle come out in the order they went in; what goes in while its cycle is being
// served comes out in it.
#pragma once

#include <array>
#include <cstdint>
#include <queue>
#include <vector>

#include "model/kernel/time.h"

namespace leto::model {

class TimingWheel {
 public:
  TimingWheel();

  /// `at` may not lie before the last cycle popped.
  void push(Cycle at, std::uint64_t event);
  /// Date of the earliest event; kNever when there is none.
  Cycle next();
  /// Takes the earliest event if it is due at `now`.
  bool pop(Cycle now, std::uint64_t& event);

 private:
  static constexpr std::uint32_t kSpan = 1 << 12;  // cycles the wheel covers
  static constexpr std::uint32_t kNone = ~0u;
  struct Node {
    std::uint64_t event;
    std::uint32_t next;
  };
  struct Slot {
    std::uint32_t head = kNone, tail = kNone;
  };
  struct Far {
    Cycle at;
    std::uint64_t sequence, event;
    bool operator>(const Far& other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };

  void insert(Cycle at, std::uint64_t event);
  void advance(Cycle base);
  Cycle scan() const;

  Cycle base_ = 0;  // every event in the wheel has base_ <= date < base_ + kSpan
  std::uint64_t far_sequence_ = 0;
  std::vector<Node> nodes_;
  std::uint32_t free_ = kNone;
  std::array<Slot, kSpan> slots_;
  std::array<std::uint64_t, kSpan / 64> occupied_{};
  std::priority_queue<Far, std::vector<Far>, std::greater<>> far_;
};

}  // namespace leto::model
