// Every gradient rule against central differences of the reference interpreter.
#include <functional>
#include <numeric>

#include "compiler/passes/autodiff.h"
#include "compiler/passes/decompose.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

using Attributes = std::map<std::string, Attribute>;

/// loss = sum(y * random), so that every element of y counts differently.
void close_with_loss(Graph& g, ValueId y) {
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

std::vector<ValueId> parameters(const Graph& g) {
  std::vector<ValueId> out;
  for (std::size_t i = 0; i < g.values.size(); ++i) {
    if (g.values[i].role == Role::parameter) {
      out.push_back(static_cast<ValueId>(i));
    }
  }
  return out;
}

double loss_at(const Graph& g, const Values& at) {
  return evaluate(g, at).at(g.value(g.loss).name)[0];
}

/// Largest difference between gradients and central differences, against the largest gradient.
void check_gradients(Graph g, double tolerance = 2e-3) {
  const Graph forward = g;
  Values at;
  for (const ValueId id : parameters(g)) {
    at[g.value(id).name] = g.value(id).data;
  }
  const Gradients gradients = differentiate(g, g.loss, parameters(g));
  for (const ValueId id : parameters(forward)) {
    REQUIRE(gradients.of.contains(id));
    const ValueId gradient = gradients.of.at(id);
    CHECK(g.value(gradient).type.shape == g.value(id).type.shape);
    g.outputs.push_back(gradient);
  }
  verify(g, "autodiff");
  const Values got = evaluate(g, at);
  for (const ValueId id : parameters(forward)) {
    const std::string name = forward.value(id).name;
    std::vector<float> expected;
    for (std::size_t i = 0; i < at[name].size(); ++i) {
      const float x = at[name][i];
      constexpr double kStep = 1.0 / 256;
      at[name][i] = static_cast<float>(x + kStep);
      const double up = loss_at(forward, at);
      at[name][i] = static_cast<float>(x - kStep);
      const double down = loss_at(forward, at);
      at[name][i] = x;
      expected.push_back(static_cast<float>((up - down) / (2 * kStep)));
    }
    const std::vector<float>& gradient = got.at(g.value(gradients.of.at(id)).name);
    CHECK_MESSAGE(difference(gradient, expected) < tolerance, name, " ", difference(gradient, expected));
  }
}

void check_unary(Op o, double low, double high, Attributes attributes = {}) {
  Graph g;
  close_with_loss(g, op(g, o, {weight(g, "x", {3, 4}, low, high)}, std::move(attributes)));
  INFO(name_of(o));
  check_gradients(g);
}

void check_binary(Op o, const Dims& a, const Dims& b, double low = -1, double high = 1,
                  Attributes attributes = {}) {
  Graph g;
  const ValueId x = weight(g, "a", a, low, high), y = weight(g, "b", b, low, high);
  close_with_loss(g, op(g, o, {x, y}, std::move(attributes)));
  INFO(name_of(o), " [", fmt::format("{}", fmt::join(a, ",")), "] [", fmt::format("{}", fmt::join(b, ",")),
       "]");
  check_gradients(g);
}

}  // namespace

TEST_CASE("gradients: one operand") {
  for (const Op o : {Op::neg, Op::exp, Op::tanh, Op::erf, Op::sigmoid, Op::gelu, Op::softmax}) {
    check_unary(o, -2, 2);
  }
  for (const Op o : {Op::reciprocal, Op::sqrt, Op::rsqrt, Op::log, Op::abs, Op::relu}) {
    check_unary(o, 0.5, 2);
  }
  check_unary(Op::abs, -2, -0.5);
  check_unary(Op::relu, -2, -0.5);
  check_unary(Op::gelu, -2, 2, {{"tanh", std::int64_t{1}}});
  check_unary(Op::cast, -2, 2, {{"dtype", std::string("fp32")}});
}

