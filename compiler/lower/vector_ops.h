// What the vector engine makes of graph operations.
#pragma once

#include <optional>

#include "compiler/graph.h"
#include "compiler/lower/view.h"
#include "isa/instruction.h"

namespace leto::compiler {

/// reshape, transpose, slice, expand: views of their operand.
bool is_view_op(Op op);
/// The operation of one pass; nothing for operations that are not elementwise.
std::optional<isa::VectorOp> vector_op(Op op);
/// A reduction over the last dim: one number a row.
bool is_row_reduce(const Graph& graph, const Node& node);
inline bool is_fusable(const Graph& graph, const Node& node) {
  return vector_op(node.op) || is_row_reduce(graph, node);
}

/// Rows and columns of an iteration space; scalars are 1 x 1.
struct Space {
  std::int64_t rows, columns;
  bool operator==(const Space&) const = default;
};
Space space_of(const Dims& shape);

}  // namespace leto::compiler
