// Elements of up to 32 bits that lie one behind the other in a pin.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leto::model {

/// Element `index` of a packed pin of elements of `bits`.
inline void put(std::uint32_t* pin, std::size_t index, int bits, std::uint32_t value) {
  for (int bit = 0; bit < bits; ++bit) {
    const std::size_t at = index * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
    const std::uint32_t mask = 1u << at % 32;
    pin[at / 32] = (value >> bit & 1) != 0 ? pin[at / 32] | mask : pin[at / 32] & ~mask;
  }
}

inline std::uint32_t get(const std::uint32_t* pin, std::size_t index, int bits) {
  std::uint32_t value = 0;
  for (int bit = 0; bit < bits; ++bit) {
    const std::size_t at = index * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
    value |= (pin[at / 32] >> at % 32 & 1) << bit;
  }
  return value;
}

}  // namespace leto::model
