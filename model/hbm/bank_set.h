// A set of the banks of one controller, and the walk over it in ascending order.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace leto::model {

inline constexpr int kMaxBanks = 64;

/// Bit b: bank b.
using BankSet = std::uint64_t;

/// Something for each bank (or bank group).
template <typename T>
using ByBank = std::array<T, kMaxBanks>;
template <typename T>
T& of(ByBank<T>& all, int bank) {
  return all[static_cast<std::size_t>(bank)];
}
template <typename T>
const T& of(const ByBank<T>& all, int bank) {
  return all[static_cast<std::size_t>(bank)];
}

inline BankSet bank_bit(int bank) {
  return BankSet{1} << bank;
}

/// `set` with the bank in it, or without it.
inline BankSet with(BankSet set, int bank, bool in) {
  return (set & ~bank_bit(bank)) | BankSet{in} << bank;
}

/// 0, step, 2 step, …
inline BankSet every_nth(int step, int below) {
  BankSet set = 0;
  for (int number = 0; number < below; number += step) set |= bank_bit(number);
  return set;
}

inline int lowest(BankSet set) {
  return std::countr_zero(set);
}

/// for (BankWalk b(set); b; b.next()) ... b.bank()
class BankWalk {
 public:
  explicit BankWalk(BankSet left) : left_(left) {}
  explicit operator bool() const { return left_ != 0; }
  void next() { left_ &= left_ - 1; }
  int bank() const { return lowest(left_); }

 private:
  BankSet left_;
};

}  // namespace leto::model
