// The gradient of each operation; autodiff.cpp walks the graph and adds up.
#pragma once

#include <utility>
#include <vector>

#include "compiler/passes/builder.h"

namespace leto::compiler {

/// What one operation adds to the gradients of its operands: (operand, contribution of the operand's shape).
using Contributions = std::vector<std::pair<ValueId, ValueId>>;

/// `dy` is the gradient of the node's result. Only operands for which `needs` holds get a contribution.
class Rule {
 public:
  Rule(Builder& b, const Node& node, ValueId dy, const std::vector<bool>& needs)
      : b_(b), node_(node), dy_(dy), needs_(needs) {}
  Contributions run();

 private:
  using Dims = Builder::Dims;
  ValueId x(std::size_t i = 0) const { return node_.inputs[i]; }
  ValueId y() const { return node_.output; }
  bool needs(std::size_t i) const { return needs_[i]; }
  /// Contribution to operand i, summed over what was broadcast.
  void give(std::size_t i, ValueId gradient);
  ValueId sum_to(ValueId value, const Dims& shape);

  /// Contribution to operand 0: the gradient times the operation's slope.
  void times(ValueId slope) { give(0, b_.mul(dy_, slope)); }
  ValueId one_minus(ValueId v) { return b_.sub(b_.scalar(1), v); }
  ValueId square(ValueId v) { return b_.mul(v, v); }
  ValueId inverse(ValueId v) { return b_.unary(Op::reciprocal, v); }
  ValueId negated(ValueId v) { return b_.unary(Op::neg, v); }

  // One rule an operation that ops.inc calls smooth.
#define LETO_RULE_smooth(name) void name();
#define LETO_RULE_flat(name)
#define LETO_RULE_windows(name)
#define LETO_RULE_gradient(name)
#define OP(name, inputs, shape, type, slope, ...) LETO_RULE_##slope(name)
#include "compiler/ops.inc"
#undef OP
#undef LETO_RULE_smooth
#undef LETO_RULE_flat
#undef LETO_RULE_windows
#undef LETO_RULE_gradient

  /// Of a gather or scatter_add: what its adjoint has in common with it.
  Builder::Attributes padding() const {
    return node_.integer("padding") != 0 ? Builder::Attributes{{"padding", std::int64_t{1}}}
                                         : Builder::Attributes{};
  }
  void extremum(ValueId larger, ValueId smaller);
  ValueId simple_power_slope(float p);
  ValueId gelu_slope();
  ValueId gelu_tanh_slope();
  ValueId matmul_left(bool trans_a, bool trans_b);
  ValueId matmul_right(bool trans_a, bool trans_b);
  ValueId product_of(ValueId a, ValueId b, bool trans_a, bool trans_b);

  Builder& b_;
  const Node& node_;  // a copy outside the graph: appending moves the graph's nodes
  ValueId dy_;
  const std::vector<bool>& needs_;
  Contributions out_;
};

}  // namespace leto::compiler
