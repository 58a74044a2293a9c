// The loads and stores that are left out, on their way through the LLC's tags: without time, in order.
//
// What comes next in the simulation meets the lines of the last of them only. So they wait here while others
// may follow: those that come to wait behind more traffic than displaces all lines (kDisplacing times what
// the LLC holds) go through a sample of its sets, which stands for all (Fabric::pass); the rest, when the
// simulation goes on, through every set. The other sets keep what they had before the sample.
#pragma once

#include <deque>
#include <vector>

#include "base/snapshot.h"
#include "model/fabric/fabric.h"
#include "model/reuse/walk.h"

namespace leto::model {

class Passage {
 public:
  explicit Passage(Fabric& fabric) : fabric_(fabric), most_bytes_(kDisplacing * fabric.llc_bytes()) {}

  /// The number of accesses that belong together, for bursts().
  std::size_t begin() {
    bursts_.push_back(0);
    return bursts_.size() - 1;
  }
  /// One of `number`; it comes behind all others.
  void add(const Segment::Access& access, std::size_t number);
  /// The simulation goes on, or looks at counts: all that wait go through.
  void flush();
  /// Of device memory, by those accesses of `number` that have gone through.
  std::uint64_t bursts(std::size_t number) const { return bursts_[number]; }
  void state(Snapshot& s) { s(waiting_, waiting_bytes_, bursts_); }

 private:
  static constexpr std::int64_t kDisplacing = 2;
  static constexpr std::size_t kMostWaiting = 1 << 18;  // bounds memory where transfers are small

  struct Waiting {
    Segment::Access access;
    std::int64_t bytes;
    std::size_t number;
  };
  void pass_oldest(bool sampled);

  Fabric& fabric_;
  std::int64_t most_bytes_;
  std::deque<Waiting> waiting_;
  std::int64_t waiting_bytes_ = 0;
  std::vector<std::uint64_t> bursts_;
};

}  // namespace leto::model
