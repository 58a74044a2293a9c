#include "base/dtypes.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "mpfr_oracle.h"

using namespace leto;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

/// A floating-point type as the test sees it: codec, the format behind it and its canonical NaN.
struct Case {
  DType type;
  int bits;
  Format format;
  std::uint32_t nan;
  double largest;
  bool saturates;
};
const std::vector<Case> kCases = {{DType::bf16, 16, {7, 127, 127}, 0x7fc0, 0x1.fep127, false},
                                  {DType::fp16, 16, {10, 15, 15}, 0x7e00, 65504, false},
                                  {DType::e4m3, 8, {3, 7, 8}, 0x7f, 448, true},
                                  {DType::e5m2, 8, {2, 15, 15}, 0x7e, 57344, false}};

std::uint32_t encode(DType type, float x) {
  std::uint32_t bits = 0;
  store_element(type, reinterpret_cast<std::byte*>(&bits), 0, x);
  return bits;
}
float decode(DType type, std::uint32_t bits) {
  return load_element(type, reinterpret_cast<const std::byte*>(&bits), 0);
}

/// What the narrow type holds of x, by MPFR.
double expected(const Case& c, float x) {
  double y = round_to(c.format, x);
  if (c.saturates && std::fabs(y) > c.largest) y = std::copysign(c.largest, y);
  return y;
}

/// Compares value and sign for one input; counts, since a CHECK for each of millions is slow.
bool rounds_as_mpfr(const Case& c, float x) {
  const float got = decode(c.type, encode(c.type, x));
  const double want = expected(c, x);
  return got == want && std::signbit(got) == std::signbit(want);
}

int mismatches(const Case& c, float x) {
  const bool good = rounds_as_mpfr(c, x);
  if (!good) MESSAGE(name_of(c.type), " ", bits_of(x), " gives ", decode(c.type, encode(c.type, x)));
  return good ? 0 : 1;
}

bool is_nan_code(const Case& c, std::uint32_t bits) {
  return std::isnan(decode(c.type, bits));
}

}  // namespace

TEST_CASE("dtypes: names, sizes and kinds") {
  const int sizes[] = {4, 2, 2, 1, 1, 1, 4, 8};
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto type = static_cast<DType>(i);
    CHECK(dtype_from_name(name_of(type)) == type);
    CHECK(size_of(type) == sizes[i]);
    CHECK(is_float(type) == (i < 5));
  }
  CHECK(name_of(DType::e4m3) == "fp8_e4m3");
  CHECK(name_of(DType::e5m2) == "fp8_e5m2");
  CHECK_FALSE(dtype_from_name("float").has_value());
  CHECK_FALSE(dtype_from_name("").has_value());
}

TEST_CASE("dtypes: every code of every narrow type survives the way to fp32 and back") {
  for (const Case& c : kCases) {
    int bad = 0, nans = 0;
    for (std::uint32_t code = 0; code < (1u << c.bits); ++code) {
      const float x = decode(c.type, code);
      if (std::isnan(x)) {
        ++nans;
        bad += bits_of(x) != kCanonicalNan || encode(c.type, x) != c.nan;
      } else {
        bad += encode(c.type, x) != code;
      }
    }
    CAPTURE(name_of(c.type));
    CHECK(bad == 0);
    CHECK(nans == (c.saturates ? 2 : 2 * ((1 << c.format.mantissa) - 1)));
  }
}

TEST_CASE("dtypes: decoded values grow with the code") {
  for (const Case& c : kCases) {
    int bad = 0;
    for (std::uint32_t code = 1; code < (1u << (c.bits - 1)); ++code) {
      if (!is_nan_code(c, code)) bad += !(decode(c.type, code) > decode(c.type, code - 1));
    }
    CHECK(bad == 0);
    CHECK(decode(c.type, 1) == std::ldexp(1.0, 1 - c.format.bias - c.format.mantissa));
    CHECK(decode(c.type, encode(c.type, 1.0f)) == 1.0f);
  }
}

TEST_CASE("dtypes: random floats round as MPFR says") {
  for (const Case& c : kCases) {
    int bad = 0;
    for (std::uint64_t i = 0; i < 300000; ++i) {
      const float x = float_of(static_cast<std::uint32_t>(random_bits(11, 0, i)));
      if (!std::isnan(x)) bad += mismatches(c, x);
    }
    CHECK(bad == 0);
  }
}

