#include "base/dtypes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/dispatch.h"

namespace leto {
namespace {

struct TypeRow {
  std::string_view name;
  int bytes;
  bool is_float;
};
constexpr std::array<TypeRow, kDTypeCount> kTypes = {{{"fp32", 4, true},
                                                      {"bf16", 2, true},
                                                      {"fp16", 2, true},
                                                      {"fp8_e4m3", 1, true},
                                                      {"fp8_e5m2", 1, true},
                                                      {"int8", 1, false},
                                                      {"int32", 4, false},
                                                      {"int64", 8, false}}};

const TypeRow& row_of(DType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

LETO_INLINE std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
LETO_INLINE float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

constexpr std::uint32_t kSign = 0x80000000u;
constexpr std::uint32_t kInfinity = 0x7f800000u;
constexpr int kFloatBias = 127;
constexpr int kFloatMantissa = 23;

// Every codec below is branch-free, so that the bulk loops become vector instructions.

struct Fp32 {
  using Bits = float;
  static LETO_INLINE float decode(float x) { return x; }
  static LETO_INLINE float encode(float x) { return x; }
};

struct Bf16 {
  using Bits = std::uint16_t;
  static LETO_INLINE float decode(Bits b) {
    const float x = float_of(std::uint32_t{b} << 16);
    return x == x ? x : float_of(kCanonicalNan);
  }
  static LETO_INLINE Bits encode(float x) {
    const std::uint32_t bits = bits_of(x);
    const std::uint32_t rounded =
        (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // half up, or half down if already even
    return static_cast<Bits>((bits & ~kSign) > kInfinity ? kCanonicalNan >> 16 : rounded);
  }
};

/// A format of at most 16 bits with sign, exponent, mantissa and subnormals. Overflow: what a magnitude that
/// rounds beyond kLargest becomes. kNan: its canonical NaN. kInfinities: exponent of all ones means infinity
/// or NaN.
template <class BitsType, int kMantissa, int kBias, std::uint32_t kLargest, std::uint32_t kOverflow,
          std::uint32_t kNan, bool kInfinities>
struct Narrow {
  using Bits = BitsType;
  static constexpr int kShift = kFloatMantissa - kMantissa;
  static constexpr std::uint32_t kRebias = std::uint32_t{kFloatBias - kBias} << kFloatMantissa;
  static constexpr int kSignShift = 32 - 8 * static_cast<int>(sizeof(Bits));
  static constexpr std::uint32_t kMagnitude = (1u << (31 - kSignShift)) - 1;
  /// A power of two whose last place is the smallest subnormal: adding it rounds a subnormal in the fp32
  /// adder.
  static constexpr std::uint32_t kRounder =
      static_cast<std::uint32_t>(kFloatBias + 1 - kBias - kMantissa + kFloatMantissa) << kFloatMantissa;
  static constexpr std::uint32_t kSmallestNormal = kRebias + (1u << kFloatMantissa);

  static LETO_INLINE Bits encode(float x) {
    const std::uint32_t magnitude = bits_of(x) & ~kSign;
    const std::uint32_t odd = (magnitude >> kShift) & 1;
    const std::uint32_t normal = (magnitude - kRebias + (1u << (kShift - 1)) - 1 + odd) >> kShift;
    const std::uint32_t subnormal = bits_of(float_of(magnitude) + float_of(kRounder)) - kRounder;
    std::uint32_t result = magnitude < kSmallestNormal ? subnormal : normal;
    result = result > kLargest ? kOverflow : result;
    result |= (bits_of(x) & kSign) >> kSignShift;
    return static_cast<Bits>(magnitude > kInfinity ? kNan : result);
  }

  static LETO_INLINE float decode(Bits b) {
    const std::uint32_t magnitude = b & kMagnitude;
    // Placed low in the exponent range and scaled by a power of two: exact, subnormals included.
    const float scaled =
        float_of(magnitude << kShift) * float_of(std::uint32_t{2 * kFloatBias - kBias} << kFloatMantissa);
    std::uint32_t result = bits_of(scaled);
    if (kInfinities) result = magnitude > kLargest ? kInfinity : result;
    result |= (std::uint32_t{b} << kSignShift) & kSign;
    const bool nan = kInfinities ? magnitude > kOverflow : magnitude == kNan;
    return float_of(nan ? kCanonicalNan : result);
  }
};

using Fp16 = Narrow<std::uint16_t, 10, 15, 0x7bff, 0x7c00, 0x7e00, true>;
using E5m2 = Narrow<std::uint8_t, 2, 15, 0x7b, 0x7c, 0x7e, true>;
using E4m3 = Narrow<std::uint8_t, 3, 7, 0x7e, 0x7e, 0x7f, false>;

/// Integers: nearest float one way, truncation with saturation the other, NaN to 0.
template <class Integer>
struct Whole {
  using Bits = Integer;
  static LETO_INLINE float decode(Integer i) { return static_cast<float>(i); }
  static LETO_INLINE Integer encode(float x) {
    using Limits = std::numeric_limits<Integer>;
    constexpr float kPast = -static_cast<float>(Limits::min());  // one above the maximum, a power of two
    if (x >= kPast) return Limits::max();
    if (x < -kPast) return Limits::min();
    return x == x ? static_cast<Integer>(x) : Integer{0};
  }
};

struct Decode {
  template <class Codec>
  LETO_INLINE void operator()(Codec, const std::byte* from, float* to, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) {
      typename Codec::Bits bits;
      std::memcpy(&bits, from + i * static_cast<std::int64_t>(sizeof bits), sizeof bits);
      to[i] = Codec::decode(bits);
    }
  }
};

struct Encode {
  template <class Codec>
  LETO_INLINE void operator()(Codec, const float* from, std::byte* to, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const typename Codec::Bits bits = Codec::encode(from[i]);
      std::memcpy(to + i * static_cast<std::int64_t>(sizeof bits), &bits, sizeof bits);
    }
  }
};

/// Calls f with the codec of a type.
template <class F>
void with_codec(DType type, F f) {
  switch (type) {
    case DType::fp32:
      return f(Fp32{});
    case DType::bf16:
      return f(Bf16{});
    case DType::fp16:
      return f(Fp16{});
    case DType::e4m3:
      return f(E4m3{});
    case DType::e5m2:
      return f(E5m2{});
    case DType::int8:
      return f(Whole<std::int8_t>{});
    case DType::int32:
      return f(Whole<std::int32_t>{});
    case DType::int64:
      return f(Whole<std::int64_t>{});
  }
}

}  // namespace

int size_of(DType type) {
  return row_of(type).bytes;
}
std::string_view name_of(DType type) {
  return row_of(type).name;
}
bool is_float(DType type) {
  return row_of(type).is_float;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (int i = 0; i < kDTypeCount; ++i) {
    if (name_of(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::uint16_t bf16_from_float(float x) {
  return Bf16::encode(x);
}
float float_from_bf16(std::uint16_t bits) {
  return Bf16::decode(bits);
}
std::uint16_t fp16_from_float(float x) {
  return Fp16::encode(x);
}
float float_from_fp16(std::uint16_t bits) {
  return Fp16::decode(bits);
}
std::uint8_t e4m3_from_float(float x) {
  return E4m3::encode(x);
}
float float_from_e4m3(std::uint8_t bits) {
  return E4m3::decode(bits);
}
std::uint8_t e5m2_from_float(float x) {
  return E5m2::encode(x);
}
float float_from_e5m2(std::uint8_t bits) {
  return E5m2::decode(bits);
}

std::uint16_t bf16_from_float_stochastic(float x, std::uint16_t draw) {
  const std::uint32_t bits = bits_of(x);
  const bool finite = (bits & kInfinity) != kInfinity;
  return finite ? static_cast<std::uint16_t>((bits + draw) >> 16) : Bf16::encode(x);
}

float load_element(DType type, const std::byte* base, std::int64_t i) {
  float x = 0;
  with_codec(type, [&](auto codec) { Decode{}(codec, base + i * size_of(type), &x, 1); });
  return x;
}

void store_element(DType type, std::byte* base, std::int64_t i, float x) {
  with_codec(type, [&](auto codec) { Encode{}(codec, &x, base + i * size_of(type), 1); });
}

void load_elements(DType type, const std::byte* from, float* to, std::int64_t n) {
  with_codec(type, [=](auto codec) { run_kernel(Decode{}, best_path(), codec, from, to, n); });
}

void store_elements(DType type, const float* from, std::byte* to, std::int64_t n) {
  with_codec(type, [=](auto codec) { run_kernel(Encode{}, best_path(), codec, from, to, n); });
}

}  // namespace leto
