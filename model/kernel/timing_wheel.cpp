#include "model/kernel/timing_wheel.h"

#include <bit>

namespace leto::model {

TimingWheel::TimingWheel() {
  nodes_.reserve(1024);
}

void TimingWheel::insert(Cycle at, std::uint64_t event) {
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

void TimingWheel::push(Cycle at, std::uint64_t event) {
  if (at < base_ + kSpan)
    insert(at, event);
  else
    far_.push({at, far_sequence_++, event});
}

// Far events enter the wheel as soon as they fit, before anything pushed later for the same cycle can.
void TimingWheel::advance(Cycle base) {
  base_ = base;
  while (!far_.empty() && far_.top().at < base_ + kSpan) {
    insert(far_.top().at, far_.top().event);
    far_.pop();
  }
}

Cycle TimingWheel::scan() const {
  const std::uint32_t start = base_ % kSpan;
  constexpr std::uint32_t kWords = kSpan / 64;
  for (std::uint32_t i = 0; i <= kWords; ++i) {
    const std::uint32_t word = (start / 64 + i) % kWords;
    std::uint64_t bits = occupied_[word];
    if (i == 0) bits &= ~std::uint64_t{0} << (start % 64);
    if (i == kWords) bits &= ~(~std::uint64_t{0} << (start % 64));
    if (bits != 0) {
      const std::uint32_t index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      return base_ + (index + kSpan - start) % kSpan;
    }
  }
  return kNever;
}

Cycle TimingWheel::next() {
  const Cycle found = scan();
  if (found != kNever) return found;
  return far_.empty() ? kNever : far_.top().at;
}

bool TimingWheel::pop(Cycle now, std::uint64_t& event) {
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

}  // namespace leto::model
