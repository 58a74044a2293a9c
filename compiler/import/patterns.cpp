#include "compiler/import/patterns.h"

#include <cmath>

#include "compiler/passes/rewriter.h"

namespace leto::compiler::import {
namespace {

class GeluMatcher {
 public:
  explicit GeluMatcher(const Graph& graph) : graph_(graph), producer_(graph.values.size(), nullptr) {
    for (const Node& node : graph.nodes) {
      producer_[static_cast<std::size_t>(node.output)] = &node;
    }
  }
  /// x when `node` computes gelu(x), else -1.
  ValueId match(const Node& node) const;

 private:
  const Node* made_by(ValueId id, Op op) const {
    const Node* node = producer_[static_cast<std::size_t>(id)];
    return node && node->op == op ? node : nullptr;
  }
  /// Is it a constant scalar near x? bf16 constants have three digits.
  bool is_number(ValueId id, double x) const {
    const Value& v = graph_.value(id);
    return v.role == Role::constant && v.data.size() == 1 && std::fabs(double(v.data[0]) - x) < 4e-3 * x;
  }
  void factors(ValueId id, std::vector<ValueId>& out) const;
  /// x when `id` is 1 + erf(x / sqrt 2).
  ValueId one_plus_erf(ValueId id) const;
  ValueId over_root_two(ValueId id) const;

  const Graph& graph_;
  std::vector<const Node*> producer_;
};

void GeluMatcher::factors(ValueId id, std::vector<ValueId>& out) const {
  const Node* product = made_by(id, Op::mul);
  if (!product || out.size() > 3) {
    out.push_back(id);
    return;
  }
  factors(product->inputs[0], out);
  factors(product->inputs[1], out);
}

ValueId GeluMatcher::over_root_two(ValueId id) const {
  const Node* quotient = made_by(id, Op::div);
  if (quotient && is_number(quotient->inputs[1], M_SQRT2)) {
    return quotient->inputs[0];
  }
  const Node* product = made_by(id, Op::mul);
  return product && is_number(product->inputs[1], M_SQRT1_2) ? product->inputs[0] : -1;
}

ValueId GeluMatcher::one_plus_erf(ValueId id) const {
  const Node* sum = made_by(id, Op::add);
  for (std::size_t i = 0; sum && i < 2; ++i) {
    const Node* erf = made_by(sum->inputs[i], Op::erf);
    if (erf && is_number(sum->inputs[1 - i], 1)) {
      return over_root_two(erf->inputs[0]);
    }
  }
  return -1;
}

ValueId GeluMatcher::match(const Node& node) const {
  std::vector<ValueId> parts;
  if (node.op == Op::mul) {
    factors(node.output, parts);
  }
  if (parts.size() != 3) {
    return -1;
  }
  ValueId x = -1, half = -1, bend = -1;
  for (const ValueId id : parts) {
    if (const ValueId of = one_plus_erf(id); of >= 0) {
      bend = of;
    } else if (is_number(id, 0.5)) {
      half = id;
    } else {
      x = id;
    }
  }
  return half >= 0 && x >= 0 && x == bend ? x : -1;
}

}  // namespace

Graph recognise(const Graph& graph) {
  const GeluMatcher matcher(graph);
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes) {
    const ValueId x = matcher.match(node);
    if (x < 0) {
      rewriter.copy(node);
      continue;
    }
    const Type& type = graph.value(node.output).type;
    rewriter.replace(node.output,
                     rewriter.to().add(Op::gelu, {rewriter[x]}, {{"dtype", std::string(name_of(type.dtype))}},
                                       node.phase, node.name));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler::import
