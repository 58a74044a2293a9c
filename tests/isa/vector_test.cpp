#include <bit>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "isa/ops/elementwise.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::bit_cast<float>(0xffc12345u);  // neither quiet default nor positive

// The operation again, said another way: in double where that is exact after one rounding, by cases
// elsewhere.
float oracle(VectorOp op, float a, float b, std::int64_t column) {
  const bool nan = std::isnan(a) || std::isnan(b);
  switch (op) {
    case VectorOp::copy:
      return a;
    case VectorOp::add:
      return static_cast<float>(static_cast<double>(a) + b);
    case VectorOp::subtract:
      return static_cast<float>(static_cast<double>(a) - b);
    case VectorOp::multiply:
      return static_cast<float>(static_cast<double>(a) * b);
    case VectorOp::maximum:
      return nan ? kNan : a == 0 && b == 0 ? (std::signbit(a) ? b : a) : std::fmax(a, b);
    case VectorOp::minimum:
      return nan ? kNan : a == 0 && b == 0 ? (std::signbit(a) ? a : b) : std::fmin(a, b);
    case VectorOp::greater_equal:
      return !nan && !(a < b);
    case VectorOp::greater:
      return !nan && !(a <= b);
    case VectorOp::equal:
      return !nan && !(a < b) && !(a > b);
    case VectorOp::column_is:
      return static_cast<float>(column) == b;
    case VectorOp::reciprocal:
      return static_cast<float>(1.0 / a);
    case VectorOp::square_root:
      return static_cast<float>(std::sqrt(static_cast<double>(a)));
    case VectorOp::reciprocal_square_root:
      return static_cast<float>(1.0 / static_cast<float>(std::sqrt(static_cast<double>(a))));
    case VectorOp::exponential:
      return exponential(a);
    case VectorOp::logarithm:
      return logarithm(a);
    case VectorOp::tanh:
      return hyperbolic_tangent(a);
    case VectorOp::erf:
      return error_function(a);
    case VectorOp::sigmoid:
      return sigmoid(a);
    case VectorOp::absolute:
      return std::fabs(a);
    case VectorOp::negate:
      return -a;
    case VectorOp::relu:
      return std::isnan(a) ? a : a > 0 ? a : 0.0f;
    case VectorOp::keep:
      return b == 0 ? std::copysign(0.0f, -1.0f) : a;
  }
  return 0;
}

struct Case {
  VectorOp op;
  std::int64_t rows, columns;
  DType dst, a, b;
  Broadcast a_mode, b_mode;
  Reduce reduce;
  bool accumulate;
  float value;
  std::int64_t gap;  // bytes between rows
};

std::int64_t pitch(const Case& c, DType type) {
  return c.columns * size_of(type) + c.gap;
}

float element(const Case& c, DType type, Broadcast mode, const std::byte* data, std::int64_t r,
              std::int64_t column) {
  switch (mode) {
    case Broadcast::full:
      return load_element(type, data + r * pitch(c, type), column);
    case Broadcast::row:
      return load_element(type, data, column);
    case Broadcast::column:
      return load_element(type, data + r * pitch(c, type), 0);
    default:
      return c.value;
  }
}

constexpr std::int64_t kFirstColumn = 2;

std::vector<std::byte> expected(const Case& c, std::vector<std::byte> dst, const std::byte* a,
                                const std::byte* b) {
  const std::int64_t step = pitch(c, c.dst);
  std::vector<float> sums(static_cast<std::size_t>(c.columns));
  for (std::int64_t r = 0; r < c.rows; ++r) {
    float row = 0;
    for (std::int64_t column = 0; column < c.columns; ++column) {
      const float x = canonical(oracle(c.op, element(c, c.a, c.a_mode, a, r, column),
                                       element(c, c.b, c.b_mode, b, r, column), kFirstColumn + column));
      if (c.reduce == Reduce::none) store_element(c.dst, dst.data() + r * step, column, x);
      float& acc = c.reduce == Reduce::column_sum ? sums[static_cast<std::size_t>(column)] : row;
      const std::int64_t position = c.reduce == Reduce::column_sum ? r : column;
      const float old = c.reduce == Reduce::column_sum ? load_element(c.dst, dst.data(), column)
                                                       : load_element(c.dst, dst.data() + r * step, 0);
      if (position == 0 && !c.accumulate) {
        acc = x;
        continue;
      }
      if (position == 0) acc = old;
      acc = c.reduce == Reduce::row_max ? oracle(VectorOp::maximum, acc, x, 0) : acc + x;
    }
    if (c.reduce == Reduce::row_sum || c.reduce == Reduce::row_max)
      store_element(c.dst, dst.data() + r * step, 0, canonical(row));
  }
  for (std::int64_t column = 0; c.reduce == Reduce::column_sum && column < c.columns; ++column)
    store_element(c.dst, dst.data(), column, canonical(sums[static_cast<std::size_t>(column)]));
  return dst;
}