TEST_CASE("dtypes: halfway cases and their neighbours round as MPFR says") {
  for (const Case& c : kCases) {
    int bad = 0;
    const std::uint32_t step = c.bits == 16 ? 7 : 1;
    for (std::uint32_t code = 0; code + 1 < (1u << (c.bits - 1)); code += step) {
      const double low = decode(c.type, code), high = decode(c.type, code + 1);
      if (!std::isfinite(low) || !std::isfinite(high)) continue;
      const auto middle = static_cast<float>((low + high) / 2);
      for (const float x : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, kInfinity)}) {
        bad += mismatches(c, x) + mismatches(c, -x);
      }
    }
    CHECK(bad == 0);
  }
}

TEST_CASE("dtypes: overflow, infinities, zeros and NaN") {
  for (const Case& c : kCases) {
    CAPTURE(name_of(c.type));
    const double top = c.saturates ? c.largest : kInfinity;
    CHECK(decode(c.type, encode(c.type, static_cast<float>(c.largest))) == c.largest);
    CHECK(decode(c.type, encode(c.type, kInfinity)) == top);
    CHECK(decode(c.type, encode(c.type, -kInfinity)) == -top);
    CHECK(decode(c.type, encode(c.type, std::numeric_limits<float>::max())) == top);
    CHECK(encode(c.type, kNan) == c.nan);
    CHECK(encode(c.type, -kNan) == c.nan);
    CHECK(encode(c.type, float_of(0x7f800001)) == c.nan);
    CHECK(encode(c.type, float_of(0xffffffff)) == c.nan);
    CHECK(encode(c.type, 0.0f) == 0);
    CHECK(encode(c.type, -0.0f) == 1u << (c.bits - 1));
  }
  CHECK(e4m3_from_float(464.0f) == 0x7e);
  CHECK(e5m2_from_float(61439.0f) == 0x7b);
  CHECK(e5m2_from_float(61440.0f) == 0x7c);
  CHECK(fp16_from_float(65519.0f) == 0x7bff);
  CHECK(fp16_from_float(65520.0f) == 0x7c00);
}

TEST_CASE("dtypes: the named scalar forms are the table's") {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const float x = float_of(static_cast<std::uint32_t>(random_bits(12, 0, i)));
    CHECK(bf16_from_float(x) == encode(DType::bf16, x));
    CHECK(fp16_from_float(x) == encode(DType::fp16, x));
    CHECK(e4m3_from_float(x) == encode(DType::e4m3, x));
    CHECK(e5m2_from_float(x) == encode(DType::e5m2, x));
    const auto code = static_cast<std::uint16_t>(random_bits(12, 1, i));
    const auto byte = static_cast<std::uint8_t>(code);
    CHECK(bits_of(float_from_bf16(code)) == bits_of(decode(DType::bf16, code)));
    CHECK(bits_of(float_from_fp16(code)) == bits_of(decode(DType::fp16, code)));
    CHECK(bits_of(float_from_e4m3(byte)) == bits_of(decode(DType::e4m3, byte)));
    CHECK(bits_of(float_from_e5m2(byte)) == bits_of(decode(DType::e5m2, byte)));
  }
}

TEST_CASE("dtypes: integers truncate, saturate and send NaN to zero") {
  std::int64_t out = 0;
  const auto stored = [&out](DType type, float x) {
    out = 0;
    store_element(type, reinterpret_cast<std::byte*>(&out), 0, x);
    if (type == DType::int8) return static_cast<std::int64_t>(static_cast<std::int8_t>(out));
    return type == DType::int32 ? static_cast<std::int64_t>(static_cast<std::int32_t>(out)) : out;
  };
  for (const DType type : {DType::int8, DType::int32, DType::int64}) {
    CHECK(stored(type, 2.9f) == 2);
    CHECK(stored(type, -2.9f) == -2);
    CHECK(stored(type, -0.5f) == 0);
    CHECK(stored(type, kNan) == 0);
  }
  CHECK(stored(DType::int8, 127.9f) == 127);
  CHECK(stored(DType::int8, 128.0f) == 127);
  CHECK(stored(DType::int8, -128.9f) == -128);
  CHECK(stored(DType::int8, -kInfinity) == -128);
  CHECK(stored(DType::int32, 2147483520.0f) == 2147483520);
  CHECK(stored(DType::int32, 2147483648.0f) == 2147483647);
  CHECK(stored(DType::int32, -2147483648.0f) == -2147483648);
  CHECK(stored(DType::int32, -kInfinity) == -2147483648);
  CHECK(stored(DType::int64, kInfinity) == std::numeric_limits<std::int64_t>::max());
  CHECK(stored(DType::int64, -kInfinity) == std::numeric_limits<std::int64_t>::min());
  CHECK(stored(DType::int64, 0x1.fffffep62f) == 0x7fffff8000000000);
}

