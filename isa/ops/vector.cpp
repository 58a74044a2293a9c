// vector: row by row, each operand widened to an fp32 row, one operation, then a store or a reduction. dst
// may be the very bytes of an operand; a partial overlap has no defined result.
#include <algorithm>
#include <bit>
#include <limits>

#include "isa/ops/elementwise.h"
#include "isa/ops/ops.h"

namespace leto::isa::ops {
namespace {

using F = vector_t;

// One operand as a source of fp32 rows.
class Source {
 public:
  Source(float immediate, std::int64_t columns)
      : mode_(Broadcast::immediate), row_(static_cast<std::size_t>(columns), immediate) {}
  Source(Broadcast mode, const std::byte* data, DType type, std::int64_t pitch, std::int64_t columns)
      : mode_(mode), data_(data), type_(type), pitch_(pitch), row_(static_cast<std::size_t>(columns)) {
    if (mode == Broadcast::row) load_elements(type_, data_, row_.data(), columns);
  }

  const float* row(std::int64_t r) {
    const auto columns = static_cast<std::int64_t>(row_.size());
    if (mode_ == Broadcast::full) load_elements(type_, data_ + r * pitch_, row_.data(), columns);
    if (mode_ == Broadcast::column) std::ranges::fill(row_, load_element(type_, data_ + r * pitch_, 0));
    return row_.data();
  }

 private:
  Broadcast mode_;
  const std::byte* data_ = nullptr;
  DType type_ = DType::fp32;
  std::int64_t pitch_ = 0;
  std::vector<float> row_;
};

// The command's extents, after folding dense rows into one.
struct Extents {
  std::int64_t rows, columns;
};

bool dense(const Command& command, int type, int mode, std::int64_t pitch) {
  const auto broadcast = static_cast<Broadcast>(command[mode]);
  return broadcast == Broadcast::immediate ||
         (broadcast == Broadcast::full && pitch == command.shape[1] * size_of(command.dtype(type)));
}

// A tile without gaps and without broadcasts is one long row: short rows would pay the row overhead.
Extents extents_of(const Command& command) {
  const auto& s = command.shape;
  const auto op = static_cast<VectorOp>(command[F::op]);
  const bool one_row = static_cast<Reduce>(command[F::reduce]) == Reduce::none && op != VectorOp::column_is &&
                       s[2] == s[1] * size_of(command.dtype(F::dst_type)) &&
                       dense(command, F::a_type, F::a_mode, s[3]) &&
                       (!is_binary(op) || dense(command, F::b_type, F::b_mode, s[4]));
  return one_row ? Extents{1, s[0] * s[1]} : Extents{s[0], s[1]};
}

// Which fields and which shape entry describe an operand.
struct Fields {
  int type, mode, pitch;
};
constexpr Fields kA{F::a_type, F::a_mode, 3}, kB{F::b_type, F::b_mode, 4};

Source source_of(const Command& command, PeState& pe, const Fields& fields, std::int64_t columns, int index) {
  const std::byte* data =
      pe.at(operands_of(command).item[static_cast<std::size_t>(index)], footprint(command, index));
  return {static_cast<Broadcast>(command[fields.mode]), data, command.dtype(fields.type),
          command.shape[static_cast<std::size_t>(fields.pitch)], columns};
}

// An operand that is not read from a buffer: the immediate, or unused.
Source immediate_of(const Command& command, std::int64_t columns) {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(command[F::value])), columns};
}

// Where results go.
class Result {
 public:
  Result(const Command& command, PeState& pe)
      : data_(pe.at(operands_of(command).item[0], footprint(command, 0))),
        type_(command.dtype(F::dst_type)),
        pitch_(command.shape[2]),
        accumulate_(command[F::accumulate] != 0) {}

  void store_row(std::int64_t r, const float* values, std::int64_t n) {
    store_elements(type_, values, data_ + r * pitch_, n);
  }
  void reduce_row(std::int64_t r, const float* values, std::int64_t n, bool sum) {
    std::byte* at = data_ + r * pitch_;
    const float empty = sum ? 0.0f : -std::numeric_limits<float>::infinity();
    std::int64_t c = accumulate_ || n == 0 ? 0 : 1;
    float acc = accumulate_ ? load_element(type_, at, 0) : n == 0 ? empty : values[0];
    for (; c < n; ++c) acc = sum ? acc + values[c] : maximum(acc, values[c]);
    store_element(type_, at, 0, canonical(acc));
  }
  /// The sums that column_sum starts from, and where it leaves them.
  std::vector<float> columns(std::int64_t n) const {
    std::vector<float> sums(static_cast<std::size_t>(n), 0.0f);
    if (accumulate_) load_elements(type_, data_, sums.data(), n);
    return sums;
  }
  void store_columns(std::vector<float>& sums) {
    for (float& sum : sums) sum = canonical(sum);
    store_elements(type_, sums.data(), data_, static_cast<std::int64_t>(sums.size()));
  }
  bool accumulate() const { return accumulate_; }

 private:
  std::byte* data_;
  DType type_;
  std::int64_t pitch_;
  bool accumulate_;
};

// Sums start at the first row's value, not at zero: 0 + (-0) would lose a sign.
void add_row(std::vector<float>& sums, const float* values, bool start) {
  for (std::size_t c = 0; c < sums.size(); ++c) sums[c] = start ? values[c] : sums[c] + values[c];
}

}  // namespace

void vector(const Command& command, PeState& pe) {
  const auto op = static_cast<VectorOp>(command[F::op]);
  const auto reduce = static_cast<Reduce>(command[F::reduce]);
  const auto [rows, columns] = extents_of(command);
  const bool from_a = reads_a(command), from_b = reads_b(command);
  Source a = from_a ? source_of(command, pe, kA, columns, 1) : immediate_of(command, columns);
  Source b = from_b ? source_of(command, pe, kB, columns, from_a ? 2 : 1) : immediate_of(command, columns);
  Result result(command, pe);
  std::vector<float> values(static_cast<std::size_t>(columns));
  std::vector<float> sums = reduce == Reduce::column_sum ? result.columns(columns) : std::vector<float>{};
  for (std::int64_t r = 0; r < rows; ++r) {
    elementwise(op, a.row(r), b.row(r), command.shape[5], values.data(), columns);
    switch (reduce) {
      case Reduce::none:
        result.store_row(r, values.data(), columns);
        break;
      case Reduce::column_sum:
        add_row(sums, values.data(), r == 0 && !result.accumulate());
        break;
      default:
        result.reduce_row(r, values.data(), columns, reduce == Reduce::row_sum);
    }
  }
  if (reduce == Reduce::column_sum) result.store_columns(sums);
}

}  // namespace leto::isa::ops
