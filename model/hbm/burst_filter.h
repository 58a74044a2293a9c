// Answers "is this burst surely not among those held?" in constant time, so that only likely matches are
// searched for: a count for each value of a hash.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/snapshot.h"

namespace leto::model {

class BurstFilter {
 public:
  /// For `held` bursts at most: about one answer in eight is "maybe" by chance when it is full.
  explicit BurstFilter(int held)
      : counts_(std::bit_ceil(static_cast<std::size_t>(held) * 8)),
        shift_(64 - std::countr_zero(counts_.size())) {}

  void add(std::uint64_t burst) { ++counts_[slot(burst)]; }
  void remove(std::uint64_t burst) { --counts_[slot(burst)]; }
  bool may_hold(std::uint64_t burst) const { return counts_[slot(burst)] != 0; }

  void state(Snapshot& s) { s(counts_); }

 private:
  std::size_t slot(std::uint64_t burst) const {
    return static_cast<std::size_t>(burst * 0x9E3779B97F4A7C15u >> shift_);
  }

  std::vector<std::uint16_t> counts_;
  int shift_;
};

}  // namespace leto::model
