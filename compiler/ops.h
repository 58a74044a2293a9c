// What the passes need to know about an operation beyond its meaning: the columns of ops.inc.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

enum class ShapeRule : std::uint8_t {
  same,
  broadcast,
  classes,
  reduction,
  first_of_row,
  leading,
  matmul,
  reshape,
  transpose,
  slice,
  embed,
  concat,
  expand,
  gather,
  embedding_bag,
  pinned_bag,
  weighted_bag,
  quantised_bag,
  weighted_rows,
  scatter_add,
  sort_lookups,
  updated_rows,
  rows,
  layernorm,
  rmsnorm,
  scores,
  pair,
  conv,
  pool,
  attention,
  scores_product
};
enum class TypeRule : std::uint8_t { chosen, exact, mask, fp32, int64 };
enum class Slope : std::uint8_t { smooth, flat, windows, gradient };
enum class OnChip : std::uint8_t { engine, composite, none };

struct OpFacts {
  std::string_view name;
  int arity;  // -1 = one or more
  ShapeRule shape;
  TypeRule type;
  Slope slope;
  OnChip chip;
  std::string_view meaning;
};
const OpFacts& facts(Op op);
/// Every operation, in the table's order.
std::vector<Op> all_ops();

/// add, sub, … eq, div, pow: two operands that broadcast.
bool is_binary(Op op);
/// cast, reciprocal, … gelu: one operand, same shape.
bool is_unary(Op op);
/// Element by element: unary, binary and select.
bool is_elementwise(Op op);
bool is_reduction(Op op);
/// reshape … expand: elements keep their bits (gather and scatter_add are not in this group).
bool is_movement(Op op);
/// embedding_bag and its variants, each a sum of looked-up rows: a negative index names none.
bool is_bag(Op op);
/// attention and the operations of its gradient.
bool is_attention(Op op);
/// Does decompose take this node apart?
bool is_composite(const Graph& graph, const Node& node);
/// An exponent that pow has on the chip.
bool is_simple_power(const Value& exponent);

/// Shape of a broadcast as ONNX defines it; empty optional when the shapes do not fit.
std::optional<std::vector<std::int64_t>> broadcast_shapes(const std::vector<std::int64_t>& a,
                                                          const std::vector<std::int64_t>& b);
/// Output extent of a window: (size + pads - dilation * (kernel - 1) - 1) / stride + 1; zero or less when it
/// does not fit.
std::int64_t window_extent(std::int64_t size, std::int64_t pads, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation);

}  // namespace leto::compiler
