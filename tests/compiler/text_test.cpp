#include <limits>

#include "compiler/passes/decompose.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

Graph everything() {
  Graph g;
  g.name = "all \"kinds\"\n\\";
  g.tokens = 12;
  const ValueId x = leaf(g, "odd name:0", DType::bf16, {2, 3}, Role::input);
  const ValueId index = leaf(g, "index", DType::int64, {4}, Role::input);
  g.value(index).limit = 2;
  const ValueId p = leaf(g, "p", DType::fp32, {2, 3}, Role::parameter);
  g.value(p).drawn = true;
  g.value(p).mean = 0.1;
  g.value(p).deviation = 1.0 / 3;
  const ValueId big = g.constant("big", {DType::fp32, {64}}, numbers(1, 64));
  const ValueId odd = g.constant("odd", {DType::fp32, {3}}, {-0.0F, kInf, 1e-42F});
  g.constant("runs", {DType::bf16, {5, 10}}, std::vector<float>(50, 0.5F));
  const ValueId y = op(g, Op::add, {x, odd});
  const ValueId z =
      op(g, Op::embed, {y},
         {{"shape", Dims{4, 8}}, {"starts", Dims{0, 1}}, {"steps", Dims{2, 2}}, {"value", -double(kInf)}});
  const ValueId n =
      op(g, Op::layernorm,
         {z, op(g, Op::slice, {big}, {{"starts", Dims{0}}, {"sizes", Dims{8}}, {"steps", Dims{1}}}),
          op(g, Op::slice, {big}, {{"starts", Dims{1}}, {"sizes", Dims{8}}, {"steps", Dims{3}}})},
         {{"epsilon", 1e-5}});
  const ValueId next = op(g, Op::cast, {y}, {{"dtype", std::string("fp32")}});
  g.outputs = {n, op(g, Op::gather, {p, index})};
  g.loss = op(g, Op::mse, {p, next});
  g.updates.emplace_back(p, next);
  return g;
}

}  // namespace

TEST_CASE("text: parse(print(g)) is g, bit for bit") {
  const Graph g = everything();
  const std::string text = print(g);
  const Graph back = parse(text, "text");
  CHECK(back == g);
  CHECK(print(back) == text);
  CHECK(std::signbit(back.value(4).data[0]));
}

TEST_CASE("text: a training step reads back") {
  Recipe recipe;
  recipe.optimizer = Optimizer::adamw;
  recipe.loss = Loss::cross_entropy;
  const Graph step = training_step(mlp(4, 6, 5, 3), recipe);
  CHECK(parse(print(step), "step") == step);
  const Graph primitive = decompose(step);
  CHECK(print(parse(print(primitive), "step")) == print(primitive));
}

TEST_CASE("text: the example of graph.h") {
  const Graph g = parse(
      "graph \"mlp\" tokens=32\n"
      "# a comment\n"
      "%x: bf16[32,64] = input\n%w: fp32[64,64] = parameter\n"
      "%h: bf16[32,64] = matmul(%x, %w) {trans_b=1} phase=forward name=\"fc1\"\noutput %h\n",
      "here");
  CHECK(g.tokens == 32);
  CHECK(g.nodes.size() == 1);
  CHECK(g.nodes[0].integer("trans_b") == 1);
}

TEST_CASE("text: errors say where") {
  const std::string start = "graph \"g\"\n%x: fp32[2] = input\n";
  const auto fails = [&](const std::string& line) {
    const std::string what = error_of([&] { parse(start + line, "file"); }, ExitCode::bad_input);
    CHECK_MESSAGE(what.starts_with("file:3:"), line, " -> ", what);
  };
  for (const char* line :
       {"%x: fp32[2] = input", "%y: fp99[2] = input", "%y: fp32[2", "%y: fp32[2] = nonsense(%x)",
        "%y: fp32[2] = neg(%z)", "%y: fp32[3] = neg(%x)", "%y: fp32[2] = add(%x)", "output %nothing", "blah",
        "%y: fp32[2] = neg(%x) {dtype=\"fp32\", dtype=\"bf16\"}", "%y: fp32[2] = neg(%x) phase=never",
        "%y: fp32[2] = constant bits=[zz,1]", "%y: fp32[2] = constant bits=[0*99999999999999]",
        "%y: fp32[2] = constant data=[1,,2]", "%y: fp32[2] = input limit=9223372036854775808",
        "%y: fp32[2] = neg(%x) x", "%\"y: fp32[2] = input", "%y: fp32[2] = input what=3"}) {
    fails(line);
  }
}

TEST_CASE("text: cut and changed text never crashes") {
  const std::string text = print(everything());
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::string damaged = text.substr(0, i);
    CHECK_NOTHROW([&] {
      try {
        parse(damaged, "cut");
      } catch (const Error&) {
      }
    }());
    damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x15);
    CHECK_NOTHROW([&] {
      try {
        parse(damaged, "changed");
      } catch (const Error&) {
      }
    }());
  }
}
