// Division by a number known when the chip is built: a shift for powers of two, a multiplication by the
// reciprocal for dividends below 2^32, the machine's division for the rest. Exact for every divisor > 0.
#pragma once

#include <bit>
#include <cstdint>

namespace leto::model {

class Divider {
 public:
  Divider() : Divider(1) {}
  explicit Divider(std::uint64_t divisor)
      : divisor_(divisor),
        shift_(std::has_single_bit(divisor) ? std::countr_zero(divisor) : -1),
        reciprocal_(~std::uint64_t{0} / divisor + 1) {}

  std::uint64_t divisor() const { return divisor_; }

  // The reciprocal m is 2^64 / d rounded up, so m * d = 2^64 + e with e < d, and n * m / 2^64 lies less than
  // 1 / d above n / d while n * e < 2^64: too little to reach the next whole number.
  std::uint64_t quotient(std::uint64_t dividend) const {
    if (shift_ >= 0) return dividend >> shift_;
    if ((dividend | divisor_) >> 32 == 0)
      return static_cast<std::uint64_t>(static_cast<unsigned __int128>(dividend) * reciprocal_ >> 64);
    return dividend / divisor_;
  }
  std::uint64_t remainder(std::uint64_t dividend) const { return dividend - quotient(dividend) * divisor_; }
  /// The quotient rounded up; dividend + divisor must stay below 2^64.
  std::uint64_t ceiling(std::uint64_t dividend) const { return quotient(dividend + divisor_ - 1); }

 private:
  std::uint64_t divisor_;
  int shift_;
  std::uint64_t reciprocal_;
};

}  // namespace leto::model
