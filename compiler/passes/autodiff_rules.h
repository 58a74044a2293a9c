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

  void binary();
  void unary();
  void product();
  void quotient();
  void extremum();
  void power();
  ValueId gelu_slope();
  ValueId gelu_tanh_slope();
  void reduction();
  void matmul();
  ValueId matmul_left(bool trans_a, bool trans_b);
  ValueId matmul_right(bool trans_a, bool trans_b);
  ValueId product_of(ValueId a, ValueId b, bool trans_a, bool trans_b);
  void movement();
  void transpose();
  void slice();
  void embed();
  void concat();
  void softmax();
  void layernorm();
  void cross_entropy();
  void mse();
  void attention();

  Builder& b_;
  const Node& node_;  // a copy outside the graph: appending moves the graph's nodes
  ValueId dy_;
  const std::vector<bool>& needs_;
  Contributions out_;
};

}  // namespace leto::compiler
