// Every gradient rule against central differences in fp64, and how contributions meet.
#include "compiler/passes/autodiff.h"

#include <set>

#include "tests/compiler/operator_gradients.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

/// |a - b| against the largest |b| (and 1e-30).
double difference_wide(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, scale = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::fabs(a[i] - b[i]));
    scale = std::max(scale, std::fabs(b[i]));
  }
  return worst / scale;
}

/// Slopes of the loss by central differences. Their error is of the order of the step's square.
std::vector<double> central_differences(const Graph& g, WideValues at, const std::string& name) {
  constexpr double kStep = 1e-4;
  const auto loss = [&] { return evaluate_wide(g, at).at(g.value(g.loss).name)[0]; };
  std::vector<double> out;
  for (double& x : at[name]) {
    const double here = x;
    x = here + kStep;
    const double up = loss();
    x = here - kStep;
    const double down = loss();
    x = here;
    out.push_back((up - down) / (2 * kStep));
  }
  return out;
}

// The rules' constants (1 / n, 2 / sqrt pi) are fp32 numbers: 6e-8 of themselves.
constexpr double kTolerance = 5e-7;

/// Largest difference between gradients and central differences, against the largest gradient.
void check_gradients(Graph g) {
  const Graph forward = g;
  WideValues at;
  for (const ValueId id : parameters(g)) {
    at[g.value(id).name] = {g.value(id).data.begin(), g.value(id).data.end()};
  }
  const Gradients gradients = differentiate(g, g.loss, parameters(g));
  for (const ValueId id : parameters(forward)) {
    REQUIRE(gradients.of.contains(id));
    const ValueId gradient = gradients.of.at(id);
    CHECK(g.value(gradient).type.shape == g.value(id).type.shape);
    g.outputs.push_back(gradient);
  }
  verify(g, "autodiff");
  const WideValues got = evaluate_wide(g, at);
  for (const ValueId id : parameters(forward)) {
    const std::string name = forward.value(id).name;
    const double worst =
        difference_wide(got.at(g.value(gradients.of.at(id)).name), central_differences(forward, at, name));
    CHECK_MESSAGE(worst < kTolerance, name, " ", worst);
  }
}

}  // namespace

TEST_CASE("gradients: every operation's rule is the slope, in fp64") {
  std::set<Op> covered;
  for (const OperatorCase& c : operator_cases()) {
    if (!has_gradient(c.op)) {
      continue;
    }
    INFO(name_of(c.op), c.note);
    Graph g = c.graph;
    const ValueId y = g.outputs[0];
    g.outputs.clear();
    close_with_loss(g, y);
    check_gradients(facts(c.op).slope == Slope::windows ? decompose_pools(g) : g);
    covered.insert(c.op);
  }
  for (const Op o : all_ops()) {
    CHECK_MESSAGE((!has_gradient(o) || covered.contains(o)), name_of(o), " has no test case");
  }
}

TEST_CASE("gradients: what is flat has none") {
  for (const OperatorCase& c : operator_cases()) {
    if (facts(c.op).slope != Slope::flat || !is_float(c.graph.value(c.graph.outputs[0]).type.dtype)) {
      continue;
    }
    Graph g = c.graph;
    close_with_loss(g, g.outputs[0]);
    const Gradients gradients = differentiate(g, g.loss, parameters(g));
    for (const ValueId id : parameters(c.graph)) {
      CHECK_MESSAGE(!gradients.of.contains(id), name_of(c.op));
    }
  }
}

TEST_CASE("values: every operation in fp32 is near the same in fp64") {
  std::set<Op> covered;
  for (const OperatorCase& c : operator_cases()) {
    INFO(name_of(c.op), c.note);
    const std::string y = c.graph.value(c.graph.outputs[0]).name;
    const std::vector<float> narrow = evaluate(c.graph, {}).at(y);
    CHECK(difference_wide({narrow.begin(), narrow.end()}, evaluate_wide(c.graph, {}).at(y)) < 1e-6);
    covered.insert(c.op);
  }
  for (const Op o : all_ops()) {
    CHECK_MESSAGE(covered.contains(o), name_of(o), " has no test case");
  }
}

TEST_CASE("gradients: where both are equal the first operand has the maximum's gradient") {
  Graph g;
  const ValueId a = weight(g, "a", {2}), b = weight(g, "b", {2});
  g.value(a).data = g.value(b).data = {1, 2};
  g.loss = op(g, Op::reshape, {op(g, Op::reduce_sum, {op(g, Op::max, {a, b})}, {{"axes", Dims{0}}})},
              {{"shape", Dims{}}});
  const Gradients gradients = differentiate(g, g.loss, {a, b});
  g.outputs = {gradients.of.at(a), gradients.of.at(b)};
  const Values got = evaluate(g, {});
  CHECK(got.at(g.value(g.outputs[0]).name) == std::vector<float>{1, 1});
  CHECK(got.at(g.value(g.outputs[1]).name) == std::vector<float>{0, 0});
}

TEST_CASE("gradients: gather and scatter_add in a row, with repeated indices") {
  Graph g;
  const ValueId table = weight(g, "table", {4, 3}),
                index = g.constant("index", {DType::int32, {5}}, {2, 0, 2, 3, 2});
  const ValueId rows = op(g, Op::gather, {table, index});
  close_with_loss(g,
                  op(g, Op::scatter_add, {op(g, Op::mul, {rows, rows}), index}, {{"rows", std::int64_t{4}}}));
  check_gradients(g);
}

TEST_CASE("gradients: contributions of several uses add up, comparisons and integers have none") {
  Graph g;
  const ValueId x = weight(g, "x", {4}, 0.5, 2);
  const ValueId step = op(g, Op::gt, {x, g.scalar(1)});
  close_with_loss(g, op(g, Op::add, {op(g, Op::mul, {x, x}), op(g, Op::mul, {x, step})}));
  g.value(x).data = {0.6F, 0.8F, 1.5F, 1.7F};
  check_gradients(g);
}

TEST_CASE("gradients: a value the loss does not depend on has none") {
  Graph g;
  const ValueId x = weight(g, "x", {2}), unused = weight(g, "unused", {2});
  close_with_loss(g, op(g, Op::neg, {x}));
  const Gradients gradients = differentiate(g, g.loss, {x, unused});
  CHECK(gradients.of.contains(x));
  CHECK_FALSE(gradients.of.contains(unused));
}
