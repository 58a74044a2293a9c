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
  /// The event that pop(now) would take, if it is in the wheel: for fetching what it needs ahead of it.
  const std::uint64_t* upcoming(Cycle now) const;

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

inline void TimingWheel::insert(Cycle at, std::uint64_t event) {
  std::uint32_t node = free_;
  if (node == kNone) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({});
  } else {
    free_ = nodes_[node].next;
  }
  nodes_[node] = {event, kNone};
  const std::uint32_t index = at % kSpan;
  Slot& slot = slots_[index];
  if (slot.head == kNone) {
    slot.head = node;
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
  } else {
    nodes_[slot.tail].next = node;
  }
  slot.tail = node;
}

inline void TimingWheel::push(Cycle at, std::uint64_t event) {
  if (at < base_ + kSpan)
    insert(at, event);
  else
    far_.push({at, far_sequence_++, event});
}

inline bool TimingWheel::pop(Cycle now, std::uint64_t& event) {
  if (now > base_) advance(now);
  const std::uint32_t index = now % kSpan;
  Slot& slot = slots_[index];
  if (slot.head == kNone) return false;
  const std::uint32_t node = slot.head;
  event = nodes_[node].event;
  slot.head = nodes_[node].next;
  if (slot.head == kNone) occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  nodes_[node].next = free_;
  free_ = node;
  return true;
}

inline const std::uint64_t* TimingWheel::upcoming(Cycle now) const {
  const std::uint32_t head = slots_[now % kSpan].head;
  if (head == kNone) return nullptr;
  const Node& node = nodes_[head];
  if (node.next != kNone) __builtin_prefetch(&nodes_[node.next]);
  return &node.event;
}

}  // namespace leto::model
