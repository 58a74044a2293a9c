// The network on chip: a mesh of cluster routers, routed X first, then Y.
//
// Models: every router-to-router link and direction as a ledger (free from cycle t on). A packet cuts
// through: it holds each link for bytes / width cycles, starting hop_cycles after it started on the link
// before. A multicast goes down a tree, each link of the tree charged once. Requests and acknowledgements
// have channels of their own and pay hops only. Leaves out: finite router buffers (a packet that waits for a
// link does not block the one behind), virtual lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Bytes go in beats of this many over links and ports.
inline constexpr std::int64_t kBeatBytes = 32;
inline constexpr std::int64_t in_beats(std::int64_t bytes) {
  return (bytes + kBeatBytes - 1) / kBeatBytes * kBeatBytes;
}

class Noc {
 public:
  explicit Noc(const ChipConfig& chip);

  /// First and last byte of a packet at its destination router.
  struct Arrival {
    Cycle head, tail;
  };
  Arrival send(int from, int to, std::int64_t bytes, Cycle at);

  /// Delivers to several routers; arrivals[i] belongs to to[i].
  void multicast(int from, const std::vector<int>& to, std::int64_t bytes, Cycle at,
                 std::vector<Arrival>& arrivals);

  /// Cycles of the hops alone: what a request or an acknowledgement pays.
  Cycle hop_latency(int from, int to) const;

  int router_of_pe(int pe) const;
  /// Router at which memory unit `unit` of `units` is attached: the first half west, the second half east,
  /// spread over the rows.
  int router_of_memory(int unit, int units) const;

  /// Bytes times links crossed.
  std::uint64_t link_bytes() const { return link_bytes_; }

 private:
  enum Way { north, east, south, west };
  int row(int router) const { return router / columns_; }
  int column(int router) const { return router % columns_; }
  Cycle cross(int router, Way way, std::int64_t bytes, Cycle at);
  /// Walks from `router` to a row or column and notes when the head passes each router on the way.
  void walk(int router, int steps, Way way, std::int64_t bytes, Cycle at);

  int pe_columns_, cluster_rows_, cluster_columns_;
  int rows_, columns_;
  std::int64_t width_;
  Cycle hop_;
  std::uint64_t link_bytes_ = 0;
  std::vector<Cycle> free_;  // per router and way
  std::vector<Cycle> head_;  // scratch of multicast: per router
};

}  // namespace leto::model
