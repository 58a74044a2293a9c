#include "model/twin/rounding_edges.h"

#include <bit>

namespace leto::model {
namespace {

/// Magnitudes of a narrow type are whole numbers in the order of their values: its bits.
struct Magnitudes {
  std::uint32_t first_normal, largest;
};

Magnitudes magnitudes_of(DType type) {
  switch (type) {
    case DType::bf16:
      return {0x0080, 0x7f7f};
    case DType::fp16:
      return {0x0400, 0x7bff};
    case DType::e4m3:
      return {0x08, 0x7e};
    default:
      return {0x04, 0x7b};  // e5m2
  }
}

double value_of(DType type, std::uint32_t magnitude) {
  return load_element(type, reinterpret_cast<const std::byte*>(&magnitude), 0);
}

/// The next one; of the largest the one that would follow without an end.
double next_of(DType type, std::uint32_t magnitude, const Magnitudes& all) {
  if (magnitude < all.largest) return value_of(type, magnitude + 1);
  return 2 * value_of(type, magnitude) - value_of(type, magnitude - 1);
}

std::uint32_t magnitude_of(DType type, float x) {
  std::uint32_t bits = 0;
  store_element(type, reinterpret_cast<std::byte*>(&bits), 0, x);
  return bits;
}

}  // namespace

double tie_behind(DType type, std::uint32_t magnitude) {
  return (value_of(type, magnitude) + next_of(type, magnitude, magnitudes_of(type))) / 2;
}

RoundingEdge rounding_edge(std::mt19937_64& random, DType type, bool ordinary) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const Magnitudes all = magnitudes_of(type);
  RoundingEdge edge;
  std::uint32_t magnitude = below(all.largest + 1);
  if (ordinary) {
    const std::uint32_t least = magnitude_of(type, 0x1p-4f);
    magnitude = least + below(magnitude_of(type, 0x1p8f) - least);
  } else if (below(2)) {
    edge.place = static_cast<RoundingPlace>(1 + below(4));
    const std::array<std::uint32_t, 4> kMagnitudes = {0, all.first_normal - 1, all.first_normal, all.largest};
    magnitude = kMagnitudes[static_cast<std::size_t>(edge.place) - 1];
  }
  edge.side = static_cast<RoundingSide>(below(5));
  const bool tie = edge.side <= RoundingSide::above_tie;
  const double at = tie ? tie_behind(type, magnitude) : value_of(type, magnitude);
  edge.bits = std::bit_cast<std::uint32_t>(static_cast<float>(at));
  if (edge.side == RoundingSide::above_tie || edge.side == RoundingSide::above_number) ++edge.bits;
  if (edge.side == RoundingSide::below_tie || (edge.side == RoundingSide::below_number && edge.bits > 0))
    --edge.bits;
  edge.bits |= below(2) << 31;
  return edge;
}

// Half a unit of the larger one's last place, or a little off it.
std::pair<std::uint32_t, std::uint32_t> rounding_terms(std::mt19937_64& random, bool ordinary) {
  constexpr std::uint32_t kHalfUnit = 24;  // binary places below the larger one's first
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const std::uint32_t exponent = ordinary ? 125 + below(8) : kHalfUnit + 2 + below(254 - kHalfUnit - 1);
  const std::uint32_t mantissa = below(4) ? below(1u << 23) : below(2) ? 0 : 0x7fffff;
  const std::uint32_t large = below(2) << 31 | exponent << 23 | mantissa;
  const std::uint32_t half = (exponent - kHalfUnit) << 23;
  const std::uint32_t small = below(2) << 31 | (half + below(3) - 1);
  return below(2) ? std::pair{large, small} : std::pair{small, large};
}

}  // namespace leto::model
