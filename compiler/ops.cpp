#include "compiler/ops.h"

#include <algorithm>

namespace leto::compiler {
namespace {

constexpr OpFacts kFacts[] = {
#define OP(name, arity, shape, type, slope, chip, meaning) \
  {#name, arity, ShapeRule::shape, TypeRule::type, Slope::slope, OnChip::chip, meaning},
#include "compiler/ops.inc"
#undef OP
};

}  // namespace

const OpFacts& facts(Op op) {
  return kFacts[static_cast<std::size_t>(op)];
}

std::vector<Op> all_ops() {
  std::vector<Op> out;
  for (std::size_t i = 0; i < std::size(kFacts); ++i) {
    out.push_back(static_cast<Op>(i));
  }
  return out;
}

std::string_view name_of(Op op) {
  return facts(op).name;
}

std::optional<Op> op_from_name(std::string_view name) {
  for (const Op op : all_ops()) {
    if (facts(op).name == name) {
      return op;
    }
  }
  return std::nullopt;
}

bool is_binary(Op op) {
  return facts(op).shape == ShapeRule::broadcast && facts(op).arity == 2;
}
bool is_unary(Op op) {
  return facts(op).shape == ShapeRule::same;
}
bool is_elementwise(Op op) {
  return is_unary(op) || facts(op).shape == ShapeRule::broadcast;
}
bool is_reduction(Op op) {
  return facts(op).shape == ShapeRule::reduction;
}
bool is_movement(Op op) {
  return facts(op).type == TypeRule::exact && op != Op::gather;
}

bool is_simple_power(const Value& exponent) {
  if (exponent.role != Role::constant || exponent.data.size() != 1) {
    return false;
  }
  const float p = exponent.data[0];
  return p == 0.5F || p == 1 || p == 2 || p == 3 || p == -1;
}

bool is_composite(const Graph& graph, const Node& node) {
  return facts(node.op).chip == OnChip::composite &&
         (node.op != Op::pow || is_simple_power(graph.value(node.inputs[1])));
}
bool is_bag(Op op) {
  return op == Op::embedding_bag || op == Op::pinned_bag || op == Op::weighted_bag || op == Op::quantised_bag;
}

bool is_attention(Op op) {
  return facts(op).shape == ShapeRule::attention || facts(op).shape == ShapeRule::scores_product;
}

std::optional<std::vector<std::int64_t>> broadcast_shapes(const std::vector<std::int64_t>& a,
                                                          const std::vector<std::int64_t>& b) {
  std::vector<std::int64_t> out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {  // i counts from the last dimension
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return std::nullopt;
    }
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::int64_t window_extent(std::int64_t size, std::int64_t pads, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation) {
  const std::int64_t room = size + pads - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace leto::compiler
