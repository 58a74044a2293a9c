// What each operation computes, on dense row-major arrays: the reference interpreter's semantics.
//
// T = float is the golden: arithmetic in fp32 in the order that ops.inc states, the transcendental functions
// as base/math.h defines them; the caller rounds the result to the output's type. T = double is the same
// formulas in fp64, for constants that are folded at import and for checking gradients. Composite operations
// are written as the formulas that decompose lowers them to, without its intermediate roundings. No attention
// to speed beyond loop order.
#pragma once

#include <vector>

#include "compiler/graph.h"

namespace leto::compiler::reference {

template <class T>
using Array = std::vector<T>;

/// An operand: its type and its numbers.
template <class T>
struct Operand {
  const Type& type;
  const Array<T>& data;
};

/// An operation to compute: the node, the type of its result, its operands.
template <class T>
struct Call {
  const Node& node;
  const Type& out;
  const std::vector<Operand<T>>& in;

  std::size_t size() const { return static_cast<std::size_t>(elements(out)); }
  const Array<T>& x(std::size_t i = 0) const { return in[i].data; }
  const std::vector<std::int64_t>& shape(std::size_t i = 0) const { return in[i].type.shape; }
};

/// The result before it is rounded to its type. For float and double.
template <class T>
Array<T> compute(const Call<T>& call);

/// Rounds to what memory of this type holds (RNE; integers truncate and saturate).
void round_to(DType type, Array<float>& data);
/// The same but for the fractions of floats, which fp64 keeps.
void round_to(DType type, Array<double>& data);

/// Row-major strides in elements.
std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape);
/// Strides that walk an operand of shape `from` in step with `shape`, 0 where it is broadcast.
std::vector<std::int64_t> broadcast_strides(const std::vector<std::int64_t>& from,
                                            const std::vector<std::int64_t>& shape);

/// Calls visit(i, offset) for every index of `shape` in row-major order: i counts, offset is
/// base + sum(index * strides).
template <class F>
void for_each(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
              std::int64_t base, F visit) {
  const std::size_t rank = shape.size();
  std::int64_t n = 1;
  for (const std::int64_t d : shape) {
    n *= d;
  }
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t offset = base;
  for (std::int64_t i = 0; i < n; ++i) {
    visit(static_cast<std::size_t>(i), static_cast<std::size_t>(offset));
    for (std::size_t d = rank; d-- > 0;) {
      offset += strides[d];
      if (++index[d] < shape[d]) {
        break;
      }
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

}  // namespace leto::compiler::reference
