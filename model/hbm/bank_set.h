// A set of the banks of one controller, and the walk over it in ascending order.
#pragma once

#include <bit>
#include <cstdint>

namespace leto::model {

/// Bit b: bank b. Hence at most 64 banks a controller.
using BankSet = std::uint64_t;

inline BankSet bank_bit(int bank) {
  return BankSet{1} << bank;
}

/// for (BankWalk b(set); b; b.next()) ... b.bank()
class BankWalk {
 public:
  explicit BankWalk(BankSet left) : left_(left) {}
  explicit operator bool() const { return left_ != 0; }
  void next() { left_ &= left_ - 1; }
  int bank() const { return std::countr_zero(left_); }

 private:
  BankSet left_;
};

}  // namespace leto::model
