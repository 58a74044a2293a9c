#include "compiler/import/matcher.h"

#include <algorithm>
#include <cmath>

namespace leto::compiler::import {

bool near(double a, double b) {
  return std::fabs(a - b) < 4e-3 * std::fabs(b);
}

Matcher::Matcher(const Graph& graph) : graph_(graph), producer_(graph.values.size(), nullptr) {
  for (const Node& node : graph.nodes) {
    producer_[static_cast<std::size_t>(node.output)] = &node;
  }
}

const Node* Matcher::made_by(ValueId id, Op op) const {
  const Node* node = id < 0 ? nullptr : producer_[static_cast<std::size_t>(id)];
  return node && node->op == op ? node : nullptr;
}

std::optional<double> Matcher::number(ValueId id) const {
  const Value& v = graph_.value(id);
  if (v.role != Role::constant || v.data.size() != 1) {
    return std::nullopt;
  }
  return v.data[0];
}

bool Matcher::is_number(ValueId id, double x) const {
  const auto n = number(id);
  return n && near(*n, x);
}

ValueId Matcher::uncast(ValueId id) const {
  const Node* cast = made_by(id, Op::cast);
  const bool floats = cast && is_float(type(id).dtype) && is_float(type(cast->inputs[0]).dtype);
  return floats ? uncast(cast->inputs[0]) : id;
}

bool Matcher::Product::is(double c, std::vector<ValueId> wanted) const {
  std::vector<ValueId> have = factors;
  std::sort(have.begin(), have.end());
  std::sort(wanted.begin(), wanted.end());
  return near(coefficient, c) && have == wanted;
}

Matcher::Product Matcher::product(ValueId id, ValueId whole) const {
  Product out;
  multiply(id, whole, 1, out);
  return out;
}

void Matcher::multiply(ValueId id, ValueId whole, double sign, Product& out) const {
  constexpr std::size_t kMany = 8;  // more factors than any pattern has
  const auto n = number(id);
  if (n && id != whole) {
    out.coefficient *= sign > 0 ? *n : 1 / *n;
    return;
  }
  const Node* mul = made_by(id, Op::mul);
  const Node* div = made_by(id, Op::div);
  const Node* pow = made_by(id, Op::pow);
  if (id == whole || sign < 0 || out.factors.size() > kMany || (!mul && !div && !pow)) {
    out.factors.push_back(id);
  } else if (mul) {
    multiply(mul->inputs[0], whole, 1, out);
    multiply(mul->inputs[1], whole, 1, out);
  } else if (div && number(div->inputs[1])) {
    multiply(div->inputs[0], whole, 1, out);
    multiply(div->inputs[1], whole, -1, out);
  } else if (pow && (number(pow->inputs[1]) == 2 || number(pow->inputs[1]) == 3)) {
    for (int i = 0; i < static_cast<int>(*number(pow->inputs[1])); ++i) {
      multiply(pow->inputs[0], whole, 1, out);
    }
  } else {
    out.factors.push_back(id);
  }
}

ValueId Matcher::mean_last(ValueId id) const {
  const Product p = product(uncast(id));
  const Node* sum = p.factors.size() == 1 ? made_by(p.factors[0], Op::reduce_sum) : nullptr;
  if (!sum) {
    return -1;
  }
  const auto& shape = type(sum->inputs[0]).shape;
  const std::vector<std::int64_t> last{static_cast<std::int64_t>(shape.size()) - 1};
  const bool mean =
      sum->list("axes") == last && std::fabs(p.coefficient * static_cast<double>(shape.back()) - 1) < 1e-5;
  return mean ? sum->inputs[0] : -1;
}

ValueId Matcher::square(ValueId id) const {
  if (const Node* pow = made_by(id, Op::pow); pow && number(pow->inputs[1]) == 2) {
    return pow->inputs[0];
  }
  const Node* mul = made_by(id, Op::mul);
  return mul && mul->inputs[0] == mul->inputs[1] ? mul->inputs[0] : -1;
}

}  // namespace leto::compiler::import