Command vector(const Case& c) {
  const auto name = [](FieldKind kind, auto value) {
    return enumerators(kind)[static_cast<std::size_t>(value)];
  };
  return command(
      fmt::format("vector op={} dst=b2 dst_type={} a=b0 a_type={} a_mode={} b=b1 b_type={} b_mode={} "
                  "reduce={} accumulate={} value={} shape=r10",
                  name(FieldKind::vector_op, c.op), name_of(c.dst), name_of(c.a),
                  name(FieldKind::broadcast, c.a_mode), name_of(c.b), name(FieldKind::broadcast, c.b_mode),
                  name(FieldKind::reduce, c.reduce), int{c.accumulate}, c.value),
      {c.rows, c.columns, pitch(c, c.dst), pitch(c, c.a), pitch(c, c.b), kFirstColumn});
}

constexpr std::int64_t kBytes = 4096;

// Operands with the values that matter mixed in; integers where the type is one.
void fill_operand(std::byte* to, DType type, Random& random) {
  constexpr float kSpecial[] = {0.0f, -0.0f, 1.0f, -1.0f, kInf, -kInf, 1e-40f, -3e38f, 2.0f, 3.0f};
  for (std::int64_t i = 0; i < kBytes / size_of(type); ++i) {
    const std::int64_t pick = random.below(40);
    store_element(type, to, i, pick < 10 ? kSpecial[pick] : pick == 10 ? kNan : random.real() * 4);
  }
}

void check_case(const Case& c, Random& random) {
  Bench bench;
  for (int id = 0; id < 3; ++id) bench.define(id, id * static_cast<int>(kBytes), static_cast<int>(kBytes), 0);
  fill_operand(bench.bytes(0, kBytes), c.a, random);
  fill_operand(bench.bytes(1, kBytes), c.b, random);
  fill_operand(bench.bytes(2, kBytes), c.dst, random);
  const std::vector<std::byte> before(bench.bytes(2, kBytes), bench.bytes(2, kBytes) + kBytes);
  const auto want = expected(c, before, bench.bytes(0, kBytes), bench.bytes(1, kBytes));
  bench.run(vector(c));
  REQUIRE_MESSAGE(std::memcmp(want.data(), bench.bytes(2, kBytes), kBytes) == 0, "op ",
                  static_cast<int>(c.op), " reduce ", static_cast<int>(c.reduce));
}

float one(VectorOp op, float a, float b = 0) {
  float y;
  ops::elementwise(op, &a, &b, 0, &y, 1);
  return y;
}

}  // namespace

TEST_CASE("a vector pass is the oracle, for every operation, type, mode and reduction") {
  constexpr DType kTypes[] = {DType::fp32, DType::bf16, DType::fp16,  DType::e4m3,
                              DType::e5m2, DType::int8, DType::int32, DType::int64};
  Random random{7};
  for (int op = 0; op < kVectorOps; ++op)
    for (int i = 0; i < 150; ++i) {
      const auto reduce = static_cast<Reduce>(random.below(4));
      check_case({static_cast<VectorOp>(op), 1 + random.below(9), 1 + random.below(20),
                  kTypes[random.below(8)], kTypes[random.below(8)], kTypes[random.below(8)],
                  static_cast<Broadcast>(random.below(4)), static_cast<Broadcast>(random.below(4)), reduce,
                  reduce != Reduce::none && random.below(2) == 1, random.real(), random.below(3) ? 0 : 5},
                 random);
    }
}

