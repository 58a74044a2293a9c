#include <chrono>
#include <functional>
#include <limits>

#include "compiler/ops.h"
#include "compiler/passes/decompose.h"
#include "compiler/passes/fold.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

using Attributes = std::map<std::string, Attribute>;

int count(const Graph& g, Op o) {
  int n = 0;
  for (const Node& node : g.nodes) {
    n += node.op == o ? 1 : 0;
  }
  return n;
}

/// The same outputs before and after, and nothing but primitives left.
void check(const Graph& g, double tolerance = 1e-6) {
  const Graph lowered = decompose(g);
  verify(lowered, "decompose");
  for (const Node& node : lowered.nodes) {
    CHECK_FALSE(is_composite(lowered, node));
    if (node.op == Op::reduce_max) {
      CHECK(node.list("axes")[0] + 1 ==
            static_cast<std::int64_t>(lowered.value(node.inputs[0]).type.shape.size()));
    }
  }
  const Values a = evaluate(g, {}), b = evaluate(lowered, {});
  REQUIRE(a.size() == b.size());
  for (const auto& [name, data] : a) {
    CHECK_MESSAGE(difference(b.at(name), data) <= tolerance, name, " ", difference(b.at(name), data));
  }
}

void check_op(Op o, const std::vector<Dims>& shapes, Attributes attributes = {}, double low = -2,
              double high = 2, double tolerance = 1e-6) {
  Graph g;
  std::vector<ValueId> in;
  for (const Dims& shape : shapes) {
    in.push_back(weight(g, "in", shape, low, high));
  }
  g.outputs = {op(g, o, in, std::move(attributes))};
  INFO(name_of(o));
  check(g, tolerance);
}

}  // namespace

TEST_CASE("decompose keeps values") {
  check_op(Op::div, {{3, 4}, {4}}, {}, 0.5, 2);
  check_op(Op::gelu, {{3, 40}});
  check_op(Op::gelu, {{3, 40}}, {{"tanh", std::int64_t{1}}});
  check_op(Op::softmax, {{3, 4, 50}}, {}, -30, 30);
  check_op(Op::layernorm, {{5, 64}, {64}, {64}}, {{"epsilon", 1e-5}});
  check_op(Op::mse, {{3, 4}, {3, 4}});
  for (const std::int64_t last : {0, 1}) {
    check_op(Op::arg_max, {{7, 33}}, {{"last", last}});
    check_op(Op::arg_max, {{2, 5, 1}}, {{"last", last}});
  }
  check_op(Op::reduce_sum, {{2, 3, 4, 5}}, {{"axes", Dims{0, 2, 3}}});
  check_op(Op::reduce_max, {{2, 3, 4, 5}}, {{"axes", Dims{0, 2}}});
  check_op(Op::reduce_max, {{2, 3, 4}}, {{"axes", Dims{1}}});
  for (const std::int64_t group : {1, 3}) {
    check_op(
        Op::conv, {{2, 3, 7, 6}, {6, 3 / group, 3, 2}},
        {{"strides", Dims{2, 1}}, {"pads", Dims{1, 0, 2, 1}}, {"dilations", Dims{1, 2}}, {"group", group}});
  }
  for (const std::int64_t include : {0, 1}) {
    check_op(Op::average_pool, {{2, 3, 7, 6}},
             {{"kernel", Dims{3, 2}},
              {"strides", Dims{2, 2}},
              {"pads", Dims{1, 0, 1, 1}},
              {"include_pad", include}});
  }
  check_op(Op::average_pool, {{2, 3, 7, 6}},
           {{"kernel", Dims{7, 6}}, {"strides", Dims{1, 1}}, {"pads", Dims{0, 0, 0, 0}}});
  check_op(Op::max_pool, {{2, 3, 7, 6}},
           {{"kernel", Dims{3, 2}}, {"strides", Dims{2, 2}}, {"pads", Dims{1, 0, 1, 1}}}, -2, -1);
}

TEST_CASE("decompose keeps values of powers, divisors and cross entropy") {
  Graph g;
  const ValueId x = weight(g, "x", {7}, 0.5, 2);
  for (const float p : {0.5F, 1.0F, 2.0F, 3.0F, -1.0F}) {
    g.outputs.push_back(op(g, Op::pow, {x, g.scalar(p)}));
  }
  g.outputs.push_back(op(g, Op::div, {x, g.scalar(3)}));
  const ValueId scores = weight(g, "scores", {6, 9}, -20, 20);
  g.outputs.push_back(
      op(g, Op::cross_entropy, {scores, g.constant("labels", {DType::int64, {6}}, {0, 8, 1, 1, 5, 3})}));
  check(g);
}

TEST_CASE("decompose is stable where the plain formulas overflow") {
  Graph g;
  const ValueId x = g.constant("x", {DType::fp32, {2, 3}}, {1000, 999, -1000, -2e4F, -2e4F, -2e4F});
  g.outputs = {op(g, Op::softmax, {x}),
               op(g, Op::cross_entropy, {x, g.constant("l", {DType::int32, {2}}, {2, 0})})};
  const Graph lowered = decompose(g);
  for (const auto& [name, data] : evaluate(lowered, {})) {
    for (const float v : data) {
      CHECK(std::isfinite(v));
    }
  }
  check(g);
}

