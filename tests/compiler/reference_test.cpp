#include <chrono>

#include "compiler/reference/initial.h"
#include "compiler/reference/trainer.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

using Attributes = std::map<std::string, Attribute>;

struct Given {
  DType dtype;
  Dims shape;
  std::vector<float> data;
};

/// One operation on constants' worth of inputs.
std::vector<float> apply(Op o, const std::vector<Given>& given, Attributes attributes = {}) {
  Graph g;
  Values in;
  std::vector<ValueId> ids;
  for (const Given& x : given) {
    ids.push_back(leaf(g, "in", x.dtype, x.shape, Role::input));
    in[g.value(ids.back()).name] = x.data;
  }
  g.outputs = {op(g, o, ids, std::move(attributes))};
  return evaluate(g, in).at(g.value(g.outputs[0]).name);
}

using List = std::vector<float>;
constexpr DType F = DType::fp32;

}  // namespace

TEST_CASE("evaluate: elementwise by hand") {
  CHECK(apply(Op::add, {{F, {2, 2}, {1, 2, 3, 4}}, {F, {2}, {10, 20}}}) == List{11, 22, 13, 24});
  CHECK(apply(Op::sub, {{F, {2, 1}, {1, 2}}, {F, {1, 3}, {1, 2, 3}}}) == List{0, -1, -2, 1, 0, -1});
  CHECK(apply(Op::max, {{F, {3}, {1, 5, 3}}, {F, {}, {3}}}) == List{3, 5, 3});
  CHECK(apply(Op::min, {{F, {3}, {1, 5, 3}}, {F, {}, {3}}}) == List{1, 3, 3});
  CHECK(apply(Op::ge, {{F, {3}, {1, 5, 3}}, {F, {}, {3}}}) == List{0, 1, 1});
  CHECK(apply(Op::gt, {{F, {3}, {1, 5, 3}}, {F, {}, {3}}}) == List{0, 1, 0});
  CHECK(apply(Op::eq, {{F, {3}, {1, 5, 3}}, {F, {}, {3}}}) == List{0, 0, 1});
  CHECK(apply(Op::relu, {{F, {3}, {-1, 0, 2}}}) == List{0, 0, 2});
  CHECK(apply(Op::rsqrt, {{F, {2}, {4, 0.25}}}) == List{0.5, 2});
  CHECK(apply(Op::is_class, {{DType::int32, {2}, {2, 0}}}, {{"classes", std::int64_t{3}}}) ==
        List{0, 0, 1, 1, 0, 0});
  CHECK(difference(apply(Op::erf, {{F, {2}, {0.5, -1}}}), {0.52049988F, -0.84270079F}) < 1e-6);
  CHECK(difference(apply(Op::gelu, {{F, {2}, {1, -2}}}), {0.84134475F, -0.04550026F}) < 1e-6);
}

TEST_CASE("evaluate: results are rounded to their stored type") {
  CHECK(apply(Op::add, {{DType::bf16, {1}, {1}}, {F, {1}, {0.001}}}) == List{1});
  CHECK(apply(Op::cast, {{F, {2}, {2.7F, -1e9F}}}, {{"dtype", std::string("int8")}}) == List{2, -128});
  CHECK(apply(Op::matmul, {{DType::bf16, {1, 2}, {1, 1}}, {DType::bf16, {2, 1}, {256, 1}}}) == List{256});
  CHECK(apply(Op::matmul, {{DType::bf16, {1, 2}, {1, 1}}, {DType::bf16, {2, 1}, {256, 1}}},
              {{"dtype", std::string("fp32")}}) == List{257});
}

TEST_CASE("evaluate: products and movement by hand") {
  const Given a{F, {2, 3}, {1, 2, 3, 4, 5, 6}}, b{F, {3, 2}, {1, 0, 0, 1, 1, 1}};
  CHECK(apply(Op::matmul, {a, b}) == List{4, 5, 10, 11});
  CHECK(apply(Op::matmul, {b, a}, {{"trans_a", std::int64_t{1}}, {"trans_b", std::int64_t{1}}}) ==
        List{4, 10, 5, 11});
  CHECK(apply(Op::matmul, {{F, {2, 1, 1}, {2, 3}}, {F, {1, 2}, {5, 7}}}) == List{10, 14, 15, 21});
  CHECK(apply(Op::transpose, {a}, {{"perm", Dims{1, 0}}}) == List{1, 4, 2, 5, 3, 6});
  CHECK(apply(Op::slice, {a}, {{"starts", Dims{0, 0}}, {"sizes", Dims{2, 2}}, {"steps", Dims{1, 2}}}) ==
        List{1, 3, 4, 6});
  CHECK(apply(Op::embed, {{F, {2}, {1, 2}}},
              {{"shape", Dims{5}}, {"starts", Dims{1}}, {"steps", Dims{2}}, {"value", -1.0}}) ==
        List{-1, 1, -1, 2, -1});
  CHECK(apply(Op::concat, {a, {F, {2, 1}, {8, 9}}}, {{"axis", std::int64_t{1}}}) ==
        List{1, 2, 3, 8, 4, 5, 6, 9});
  CHECK(apply(Op::expand, {{F, {2, 1}, {1, 2}}}, {{"shape", Dims{2, 2}}}) == List{1, 1, 2, 2});
  CHECK(apply(Op::gather, {b, {DType::int32, {3}, {2, 0, 2}}}) == List{1, 1, 1, 0, 1, 1});
  CHECK(apply(Op::scatter_add, {{F, {3, 1}, {1, 2, 4}}, {DType::int64, {3}, {1, 0, 1}}},
              {{"rows", std::int64_t{3}}}) == List{2, 5, 0});
  CHECK(apply(Op::reduce_sum, {a}, {{"axes", Dims{0}}}) == List{5, 7, 9});
  CHECK(apply(Op::reduce_max, {a}, {{"axes", Dims{0, 1}}}) == List{6});
}

