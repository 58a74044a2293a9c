// The network on chip: a mesh of cluster routers, routed X first, then Y.
//
// Models: every router-to-router link and direction as a ledger (free from cycle t on). A packet cuts
// through: it holds each link for bytes / width cycles of the NoC's clock, starting hop_cycles after it
// started on the link before. Where it waits for its next link, or for the PE's port at its end, it lies in a
// buffer of the router: buffer_bytes for each way in and each way out, so that packets for different ways
// never block each other. A link stays held while the buffer it leads to has no room for the packet's end. A
// multicast goes down a tree, each link of the tree charged once; its slowest branch holds back the others.
// Requests and acknowledgements have channels of their own and pay hops only. Leaves out: buffers between the
// network and memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/clock_domain.h"
#include "model/kernel/time.h"
#include "model/noc/noc_watch.h"

namespace leto::model {

/// Bytes go in beats of this many over links and ports.
inline constexpr std::int64_t kBeatBytes = 32;
inline constexpr std::int64_t in_beats(std::int64_t bytes) {
  return (bytes + kBeatBytes - 1) / kBeatBytes * kBeatBytes;
}

class Noc {
 public:
  /// `unlimited`: hops and links take no time, buffers hold everything.
  explicit Noc(const ChipConfig& chip, bool unlimited = false);

  /// A packet at its last router: its first and last byte, the link it came by (-1: it started there), and
  /// the buffer in which it waits for its PE.
  struct Arrival {
    Cycle head, tail;
    int link, buffer;
  };
  /// What takes a way through the network together: parts one behind the other, each of whole cycles of the
  /// links.
  struct Packet {
    std::int64_t bytes = 0;
    Fine length = 0;  // on a link
  };
  Packet packet(std::int64_t bytes) const {
    if (watch_) watch_->part(bytes);
    return {bytes, unlimited_ ? 0 : width_.time(bytes)};
  }
  /// `local`: where it goes to a PE, that one's number in its cluster.
  Arrival send(int from, int to, const Packet& packet, Cycle at, int local = 0) {
    return watch_ ? send<true>(from, to, packet, at, local) : send<false>(from, to, packet, at, local);
  }
  Arrival send(int from, int to, std::int64_t bytes, Cycle at, int local = 0) {
    return send(from, to, packet(bytes), at, local);
  }

  /// The links from one router to those of several PEs, each once, a router before the links that leave it.
  struct Tree {
    int root = 0;  // router
    struct Branch {
      int link;    // to be crossed
      int after;   // the branch that leads to it; -1: it leaves the root
      int before;  // that branch's link
      int buffer;  // between the two
    };
    std::vector<Branch> branches;
    struct End {
      int pe;
      int buffer;  // between the stop's link and the PE
    };
    std::vector<End> ends;  // one for each PE, stop by stop
    /// A router with PEs of the tree.
    struct Stop {
      int branch;       // that leads there; -1: the root
      int link;         // of that branch
      std::size_t end;  // of its ends, which begin where those of the stop before end
    };
    std::vector<Stop> stops;
  };
  Tree tree(int from, const std::vector<int>& pes) const;
  /// Delivers down a tree. take_in(pe, head, tail), with the dates at which the packet's first and last byte
  /// are at the PE's router, says when the PE has taken its end from there.
  template <class TakeIn>
  void multicast(const Tree& tree, const Packet& packet, Cycle at, TakeIn&& take_in) {
    watch_ ? spread<true>(tree, packet, at, take_in) : spread<false>(tree, packet, at, take_in);
  }

  /// The PE has taken the end of the last packet from its router at `at`.
  void taken(const Arrival& packet, Cycle at) {
    const Fine room = fill(packet.link, packet.buffer, fine(at));
    if (watch_) see_end(packet, at, room);
  }
  /// Number of a PE in its cluster.
  int local_of(int pe) const;

  /// Cycles of the hops alone: what a request or an acknowledgement pays.
  Cycle hop_latency(int from, int to) const { return cycle_from(hop_ * static_cast<Cycle>(hops(from, to))); }

  int routers() const { return rows_ * columns_; }
  int router_of_pe(int pe) const;
  /// Router at which memory unit `unit` of `units` is attached: the first half west, the second half east,
  /// spread over the rows.
  int router_of_memory(int unit, int units) const;

  /// Traffic that is counted and not simulated: between two routers, or down a tree.
  void count(int from, int to, std::int64_t bytes) {
    charge(static_cast<std::size_t>(hops(from, to)), bytes);
  }
  void count(const Tree& tree, std::int64_t bytes) { charge(tree.branches.size(), bytes); }

  /// Tells `watch` of every packet that is simulated; may be null.
  void watch(NocWatch* watch) { watch_ = watch; }

  /// Bytes times links crossed.
  std::uint64_t link_bytes() const { return link_bytes_; }

  void state(Snapshot& s) { s(link_bytes_, free_, emptied_, filled_, length_, buffered_, heads_); }

