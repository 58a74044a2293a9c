// The network on chip: a mesh of cluster routers, routed X first, then Y.
//
// Models: every router-to-router link and direction as a ledger (free from cycle t on). A packet cuts
// through: it holds each link for bytes / width cycles, starting hop_cycles after it started on the link
// before. A multicast goes down a tree, each link of the tree charged once. Requests and acknowledgements
// have channels of their own and pay hops only. Leaves out: finite router buffers (a packet that waits for a
// link does not block the one behind), virtual lanes.
#pragma once

#include <algorithm>
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
  /// `unlimited`: hops and links take no time.
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
    std::vector<int> leaves;  // the routers it delivers to, as given
  };
  Tree tree(int from, const std::vector<int>& to) const;
  /// Delivers down a tree; arrivals[i] belongs to leaves[i].
  void multicast(const Tree& tree, std::int64_t bytes, Cycle at, std::vector<Arrival>& arrivals);
  void multicast(int from, const std::vector<int>& to, std::int64_t bytes, Cycle at,
                 std::vector<Arrival>& arrivals) {
    multicast(tree(from, to), bytes, at, arrivals);
  }

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
  int row(int router) const { return place_[static_cast<std::size_t>(router)].row; }
  int column(int router) const { return place_[static_cast<std::size_t>(router)].column; }
  /// Cycles that a packet holds a link.
  Cycle length(std::int64_t bytes) const {
    return unlimited_ ? 0 : width_.ceiling(static_cast<Cycle>(bytes));
  }
  static int link(int router, Way way) { return router * 4 + way; }
  /// Holds a link for `length` cycles; when the head has passed it.
  Cycle cross(int link, Cycle length, Cycle at) {
    Cycle& free = free_[static_cast<std::size_t>(link)];
    const Cycle start = std::max(at, free);
    free = start + length;
    return start + hop_;
  }
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
  struct Position {
    int row, column;
  };
  std::vector<Position> place_;  // of each router
  std::uint64_t link_bytes_ = 0;
  std::vector<Cycle> free_;  // per router and way
  std::vector<Cycle> head_;  // scratch of multicast: per router
};

}  // namespace leto::model
