// The command processor of a PE: holds the commands of both issue cores until their units take them.
//
// Each unit has an in-order queue of queue_depth commands a core; it takes the older of the two heads (core 0
// first when they are equally old). A command is dated with the cycle its issue ended; cores may run ahead of
// simulated time, so a head can lie in the future. Whether a head may start is the PE's question to
// isa::PeState, not asked here.
#pragma once

#include <array>
#include <vector>

#include "base/snapshot.h"
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

  /// An entry that was taken out stays as it is until so many more of its core and queue have been: loads and
  /// stores `transfers_kept`, others none.
  CommandProcessor(int depth, int transfers_kept);

  bool full(std::size_t queue, int core) const { return ring(queue, core).count == depth_; }
  /// A new last command of a core, for the caller to fill in.
  isa::Command& push(std::size_t queue, int core, Cycle issued);
  /// The oldest command, dated or not yet due; nullptr when there is none.
  const Entry* oldest(std::size_t queue) const { return heads_[queue].entry; }
  /// When it was issued; kNever when there is none.
  Cycle due(std::size_t queue) const { return heads_[queue].issued; }
  /// Every command of a queue, in the order each core issued its own.
  std::vector<const isa::Command*> all(std::size_t queue) const;
  /// Takes the oldest command out.
  Entry& pop(std::size_t queue);
  bool empty() const;

  void state(Snapshot& s);
  /// An entry, waiting or kept, or none, that somebody else points at.
  template <class Pointer>
  void state(Snapshot& s, Pointer& entry) {
    std::int64_t number = s.loads() ? 0 : number_of(entry);
    s(number);
    if (s.loads()) entry = entry_of(number);
  }

 private:
  struct Ring {
    std::vector<Entry> entries;
    std::size_t head = 0, count = 0;
    std::size_t wrapped(std::size_t place) const {
      return place < entries.size() ? place : place - entries.size();
    }
    void state(Snapshot& s) { s(entries, head, count); }
  };
  const Ring& ring(std::size_t queue, int core) const {
    return rings_[queue][static_cast<std::size_t>(core)];
  }
  /// The oldest command of a queue, at hand without a look into the rings.
  struct Head {
    const Entry* entry = nullptr;
    Cycle issued = kNever;
    int core = 0;
  };
  void find_head(std::size_t queue);
  /// Counted through all rings; -1: none.
  std::int64_t number_of(const Entry* entry) const;
  Entry* entry_of(std::int64_t number);

  std::size_t depth_;  // of each ring: commands that wait
  std::array<std::array<Ring, isa::kCores>, kQueues> rings_;
  std::array<Head, kQueues> heads_;
};

}  // namespace leto::model
