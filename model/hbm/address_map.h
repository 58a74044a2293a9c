// From a burst of a channel to its bank and row.
//
// Linear: through the columns of a row, then on to the next bank, whose number changes pseudo channel, stack
// id and bank group first (Ramulator's RoBaRaCoCh). Interleaved: four bursts in a bank, then on to the next
// bank, all banks before the next columns; the column is folded into bank and row (Ramulator's MOP4CLXOR), so
// that the four bursts alternate between bank groups and power-of-two strides spread. Striped: consecutive
// bursts alternate between the rows of as many bank groups as it takes to hide the long column gap, through
// those rows, then on to the next such banks, whose number is permuted by the row: a run of bursts opens few
// rows, and streams at power-of-two distances spread.
#pragma once

#include <bit>
#include <cstdint>

namespace leto::model {

struct BurstPlace {
  int bank;
  std::uint32_t row;
};

class AddressMap {
 public:
  enum class Kind : std::uint8_t { linear, interleaved, striped };

  /// All powers of two; interleaving takes rows of at least four bursts. `stacks`: the banks of one number in
  /// one bank group, by stack id; `stripe`: bank groups that a stripe alternates between.
  struct Shape {
    int bursts_a_row, banks, stacks, stripe;
  };

  AddressMap(Kind kind, const Shape& shape)
      : kind_(kind),
        column_bits_(bits(shape.bursts_a_row)),
        bank_bits_(bits(shape.banks)),
        stack_bits_(bits(shape.stacks)),
        stripe_bits_(bits(shape.stripe)),
        column_mask_(mask(column_bits_)),
        bank_mask_(mask(bank_bits_)),
        stripe_mask_(mask(bank_bits_ - stripe_bits_)),
        in_stack_mask_(mask(bank_bits_ - stripe_bits_ - stack_bits_)) {}

  BurstPlace operator()(std::uint64_t burst) const {
    const auto row = static_cast<std::uint32_t>(burst >> (column_bits_ + bank_bits_));
    if (kind_ == Kind::linear) return {static_cast<int>(burst >> column_bits_ & bank_mask_), row};
    if (kind_ == Kind::striped) return {striped_bank(burst, row), row};
    const std::uint64_t column =
        (burst >> bank_bits_ & column_mask_ & ~std::uint64_t{kTogether - 1}) | (burst & (kTogether - 1));
    const std::uint64_t bank = (burst / kTogether ^ column) & bank_mask_;
    return {static_cast<int>(bank), row ^ static_cast<std::uint32_t>(column >> bank_bits_)};
  }

 private:
  static constexpr std::uint64_t kTogether = 4;  // consecutive bursts of one (unfolded) bank

  static int bits(int power_of_two) { return std::countr_zero(static_cast<unsigned>(power_of_two)); }
  static std::uint64_t mask(int bits) { return (std::uint64_t{1} << bits) - 1; }

  // A stripe's number counts through the other bank groups, then the banks of a group, then the stack ids:
  // the gap between commands to two of those is the longer one.
  int striped_bank(std::uint64_t burst, std::uint32_t row) const {
    const std::uint64_t in_stripe = burst & mask(stripe_bits_);
    const std::uint64_t stripe = (burst >> (column_bits_ + stripe_bits_) ^ folded(row)) & stripe_mask_;
    const std::uint64_t stack = stripe >> (bank_bits_ - stripe_bits_ - stack_bits_);
    return static_cast<int>(((stripe & in_stack_mask_) << stripe_bits_ | in_stripe) << stack_bits_ | stack);
  }

  // Every bit of the row has a say in the low ones.
  static std::uint32_t folded(std::uint32_t row) {
    row ^= row >> 16;
    row ^= row >> 8;
    return row ^ row >> 4;
  }

  Kind kind_;
  int column_bits_, bank_bits_, stack_bits_, stripe_bits_;
  std::uint64_t column_mask_, bank_mask_, stripe_mask_, in_stack_mask_;
};

}  // namespace leto::model
