// The loss under which an operator's case is differentiated.
#pragma once

#include <numeric>

#include "compiler/passes/autodiff.h"
#include "compiler/passes/decompose.h"
#include "tests/compiler/operator_cases.h"

namespace leto::compiler::testing {

/// loss = sum(y * random), so that every element of y counts differently.
inline void close_with_loss(Graph& g, ValueId y) {
  const Type type = g.value(y).type;
  const ValueId random =
      g.constant("random", type, numbers(99, static_cast<std::size_t>(elements(type)), 0.2, 1));
  ValueId loss = op(g, Op::mul, {y, random});
  if (!type.shape.empty()) {
    Dims axes(type.shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    loss = op(g, Op::reshape, {op(g, Op::reduce_sum, {loss}, {{"axes", axes}})}, {{"shape", Dims{}}});
  }
  g.loss = loss;
}

inline std::vector<ValueId> parameters(const Graph& g) {
  std::vector<ValueId> out;
  for (std::size_t i = 0; i < g.values.size(); ++i) {
    if (g.values[i].role == Role::parameter) {
      out.push_back(static_cast<ValueId>(i));
    }
  }
  return out;
}

inline bool has_gradient(Op o) {
  return facts(o).slope == Slope::smooth || facts(o).slope == Slope::windows;
}

}  // namespace leto::compiler::testing