TEST_CASE("maximum and minimum order the zeros and pass NaN on, canonical") {
  CHECK(same_bits(one(VectorOp::maximum, -0.0f, 0.0f), 0.0f));
  CHECK(same_bits(one(VectorOp::maximum, 0.0f, -0.0f), 0.0f));
  CHECK(same_bits(one(VectorOp::minimum, 0.0f, -0.0f), -0.0f));
  CHECK(same_bits(one(VectorOp::relu, -0.0f), 0.0f));
  const float canonical_nan = std::bit_cast<float>(kCanonicalNan);
  for (VectorOp op : {VectorOp::maximum, VectorOp::minimum, VectorOp::add}) {
    CHECK(same_bits(one(op, kNan, 1.0f), canonical_nan));
    CHECK(same_bits(one(op, 1.0f, kNan), canonical_nan));
  }
  for (VectorOp op : {VectorOp::copy, VectorOp::negate, VectorOp::absolute, VectorOp::relu,
                      VectorOp::square_root, VectorOp::erf})
    CHECK(same_bits(one(op, kNan), canonical_nan));
  CHECK(one(VectorOp::equal, kNan, kNan) == 0);
  CHECK(one(VectorOp::greater_equal, kNan, 0) == 0);
}

TEST_CASE("the errors in the manual bound the measured ones") {
  struct Function {
    VectorOp op;
    double (*exact)(double);
    float low, high;  // inputs drawn between
  };
  const Function functions[] = {
      {VectorOp::reciprocal, [](double x) { return 1 / x; }, 1e-37f, 1e37f},
      {VectorOp::square_root, [](double x) { return std::sqrt(x); }, 1e-44f, 3e38f},
      {VectorOp::reciprocal_square_root, [](double x) { return 1 / std::sqrt(x); }, 1e-44f, 3e38f},
      {VectorOp::exponential, [](double x) { return std::exp(x); }, 1e-6f, 88.0f},
      {VectorOp::logarithm, [](double x) { return std::log(x); }, 1e-44f, 3e38f},
      {VectorOp::tanh, [](double x) { return std::tanh(x); }, 1e-30f, 20.0f},
      {VectorOp::erf, [](double x) { return std::erf(x); }, 1e-30f, 10.0f},
      {VectorOp::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 1e-6f, 80.0f},
  };
  for (const Function& f : functions) {
    Random random{8};
    const auto low = std::bit_cast<std::uint32_t>(f.low), high = std::bit_cast<std::uint32_t>(f.high);
    const bool both_signs = f.op >= VectorOp::exponential && f.op != VectorOp::logarithm;
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
      const std::uint32_t sign = both_signs && random.below(2) ? 0x80000000u : 0;
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(low + random.below(high - low)) | sign);
      const double exact = f.exact(x);
      const double ulp = std::ldexp(1.0, std::max(std::ilogb(exact), -126) - 23);
      worst = std::max(worst, std::fabs(one(f.op, x) - exact) / ulp);
    }
    MESSAGE(enumerators(FieldKind::vector_op)[static_cast<std::size_t>(f.op)], ": ", worst, " ULP");
    CHECK(worst <= ops::numerics_of(f.op).max_ulp);
  }
}

TEST_CASE("a pass may write over its operand") {
  Bench b;
  b.define(0, 0, 64, 0);
  for (int i = 0; i < 16; ++i) b.as<float>(0, 16)[i] = static_cast<float>(i);
  b.run(command("vector op=multiply dst=b0 a=b0 b=b0 shape=r10", {4, 4, 16, 16, 16, 0}));
  for (int i = 0; i < 16; ++i) CHECK(b.as<float>(0, 16)[i] == static_cast<float>(i * i));
}

TEST_CASE("reductions over nothing give their neutral element") {
  Bench b;
  b.define(0, 0, 64, 0);
  b.as<float>(0, 2)[0] = b.as<float>(0, 2)[1] = 7;
  b.run(command("vector op=copy dst=b0 a=b0 reduce=row_sum shape=r10", {1, 0, 4, 4, 0, 0}));
  CHECK(b.as<float>(0, 2)[0] == 0);
  b.run(command("vector op=copy dst=b0 a=b0 reduce=row_max shape=r10", {1, 0, 4, 4, 0, 0}));
  CHECK(b.as<float>(0, 2)[0] == -kInf);
  b.run(command("vector op=copy dst=b0 a=b0 reduce=column_sum shape=r10", {0, 2, 4, 4, 0, 0}));
  CHECK(b.as<float>(0, 2)[1] == 0);
}
