// How addresses spread over memory units: block b of n units goes to unit (b + rotation(b / n)) mod n. Every
// run of n blocks still uses every unit once; the rotation is a hash, so that no stride of the usual kind
// stays on a few units.
#pragma once

#include <cstdint>

#include "model/kernel/divider.h"

namespace leto::model {

/// Multiplicative hash (the golden ratio in 64 bits), below 2^31 so that adding a block number cannot
/// overflow.
inline constexpr std::uint64_t rotation(std::uint64_t above) {
  return above * 0x9E3779B97F4A7C15u >> 33;
}

/// Blocks one after the other, and where each is.
class BlockWalk {
 public:
  BlockWalk(const Divider& units, std::uint64_t block)
      : units_(&units),
        above_(units.quotient(block)),
        unit_(units.remainder(block + rotation(above_))),
        left_(units.divisor() - (block - above_ * units.divisor())) {}

  std::uint64_t unit() const { return unit_; }
  std::uint64_t above() const { return above_; }
  void next() {
    if (--left_ == 0) {
      left_ = units_->divisor();
      unit_ = units_->remainder(rotation(++above_));
    } else if (++unit_ == units_->divisor()) {
      unit_ = 0;
    }
  }

 private:
  const Divider* units_;
  std::uint64_t above_, unit_;
  std::uint64_t left_;  // blocks up to the next rotation
};

}  // namespace leto::model
