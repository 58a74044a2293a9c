// What each operation computes, on dense row-major fp32 arrays: the reference interpreter's semantics.
//
// Everything is arithmetic in fp32 in the order that ops.inc states; the caller rounds the result to the
// output's type. Composite operations are written as the formulas that decompose lowers them to, without its
// intermediate roundings. No attention to speed beyond loop order.
#pragma once

#include <vector>

#include "compiler/graph.h"

namespace leto::compiler::reference {

using Array = std::vector<float>;

/// An operand: its type and its numbers.
struct Operand {
  const Type& type;
  const Array& data;
};

/// Computes `node` whose result has type `out`; before rounding to it.
Array compute(const Node& node, const Type& out, const std::vector<Operand>& in);

// The groups, one file each.
Array elementwise(const Node& node, const Type& out, const std::vector<Operand>& in);
Array reduce(const Node& node, const Type& out, const Operand& x);
Array matmul(const Node& node, const Type& out, const Operand& a, const Operand& b);
Array movement(const Node& node, const Type& out, const std::vector<Operand>& in);
Array composite(const Node& node, const Type& out, const std::vector<Operand>& in);
Array attention(const Node& node, const Type& out, const std::vector<Operand>& in);

/// Rounds to what memory of this type holds (RNE; integers truncate and saturate).
void round_to(DType type, Array& data);

/// Row-major strides in elements.
std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape);

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