TEST_CASE("dtypes: integers load as the nearest float") {
  const std::int32_t odd = 16777219;  // between two floats, nearer to 16777220
  CHECK(load_element(DType::int32, reinterpret_cast<const std::byte*>(&odd), 0) == 16777220.0f);
  const std::int64_t two[] = {-1, (std::int64_t{1} << 40) + 1};
  CHECK(load_element(DType::int64, reinterpret_cast<const std::byte*>(two), 0) == -1.0f);
  CHECK(load_element(DType::int64, reinterpret_cast<const std::byte*>(two), 1) == 0x1p40f);
}

TEST_CASE("dtypes: bulk loops give the scalar bits at any length and alignment") {
  for (int t = 0; t < kDTypeCount; ++t) {
    const auto type = static_cast<DType>(t);
    const auto size = static_cast<std::size_t>(size_of(type));
    for (const std::int64_t n : {0, 1, 7, 33, 1000}) {
      std::vector<float> in(static_cast<std::size_t>(n)), out(in.size());
      for (std::size_t i = 0; i < in.size(); ++i) {
        in[i] = float_of(static_cast<std::uint32_t>(random_bits(13, static_cast<std::uint64_t>(t), i)));
      }
      std::vector<std::byte> bulk(in.size() * size + 2, std::byte{0xa5}), scalar = bulk;
      store_elements(type, in.data(), bulk.data() + 1, n);
      for (std::int64_t i = 0; i < n; ++i)
        store_element(type, scalar.data() + 1, i, in[static_cast<std::size_t>(i)]);
      CHECK(bulk == scalar);
      load_elements(type, bulk.data() + 1, out.data(), n);
      int bad = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        bad += bits_of(out[static_cast<std::size_t>(i)]) != bits_of(load_element(type, bulk.data() + 1, i));
      }
      CHECK(bad == 0);
    }
  }
}

TEST_CASE("dtypes: fp32 passes unchanged") {
  const float x = float_of(0x7f800123);  // a signalling NaN keeps its payload: moving is not arithmetic
  CHECK(encode(DType::fp32, x) == 0x7f800123);
}

TEST_CASE("dtypes: the mean of stochastic rounding over all draws is exact") {
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto x = static_cast<float>(normal(14, 0, i) * std::ldexp(1.0, static_cast<int>(i) * 6 - 60));
    double sum = 0;
    for (std::uint32_t draw = 0; draw < 65536; ++draw) {
      sum += float_from_bf16(bf16_from_float_stochastic(x, static_cast<std::uint16_t>(draw)));
    }
    CHECK(sum / 65536 == static_cast<double>(x));
  }
}

TEST_CASE("dtypes: stochastic rounding keeps exact values and specials, and picks a neighbour") {
  for (const std::uint16_t draw : {0, 1, 0x7fff, 0x8000, 0xffff}) {
    CHECK(bf16_from_float_stochastic(1.5f, draw) == bf16_from_float(1.5f));
    CHECK(bf16_from_float_stochastic(-0.0f, draw) == 0x8000);
    CHECK(bf16_from_float_stochastic(kInfinity, draw) == 0x7f80);
    CHECK(bf16_from_float_stochastic(-kNan, draw) == 0x7fc0);
  }
  const float quarter = float_of(0x3f804000);  // 1/4 of the way from 1 to the next bf16
  CHECK(bf16_from_float_stochastic(quarter, 0xbfff) == 0x3f80);
  CHECK(bf16_from_float_stochastic(quarter, 0xc000) == 0x3f81);
  CHECK(bf16_from_float_stochastic(-quarter, 0xc000) == 0xbf81);
}

TEST_CASE("dtypes: stochastic rounding with the generator's draws has the right mean") {
  const float x = float_of(0x3f801234);
  constexpr int kDraws = 100000;
  double sum = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const auto draw = static_cast<std::uint16_t>(random_bits(15, 3, i));
    sum += float_from_bf16(bf16_from_float_stochastic(x, draw));
  }
  CHECK(std::fabs(sum / kDraws - x) < 4 * 0x1p-7 * 0.5 / std::sqrt(kDraws));  // four standard errors at most
}