TEST_CASE("gradients: two operands, with and without broadcast") {
  for (const Op o : {Op::add, Op::sub, Op::mul, Op::div, Op::max, Op::min}) {
    const double high = o == Op::max || o == Op::min ? 8 : 2;  // no two within the difference's step
    check_binary(o, {3, 4}, {3, 4}, 0.5, high);
    check_binary(o, {3, 4}, {4}, 0.5, high);
    check_binary(o, {3, 1}, {2, 1, 4}, 0.5, high);
    check_binary(o, {}, {2, 3}, 0.5, high);
  }
  check_binary(Op::mse, {3, 4}, {3, 4});
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

TEST_CASE("gradients: powers") {
  for (const double p : {0.5, 1.0, 2.0, 3.0, -1.0}) {
    Graph g;
    const ValueId x = weight(g, "x", {5}, 0.5, 2);
    close_with_loss(g, op(g, Op::pow, {x, g.scalar(static_cast<float>(p))}));
    check_gradients(g);
  }
}

TEST_CASE("gradients: reductions") {
  for (const Op o : {Op::reduce_sum, Op::reduce_max}) {
    for (const Dims& axes : {Dims{2}, Dims{0, 2}, Dims{0, 1, 2}}) {
      Graph g;
      close_with_loss(g, op(g, o, {weight(g, "x", {2, 3, 4}, -5, 5)}, {{"axes", axes}}));
      check_gradients(g);
    }
  }
}

TEST_CASE("gradients: matmul, transposed, batched, broadcast") {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      const Attributes flags{{"trans_a", std::int64_t{ta}}, {"trans_b", std::int64_t{tb}}};
      const auto a = [&](Dims batch) {
        batch.insert(batch.end(), {ta ? 4 : 3, ta ? 3 : 4});
        return batch;
      };
      const auto b = [&](Dims batch) {
        batch.insert(batch.end(), {tb ? 5 : 4, tb ? 4 : 5});
        return batch;
      };
      check_binary(Op::matmul, a({}), b({}), -1, 1, flags);
      check_binary(Op::matmul, a({2}), b({2}), -1, 1, flags);
      check_binary(Op::matmul, a({2}), b({}), -1, 1, flags);
      check_binary(Op::matmul, a({}), b({2}), -1, 1, flags);
      check_binary(Op::matmul, a({2, 1}), b({3}), -1, 1, flags);
    }
  }
}

TEST_CASE("gradients: movement") {
  const auto check = [](Op o, const Dims& shape, Attributes attributes) {
    Graph g;
    close_with_loss(g, op(g, o, {weight(g, "x", shape)}, std::move(attributes)));
    check_gradients(g);
  };
  check(Op::reshape, {2, 6}, {{"shape", Dims{3, 4}}});
  check(Op::transpose, {2, 3, 4}, {{"perm", Dims{2, 0, 1}}});
  check(Op::slice, {5, 6}, {{"starts", Dims{1, 0}}, {"sizes", Dims{2, 3}}, {"steps", Dims{2, 2}}});
  check(Op::embed, {2, 3}, {{"shape", Dims{5, 6}}, {"starts", Dims{1, 0}}, {"steps", Dims{2, 2}}});
  check(Op::expand, {3, 1}, {{"shape", Dims{2, 3, 4}}});
  check_binary(Op::concat, {2, 3}, {2, 2}, -1, 1, {{"axis", std::int64_t{1}}});
}

TEST_CASE("gradients: gather and scatter_add, with repeated indices") {
  Graph g;
  const ValueId table = weight(g, "table", {4, 3}),
                index = g.constant("index", {DType::int32, {5}}, {2, 0, 2, 3, 2});
  const ValueId rows = op(g, Op::gather, {table, index});
  close_with_loss(g,
                  op(g, Op::scatter_add, {op(g, Op::mul, {rows, rows}), index}, {{"rows", std::int64_t{4}}}));
  Graph all = g;
  check_gradients(all);
}

TEST_CASE("gradients: layernorm and cross_entropy") {
  Graph g;
  const ValueId x = weight(g, "x", {3, 6}), scale = weight(g, "scale", {6}), bias = weight(g, "bias", {6});
  close_with_loss(g, op(g, Op::layernorm, {x, scale, bias}, {{"epsilon", 1e-5}}));
  check_gradients(g);
  Graph c;
  const ValueId scores = weight(c, "scores", {4, 5}, -3, 3);
  close_with_loss(
      c, op(c, Op::cross_entropy, {scores, c.constant("labels", {DType::int32, {4}}, {0, 4, 2, 2})}));
  check_gradients(c);
}

TEST_CASE("gradients: convolutions and pools through their decomposition") {
  for (const std::int64_t group : {1, 2}) {
    Graph g;
    const ValueId x = weight(g, "x", {2, 2, 5, 5}), w = weight(g, "w", {4, 2 / group, 3, 2});
    close_with_loss(g, op(g, Op::conv, {x, w},
                          {{"strides", Dims{2, 1}},
                           {"pads", Dims{1, 0, 1, 1}},
                           {"dilations", Dims{1, 2}},
                           {"group", group}}));
    check_gradients(decompose_windows(g));
  }
  for (const Op o : {Op::max_pool, Op::average_pool}) {
    Graph g;
    const ValueId x = weight(g, "x", {2, 2, 5, 5}, -20, 20);
    close_with_loss(
        g, op(g, o, {x}, {{"kernel", Dims{3, 2}}, {"strides", Dims{2, 2}}, {"pads", Dims{1, 0, 1, 1}}}));
    check_gradients(decompose_windows(g));
  }
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
