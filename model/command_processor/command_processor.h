// The command processor of a PE: holds the commands of both issue cores until their units take them.
//
// Each unit has an in-order queue of queue_depth commands a core; it takes the older of the two heads (core 0
// first when they are equally old). A command is dated with the cycle its issue ended; cores may run ahead of
// simulated time, so a head can lie in the future. Whether a head may start is the PE's question to
// isa::PeState, not asked here.
#pragma once

#include <array>
#include <vector>

#include "isa/command.h"
#include "model/kernel/time.h"

namespace leto::model {

/// The units that have queues, in the order in which a PE serves them within a cycle.
inline constexpr std::array<isa::Unit, 6> kQueuedUnits = {isa::Unit::load,   isa::Unit::store,
                                                          isa::Unit::matrix, isa::Unit::reduction,
                                                          isa::Unit::vector, isa::Unit::layout};
inline constexpr std::size_t kQueues = kQueuedUnits.size();
inline constexpr std::size_t queue_of(isa::Unit unit) {
  return static_cast<std::size_t>(unit) - static_cast<std::size_t>(isa::Unit::load);
}

class CommandProcessor {
 public:
  struct Entry {
    Cycle issued = 0;
    isa::Command command;
  };

  /// An entry that was taken out stays as it is until `kept` more of its core and queue have been.
  CommandProcessor(int depth, int kept);

  bool full(std::size_t queue, int core) const { return ring(queue, core).count == depth_; }
  /// A new last entry of a core, in whatever state its last use left it.
  Entry& push(std::size_t queue, int core);
  /// The oldest command, dated or not yet due; nullptr when there is none.
  const Entry* oldest(std::size_t queue) const {
    const int core = older_core(queue);
    return core < 0 ? nullptr : &ring(queue, core).entries[ring(queue, core).head];
  }
  /// Every command of a queue, in the order each core issued its own.
  std::vector<const isa::Command*> all(std::size_t queue) const;
  /// Takes the oldest command out.
  Entry& pop(std::size_t queue);
  bool empty() const;

 private:
  struct Ring {
    std::vector<Entry> entries;
    std::size_t head = 0, count = 0;
  };
  const Ring& ring(std::size_t queue, int core) const {
    return rings_[queue][static_cast<std::size_t>(core)];
  }
  int older_core(std::size_t queue) const {
    const Ring &a = ring(queue, 0), &b = ring(queue, 1);
    if (b.count == 0) return a.count == 0 ? -1 : 0;
    return a.count != 0 && a.entries[a.head].issued <= b.entries[b.head].issued ? 0 : 1;
  }
  std::size_t wrapped(std::size_t place) const { return place < places_ ? place : place - places_; }

  std::size_t depth_, places_;  // of each ring: commands that wait; with those that are kept
  std::array<std::array<Ring, isa::kCores>, kQueues> rings_;
};

}  // namespace leto::model