 private:
  enum Way { north, east, south, west };
  static constexpr int kWays = 4;
  static constexpr std::uint32_t kSlots = 8;
  /// A router's buffer for one way in and one way out: packets fill its slots one after the other, byte by
  /// byte; a slot is free again when the last packet in it has left.
  using Emptied = std::array<Fine, kSlots>;  // by slot: when that was, or will be
  struct Filled {
    std::uint32_t slot = 0;  // that is being filled
    std::int32_t left = 0;   // bytes free in it
  };
  int hops(int from, int to) const {
    return std::abs(row(from) - row(to)) + std::abs(column(from) - column(to));
  }
  int row(int router) const { return place_[static_cast<std::size_t>(router)].row; }
  int column(int router) const { return place_[static_cast<std::size_t>(router)].column; }
  static int link(int router, Way way) { return router * kWays + way; }
  void enter(const Packet& packet) {
    length_ = packet.length;
    buffered_ = unlimited_ ? 0 : static_cast<std::int32_t>(std::min(packet.bytes, most_buffered_));
  }
  Fine cross(int link, Fine head);
  Fine fill(int link, int number, Fine leaves) {
    if (link < 0) return 0;
    const Fine room = fill(number, leaves);
    hold(link, room);
    return room;
  }
  Fine fill(int number, Fine leaves);
  void hold(int link, Fine until) {
    Fine& free = free_[static_cast<std::size_t>(link)];
    free = std::max(free, until);
  }
  int buffer_of(int link, int way_out) const { return link * ways_out_ + way_out; }
  void charge(std::size_t links, std::int64_t bytes) {
    link_bytes_ += links * static_cast<std::uint64_t>(bytes);
  }
  // kWatched: somebody looks on; else that costs nothing on the way.
  template <bool kWatched>
  Arrival send(int from, int to, const Packet& packet, Cycle at, int local);
  template <bool kWatched, class TakeIn>
  void spread(const Tree& tree, const Packet& packet, Cycle at, TakeIn& take_in);
  NocWatch::Lying lying(int link, int number, Fine room) const;
  void see_crossing(int before, int link, int number, Fine head, Fine there, Fine room) const;
  void see_end(const Arrival& packet, Cycle at, Fine room) const;

  int step(Way way) const { return way == east ? 1 : way == west ? -1 : way == south ? columns_ : -columns_; }
  /// Adds `steps` branches from `router` on; `reached`: by router, the branch that leads there.
  void grow(Tree& tree, int router, int steps, Way way, std::vector<int>& reached) const;

  int pe_columns_, cluster_rows_, cluster_columns_;
  int rows_, columns_;
  bool unlimited_;
  ClockedWidth width_;
  Fine hop_;
  std::int32_t slot_bytes_;     // of a buffer
  std::int64_t most_buffered_;  // of one packet: a longer one streams through
  int ways_out_;                // of a router: links, and the PEs of its cluster
  struct Position {
    int row, column;
  };
  std::vector<Position> place_;  // of each router
  std::uint64_t link_bytes_ = 0;
  std::vector<Fine> free_;        // per router and way
  std::vector<Emptied> emptied_;  // by link in and way out
  std::vector<Filled> filled_;    // the same
  Fine length_ = 0;               // of the last packet on a link
  std::int32_t buffered_ = 0;     // bytes of it that lie in a buffer
  std::vector<Fine> heads_;       // of the last multicast: at the root, then behind each branch
  NocWatch* watch_ = nullptr;
};

// What every packet goes through at every link and port is inline.

// The last packet lies in a buffer until `leaves`. Its end could not come in before what lay in its slots had
// gone: so long the link that it came by is held.
inline Fine Noc::fill(int number, Fine leaves) {
  Filled& filled = filled_[static_cast<std::size_t>(number)];
  Fine* const emptied = emptied_[static_cast<std::size_t>(number)].data();
  std::uint32_t slot = filled.slot;
  std::int32_t left = filled.left;
  Fine room = 0;
  emptied[slot] = left > 0 ? leaves : emptied[slot];
  left -= buffered_;
  while (left < 0) {
    slot = (slot + 1) % kSlots;
    left += slot_bytes_;
    room = std::max(room, emptied[slot]);
    emptied[slot] = leaves;
  }
  filled = {slot, left};
  return room;
}

// The last packet's head is at a router: when it starts on `link`, by which it goes on.
inline Fine Noc::cross(int link, Fine head) {
  Fine& free = free_[static_cast<std::size_t>(link)];
  const Fine start = std::max(head, free);
  free = start + length_;
  return start;
}

template <bool kWatched, class TakeIn>
inline void Noc::spread(const Tree& tree, const Packet& packet, Cycle at, TakeIn& take_in) {
  enter(packet);
  if (heads_.size() <= tree.branches.size()) heads_.resize(tree.branches.size() + 1);
  Fine* const heads = heads_.data() + 1;  // -1: the root's
  heads[-1] = fine(at);
  if constexpr (kWatched) watch_->starts({tree.root, at, packet.bytes, packet.length});
  Fine* head = heads;
  for (const Tree::Branch& branch : tree.branches) {
    const Fine start = cross(branch.link, heads[branch.after]);
    const Fine room = fill(branch.before, branch.buffer, start + length_);
    if constexpr (kWatched)
      see_crossing(branch.before, branch.link, branch.buffer, heads[branch.after], start + hop_, room);
    *head++ = start + hop_;
  }
  charge(tree.branches.size(), packet.bytes);
  const Tree::End* end = tree.ends.data();
  for (const Tree::Stop& stop : tree.stops) {
    const Fine there = heads[stop.branch];
    const bool started = stop.link < 0;  // here: it lies in no buffer
    const Cycle first = cycle_from(there), last = started ? first : cycle_from(there + length_);
    Fine room = 0;
    for (const Tree::End* stop_end = tree.ends.data() + stop.end; end != stop_end; ++end) {
      const Cycle taken = take_in(end->pe, first, last);
      const Fine own = started ? 0 : fill(end->buffer, fine(taken));
      room = std::max(room, own);
      if constexpr (kWatched) see_end({first, last, stop.link, end->buffer}, taken, own);
    }
    if (!started) hold(stop.link, room);
  }
}

}  // namespace leto::model
