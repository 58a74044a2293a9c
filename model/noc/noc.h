// The network on chip: a mesh of cluster routers, routed X first, then Y.
//
// Models: every router-to-router link and direction as a ledger (free from cycle t on). A packet cuts
// through: it holds each link for bytes / width cycles, starting hop_cycles after it started on the link
// before. Where it waits for its next link, or for the PE's port at its end, it lies in a buffer of the
// router: buffer_bytes for each way in and each way out, so that packets for different ways never block each
// other. A link stays held while the buffer it leads to has no room for the packet's end. A multicast goes
// down a tree, each link of the tree charged once; its slowest branch holds back the others. Requests and
// acknowledgements have channels of their own and pay hops only. Leaves out: buffers between the network and
// memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "arch/chip_config.h"
#include "model/kernel/divider.h"
#include "model/kernel/time.h"

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

  /// First and last byte of a packet at its destination router.
  struct Arrival {
    Cycle head, tail;
  };
  Arrival send(int from, int to, std::int64_t bytes, Cycle at);

  /// The links from one router to several, each once, a router before the links that leave it.
  struct Tree {
    struct Branch {
      int link, from, to;
    };
    int root;
    std::vector<Branch> branches;
    std::vector<int> leaves;  // the routers it delivers to
  };
  Tree tree(int from, const std::vector<int>& to) const;
  /// Delivers down a tree.
  void multicast(const Tree& tree, std::int64_t bytes, Cycle at);

  /// Of the last packet, at a router it went to.
  Arrival arrival(int router) const {
    const Passage& passage = passages_[static_cast<std::size_t>(router)];
    return {passage.head, passage.link < 0 ? passage.head : passage.head + length_};
  }
  /// PE number `local` of its cluster has taken the last packet's end from its router at `at`.
  void taken(int router, int local, Cycle at) { buffer(router, kWays + local, at); }
  /// Number of a PE in its cluster.
  int local_of(int pe) const;

  /// Cycles of the hops alone: what a request or an acknowledgement pays.
  Cycle hop_latency(int from, int to) const {
    const int hops = std::abs(row(from) - row(to)) + std::abs(column(from) - column(to));
    return hop_ * static_cast<Cycle>(hops);
  }

  int router_of_pe(int pe) const;
  /// Router at which memory unit `unit` of `units` is attached: the first half west, the second half east,
  /// spread over the rows.
  int router_of_memory(int unit, int units) const;

  /// Bytes times links crossed.
  std::uint64_t link_bytes() const { return link_bytes_; }

 private:
  enum Way { north, east, south, west };
  static constexpr int kWays = 4;
  static constexpr std::uint32_t kSlots = 8;
  /// A router's buffer for one way in and one way out: packets fill its slots one after the other, byte by
  /// byte; a slot is free again when the last packet in it has left.
  struct Buffer {
    std::array<Cycle, kSlots> emptied{};  // by slot: when that was, or will be
    std::uint32_t slot = 0;               // that is being filled
    std::int32_t left = 0;                // bytes free in it
  };
  /// A packet's way through a router: when its head was there, and the link it came by (-1: it started here).
  struct Passage {
    Cycle head = 0;
    int link = -1;
  };
  int row(int router) const { return place_[static_cast<std::size_t>(router)].row; }
  int column(int router) const { return place_[static_cast<std::size_t>(router)].column; }
  static int link(int router, Way way) { return router * kWays + way; }
  void enter(int router, std::int64_t bytes, Cycle at) {
    length_ = unlimited_ ? 0 : width_.ceiling(static_cast<Cycle>(bytes));
    buffered_ = unlimited_ ? 0 : static_cast<std::int32_t>(std::min<std::int64_t>(bytes, most_buffered_));
    passages_[static_cast<std::size_t>(router)] = {at, -1};
  }
  void cross(int link, int from, int to);
  void buffer(int router, int way_out, Cycle leaves);
  void charge(std::size_t links, std::int64_t bytes) {
    link_bytes_ += links * static_cast<std::uint64_t>(bytes);
  }
  int step(Way way) const { return way == east ? 1 : way == west ? -1 : way == south ? columns_ : -columns_; }
  /// Adds `steps` branches from `router` on.
  void grow(Tree& tree, int router, int steps, Way way) const;

  int pe_columns_, cluster_rows_, cluster_columns_;
  int rows_, columns_;
  bool unlimited_;
  Divider width_;
  Cycle hop_;
  std::int32_t slot_bytes_;     // of a buffer
  std::int64_t most_buffered_;  // of one packet: a longer one streams through
  int ways_out_;  // of a router: links, and the PEs of its cluster
  struct Position {
    int row, column;
  };
  std::vector<Position> place_;  // of each router
  std::uint64_t link_bytes_ = 0;
  std::vector<Cycle> free_;        // per router and way
  std::vector<Buffer> buffers_;    // by link in and way out
  Cycle length_ = 0;               // of the last packet on a link
  std::int32_t buffered_ = 0;      // bytes of it that lie in a buffer
  std::vector<Passage> passages_;  // of the last packet, by router
};

}  // namespace leto::model
