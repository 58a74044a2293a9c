// fp32 numbers where a conversion to a narrower type or an addition of two decides by its last bit: ties, and
// one unit to either side of them.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <utility>

#include "base/dtypes.h"

namespace leto::model {

/// Where between two neighbours of the narrow type, in units of fp32's last place.
enum class RoundingSide : std::uint8_t { below_tie, tie, above_tie, above_number, below_number };
inline constexpr std::array<std::string_view, 5> kRoundingSides = {"below a tie", "a tie", "above a tie",
                                                                   "above a number", "below a number"};
/// Which neighbours: any, or those at an end of the type.
enum class RoundingPlace : std::uint8_t { anywhere, zero, last_subnormal, first_normal, overflow };
inline constexpr std::array<std::string_view, 5> kRoundingPlaces = {
    "anywhere", "at zero", "at the last subnormal", "at the first normal", "at overflow"};

struct RoundingEdge {
  std::uint32_t bits = 0;  // of an fp32, of either sign
  RoundingPlace place = RoundingPlace::anywhere;
  RoundingSide side = RoundingSide::tie;
};

/// A random one of a conversion to `type`, a floating type narrower than fp32. `ordinary`: of a size from
/// 2^-4 to 2^8, which is normal in every type.
RoundingEdge rounding_edge(std::mt19937_64& random, DType type, bool ordinary = false);

/// The tie between a number of `type` and the next one away from zero; `magnitude`: its bits without sign.
double tie_behind(DType type, std::uint32_t magnitude);

/// Two numbers whose sum is a tie of fp32, or as near to one as two can bring it.
std::pair<std::uint32_t, std::uint32_t> rounding_terms(std::mt19937_64& random, bool ordinary = false);

}  // namespace leto::model
