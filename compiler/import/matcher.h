// Reading a graph backwards: which operation made a value, and what a value is up to constant factors.
#pragma once

#include <optional>

#include "compiler/graph.h"

namespace leto::compiler::import {

class Matcher {
 public:
  explicit Matcher(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  /// The operation that made a value, if it is this one.
  const Node* made_by(ValueId id, Op op) const;
  /// The number that a constant scalar holds.
  std::optional<double> number(ValueId id) const;
  /// Is it a constant scalar near x? bf16 constants have three digits.
  bool is_number(ValueId id, double x) const;
  /// The other operand of a commutative operation when one satisfies `f`, else -1.
  template <class F>
  ValueId other(const Node& node, F f) const {
    return f(node.inputs[0]) ? node.inputs[1] : f(node.inputs[1]) ? node.inputs[0] : -1;
  }
  /// The value behind casts from float to float.
  ValueId uncast(ValueId id) const;

  /// A value as coefficient * product of the factors: through mul, div by a number and whole powers.
  struct Product {
    double coefficient = 1;
    std::vector<ValueId> factors;
    bool is(double c, std::vector<ValueId> wanted) const;
  };
  /// `whole` is a factor even if it is a product itself.
  Product product(ValueId id, ValueId whole = -1) const;

  /// x when `id` is the mean of x over its last axis, kept as size 1; else -1.
  ValueId mean_last(ValueId id) const;
  /// x when `id` is x squared; else -1.
  ValueId square(ValueId id) const;

 private:
  void multiply(ValueId id, ValueId whole, double sign, Product& out) const;

  const Graph& graph_;
  std::vector<const Node*> producer_;
};

bool near(double a, double b);

}  // namespace leto::compiler::import