TEST_CASE("decompose: infinities, NaN and equal maxima are told apart") {
  const float infinity = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  Graph g;
  const ValueId x = g.constant("x", {DType::fp32, {6}}, {infinity, -infinity, std::nanf(""), most, -most, 0});
  const ValueId rows = g.constant("rows", {DType::fp32, {3, 4}}, {1, 7, 7, 2, -3, -4, -3, -5, 0, 0, 0, 0});
  g.outputs = {op(g, Op::is_nan, {x}), op(g, Op::is_inf, {x}), op(g, Op::arg_max, {rows}),
               op(g, Op::arg_max, {rows}, {{"last", std::int64_t{1}}})};
  check(g);
  const Values found = evaluate(decompose(g), {});
  CHECK(found.at(g.value(g.outputs[0]).name) == std::vector<float>{0, 0, 1, 0, 0, 0});
  CHECK(found.at(g.value(g.outputs[1]).name) == std::vector<float>{1, 1, 0, 0, 0, 0});
  CHECK(found.at(g.value(g.outputs[2]).name) == std::vector<float>{1, 0, 0});
  CHECK(found.at(g.value(g.outputs[3]).name) == std::vector<float>{2, 2, 3});
}

TEST_CASE("decompose: intermediate values of a bf16 operation are fp32, its result is bf16") {
  Graph g;
  const ValueId x = leaf(g, "x", DType::bf16, {4, 8}, Role::input);
  g.outputs = {op(g, Op::softmax, {x})};
  const Graph lowered = decompose(g);
  for (const Node& node : lowered.nodes) {
    const bool last = node.output == lowered.outputs[0];
    CHECK(lowered.value(node.output).type.dtype == (last ? DType::bf16 : DType::fp32));
  }
}

TEST_CASE("fold: identities, chains and small constants go, values stay") {
  Graph g;
  const ValueId x = weight(g, "x", {2, 3, 4});
  ValueId y = op(g, Op::reshape, {x}, {{"shape", Dims{6, 4}}});
  y = op(g, Op::reshape, {y}, {{"shape", Dims{24}}});
  y = op(g, Op::reshape, {y}, {{"shape", Dims{2, 3, 4}}});
  y = op(g, Op::transpose, {y}, {{"perm", Dims{2, 0, 1}}});
  y = op(g, Op::transpose, {y}, {{"perm", Dims{1, 2, 0}}});
  y = op(g, Op::mul, {y, op(g, Op::mul, {g.scalar(4), g.scalar(0.25F)})});
  y = op(g, Op::cast, {y}, {{"dtype", std::string("fp32")}});
  y = op(g, Op::neg, {y});
  y = op(g, Op::transpose, {y}, {{"perm", Dims{1, 0, 2}}});
  g.outputs = {op(g, Op::transpose, {y}, {{"perm", Dims{0, 2, 1}}})};
  const Graph folded = dead_code(fold(g));
  verify(folded, "fold");
  CHECK(folded.nodes.size() == 2);
  CHECK(count(folded, Op::neg) == 1);
  CHECK(evaluate(folded, {}) == evaluate(g, {}));
}

TEST_CASE(
    "common subexpressions: equal work is done once, cheap forward values are not kept for the backward "
    "phase") {
  Graph g;
  const ValueId x = weight(g, "x", {64, 128});
  const auto stats = [&](Phase phase) {
    const ValueId square = g.add(Op::mul, {x, x}, {}, phase, "square");
    return g.add(Op::reduce_sum, {square}, {{"axes", Dims{1}}}, phase, "sum");
  };
  const ValueId a = stats(Phase::forward), b = stats(Phase::forward), c = stats(Phase::backward);
  const ValueId again = g.add(Op::mul, {x, x}, {}, Phase::backward, "square");
  g.outputs = {op(g, Op::add, {op(g, Op::add, {a, b}), c}), again};
  const Graph shared = dead_code(common_subexpressions(g));
  verify(shared, "common_subexpressions");
  CHECK(count(shared, Op::reduce_sum) == 1);
  CHECK(count(shared, Op::mul) == 2);  // the forward one, and its copy for the backward output
  CHECK(evaluate(shared, {}) == evaluate(g, {}));
}

TEST_CASE("dead code: what nothing needs goes, inputs stay") {
  Graph g;
  const ValueId x = leaf(g, "x", DType::fp32, {2}, Role::input);
  leaf(g, "spare", DType::fp32, {2}, Role::input);
  weight(g, "unused", {2});
  g.outputs = {op(g, Op::neg, {x})};
  op(g, Op::exp, {x});
  const Graph live = dead_code(g);
  CHECK(live.nodes.size() == 1);
  CHECK(live.values.size() == 3);
}
