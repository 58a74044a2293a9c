// A queue of dated events: constant time for dates within the wheel's span, a heap beyond. Events of one
// cycle come out in the order they went in; what goes in while its cycle is being served comes out in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <queue>
#include <vector>

#include "base/snapshot.h"
#include "model/kernel/time.h"

namespace leto::model {

class TimingWheel {
 public:
  TimingWheel();

  using Event = std::uint32_t;

  /// `at` may not lie before the last cycle taken.
  void push(Cycle at, Event event);
  /// Date of the earliest event; kNever when there is none.
  Cycle next();
  /// Nothing is left in it: from now on dates from `at` on may come, also such as lie before the last cycle
  /// taken.
  void rewind(Cycle at) { base_ = std::min(base_, at); }
  /// Takes all events that are due at `now`, no event being due before; none: `due` is empty.
  void take(Cycle now, std::vector<Event>& due);

  /// Hands over what is due at `at`, less than a span ahead, as far as it is known; it stays.
  template <class Hear>
  void each_at(Cycle at, Hear&& hear) const {
    for (std::uint32_t id = slots_[at % kSpan].head; id != kNone; id = chunks_[id].next)
      for (std::uint32_t i = 0; i < chunks_[id].count; ++i) hear(chunks_[id].events[i]);
  }

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  static constexpr std::uint32_t kSpan = 1 << 12;  // cycles the wheel covers
  static constexpr std::uint32_t kNone = ~0u;
  // Events of one cycle, a line of the host's caches at a time.
  struct alignas(64) Chunk {
    std::uint32_t next, count;
    std::array<Event, 14> events;
  };
  struct Slot {
    std::uint32_t head = kNone, tail = kNone;
  };
  struct Far {
    Cycle at;
    std::uint64_t sequence;
    std::uint64_t event;  // as wide as the others: a snapshot shows every byte
    bool operator>(const Far& other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };

  void insert(Cycle at, Event event);
  std::uint32_t take_chunk();
  void advance(Cycle base);
  Cycle scan() const;

  Cycle base_ = 0;  // every event in the wheel has base_ <= date < base_ + kSpan
  std::uint64_t far_sequence_ = 0;
  std::vector<Chunk> chunks_;
  std::uint32_t free_ = kNone;
  std::array<Slot, kSpan> slots_;
  std::array<std::uint64_t, kSpan / 64> occupied_{};
  std::priority_queue<Far, std::vector<Far>, std::greater<>> far_;
};

inline std::uint32_t TimingWheel::take_chunk() {
  std::uint32_t id = free_;
  if (id == kNone) {
    id = static_cast<std::uint32_t>(chunks_.size());
    chunks_.emplace_back();
  } else {
    free_ = chunks_[id].next;
  }
  chunks_[id].next = kNone;
  chunks_[id].count = 0;
  return id;
}

inline void TimingWheel::insert(Cycle at, Event event) {
  const std::uint32_t index = at % kSpan;
  Slot& slot = slots_[index];
  if (slot.head == kNone) {
    slot.head = slot.tail = take_chunk();
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
  } else if (chunks_[slot.tail].count == chunks_[slot.tail].events.size()) {
    const std::uint32_t id = take_chunk();
    chunks_[slot.tail].next = id;
    slot.tail = id;
  }
  Chunk& chunk = chunks_[slot.tail];
  chunk.events[chunk.count++] = event;
}

inline void TimingWheel::push(Cycle at, Event event) {
  if (at < base_ + kSpan)
    insert(at, event);
  else
    far_.push({at, far_sequence_++, event});
}

inline void TimingWheel::take(Cycle now, std::vector<Event>& due) {
  due.clear();
  if (now > base_) advance(now);
  const std::uint32_t index = now % kSpan;
  Slot& slot = slots_[index];
  if (slot.head == kNone) return;
  each_at(now, [&due](Event event) { due.push_back(event); });
  chunks_[slot.tail].next = free_;
  free_ = slot.head;
  slot.head = kNone;
  occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
}

}  // namespace leto::model
