// From a burst of a channel to its bank and row.
//
// Linear: through the columns of a row, then on to the next bank, whose number changes pseudo channel, stack
// id and bank group first (Ramulator's RoBaRaCoCh). Interleaved: four bursts in a bank, then on to the next
// bank, all banks before the next columns; the column is folded into bank and row (Ramulator's MOP4CLXOR), so
// that the four bursts alternate between bank groups and power-of-two strides spread.
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
  /// Both powers of two; interleaving takes rows of at least four bursts.
  AddressMap(bool interleaved, int bursts_a_row, int banks)
      : interleaved_(interleaved),
        column_bits_(std::countr_zero(static_cast<unsigned>(bursts_a_row))),
        bank_bits_(std::countr_zero(static_cast<unsigned>(banks))),
        column_mask_(static_cast<unsigned>(bursts_a_row) - 1),
        bank_mask_(static_cast<unsigned>(banks) - 1) {}

  BurstPlace operator()(std::uint64_t burst) const {
    const auto row = static_cast<std::uint32_t>(burst >> (column_bits_ + bank_bits_));
    if (!interleaved_) return {static_cast<int>(burst >> column_bits_ & bank_mask_), row};
    const std::uint64_t column =
        (burst >> bank_bits_ & column_mask_ & ~std::uint64_t{kTogether - 1}) | (burst & (kTogether - 1));
    const std::uint64_t bank = (burst / kTogether ^ column) & bank_mask_;
    return {static_cast<int>(bank), row ^ static_cast<std::uint32_t>(column >> bank_bits_)};
  }

 private:
  static constexpr std::uint64_t kTogether = 4;  // consecutive bursts of one (unfolded) bank

  bool interleaved_;
  int column_bits_, bank_bits_;
  std::uint64_t column_mask_, bank_mask_;
};

}  // namespace leto::model
