// What the passes need to know about an operation beyond its meaning (ops.inc): its arity and its group.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

/// Inputs that ops.inc states; -1 = one or more.
int arity(Op op);

/// add, sub, … eq: two operands that broadcast.
bool is_binary(Op op);
/// cast, reciprocal, … relu: one operand, same shape.
bool is_unary(Op op);
inline bool is_elementwise(Op op) {
  return is_binary(op) || is_unary(op);
}
bool is_reduction(Op op);
/// reshape … expand: elements keep their bits (gather and scatter_add are not in this group).
bool is_movement(Op op);
/// What decompose lowers: div … attention_dq.
bool is_composite(Op op);
bool is_attention(Op op);

/// Shape of a broadcast as ONNX defines it; empty optional when the shapes do not fit.
std::optional<std::vector<std::int64_t>> broadcast_shapes(const std::vector<std::int64_t>& a,
                                                          const std::vector<std::int64_t>& b);
/// Output extent of a window: (size + pads - dilation * (kernel - 1) - 1) / stride + 1; zero or less when it
/// does not fit.
std::int64_t window_extent(std::int64_t size, std::int64_t pads, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation);

}  // namespace leto::compiler