TEST_CASE("evaluate: networks' operations by hand") {
  CHECK(difference(apply(Op::softmax, {{F, {1, 3}, {1, 2, 3}}}), {0.09003057F, 0.24472847F, 0.66524096F}) <
        1e-6);
  CHECK(difference(apply(Op::cross_entropy, {{F, {2, 2}, {0, 0, 1, 3}}, {DType::int32, {2}, {0, 0}}}),
                   {(0.69314718F + 2.12692801F) / 2}) < 1e-6);
  CHECK(apply(Op::mse, {{F, {2}, {1, 2}}, {F, {2}, {3, 2}}}) == List{2});
  CHECK(difference(apply(Op::layernorm, {{F, {1, 2}, {1, 3}}, {F, {2}, {1, 2}}, {F, {2}, {0, 1}}},
                         {{"epsilon", 0.0}}),
                   {-1, 3}) < 1e-6);
  const Attributes window{
      {"strides", Dims{1, 1}}, {"pads", Dims{0, 0, 1, 1}}, {"dilations", Dims{1, 1}}, {"kernel", Dims{2, 2}}};
  const Given image{F, {1, 1, 2, 2}, {1, 2, 3, 4}};
  CHECK(apply(Op::conv, {image, {F, {1, 1, 2, 2}, {1, 10, 100, 1000}}}, window) == List{4321, 402, 43, 4});
  CHECK(apply(Op::max_pool, {image}, window) == List{4, 4, 4, 4});
  CHECK(apply(Op::average_pool, {image}, window) == List{2.5, 3, 3.5, 4});
}

TEST_CASE("evaluate: bad inputs are errors") {
  Graph g;
  const ValueId table = leaf(g, "table", F, {3, 2}, Role::input),
                index = leaf(g, "index", DType::int32, {1}, Role::input);
  g.outputs = {op(g, Op::gather, {table, index})};
  const List rows(6, 1);
  CHECK(error_of(
            [&] {
              evaluate(g, {{"table", rows}});
            },
            ExitCode::bad_input)
            .find("'index'") != std::string::npos);
  error_of([&] { evaluate(g, {{"table", {1}}, {"index", {0}}}); }, ExitCode::bad_input);
  error_of([&] { evaluate(g, {{"table", rows}, {"index", {3}}}); }, ExitCode::bad_input);
  error_of([&] { evaluate(g, {{"table", rows}, {"index", {-1}}}); }, ExitCode::bad_input);
}

TEST_CASE("initial content is a function of name and seed, in the stored type") {
  Value v;
  v.name = "w";
  v.type = {DType::bf16, {10000}};
  v.role = Role::parameter;
  v.drawn = true;
  v.mean = 1;
  v.deviation = 0.5;
  const List a = initial_content(v, 1);
  CHECK(a == initial_content(v, 1));
  CHECK(a != initial_content(v, 2));
  double sum = 0, squares = 0;
  for (const float x : a) {
    CHECK(float_from_bf16(bf16_from_float(x)) == x);
    sum += x;
    squares += (x - 1) * (x - 1);
  }
  CHECK(std::fabs(sum / 1e4 - 1) < 0.02);
  CHECK(std::fabs(squares / 1e4 - 0.25) < 0.02);
  v.drawn = false;
  CHECK(initial_content(v, 1) == List(10000, 0));
  Value index{"i", {DType::int32, {1000}}, Role::input, 7, {}, 0, 0, false};
  for (const float i : initial_content(index, 3)) {
    CHECK((i >= 0 && i < 7 && i == std::floor(i)));
  }
}

TEST_CASE("evaluate: a perceptron's step of 32 samples is a matter of milliseconds") {
  Recipe recipe;
  recipe.optimizer = Optimizer::sgd;
  recipe.loss = Loss::cross_entropy;
  const Graph step = training_step(mlp(32, 64, 64, 10), recipe);
  Trainer trainer(step, 1);
  const Values in{{"x", numbers(3, 32 * 64)}, {"labels", List(32, 3)}};
  trainer.step(in);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    trainer.step(in);
  }
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() / 10;
  MESSAGE("step: ", ms, " ms");
  CHECK(ms < 50);  // about 2 ms on an idle machine
}
