// The bandwidth of one PE's local store: bytes a cycle that the engines share, reads plus writes.
//
// Models: a command asks for a rate when it starts and holds what it is granted to its end; grants never add
// up to more than there is, first come first served in the PE's fixed engine order. Leaves out: banks inside
// the local store and their conflicts (nothing public), and rates that change while a command runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "arch/chip_config.h"
#include "base/snapshot.h"

namespace leto::model {

class LocalStore {
 public:
  /// `unlimited`: everybody gets what they ask for.
  explicit LocalStore(const LocalStoreConfig& config, bool unlimited = false)
      : capacity_(unlimited ? std::numeric_limits<std::int64_t>::max() : config.bytes_per_cycle),
        left_(capacity_) {}

  /// Grants at most `rate` bytes a cycle; 0 when less than an eighth of the store (or of the wish) is left:
  /// then it is better to wait for another command to end than to crawl.
  std::int64_t acquire(std::int64_t rate) {
    const std::int64_t wish = std::min(rate, capacity_);
    const std::int64_t least = std::min(wish, std::max<std::int64_t>(1, capacity_ / 8));
    const std::int64_t granted = left_ >= least ? std::min(wish, left_) : 0;
    left_ -= granted;
    return granted;
  }
  void release(std::int64_t granted) { left_ += granted; }

  void state(Snapshot& s) { s(left_); }

 private:
  std::int64_t capacity_, left_;
};

}  // namespace leto::model
