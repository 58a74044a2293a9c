// The back half's own graph rewrites: what they change, and that values stay.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/errors.h"
#include "compiler/compiler.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/mark_useful.h"
#include "compiler/passes/merge_embeds.h"
#include "compiler/passes/sink_transposes.h"

using namespace leto::compiler;

namespace {

int count(const Graph& graph, Op op) {
  return int(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.op == op; }));
}

void same_values(const Graph& before, const Graph& after) {
  Values inputs;
  for (const auto& v : before.values)
    if (v.role == Role::input) {
      auto& data = inputs[v.name];
      for (std::int64_t i = 0; i < elements(v.type); ++i) data.push_back(float(i % 13) - 6);
    }
  CHECK(evaluate(before, inputs) == evaluate(after, inputs));
}

}  // namespace

TEST_CASE("merge_embeds: padded parts that tile an axis become one concatenation") {
  const std::string parts =
      "graph \"g\" tokens=0\n%a: fp32[2,3] = input\n%b: fp32[2,4] = input\n"
      "%x: fp32[2,7] = embed(%a) {shape=[2,7], starts=[0,0], steps=[1,1], value=0.0} phase=forward "
      "name=\"x\"\n"
      "%y: fp32[2,7] = embed(%b) {shape=[2,7], starts=[0,3], steps=[1,1], value=0.0} phase=forward "
      "name=\"y\"\n"
      "%s: fp32[2,7] = add(%x, %y) phase=forward name=\"s\"\noutput %s\n";
  const Graph graph = parse(parts, "test");
  const Graph merged = merge_embeds(graph);
  CHECK(count(merged, Op::concat) == 1);
  CHECK(count(merged, Op::add) == 0);
  same_values(graph, merged);
  std::string gap = parts;  // the second part one column to the left: they overlap
  gap.replace(gap.find("starts=[0,3]"), 12, "starts=[0,2]");
  CHECK(count(merge_embeds(parse(gap, "test")), Op::concat) == 0);
}

TEST_CASE("sink_transposes: unary operations change places with the transpose before them") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%a: fp32[2,3] = input\n%t: fp32[3,2] = transpose(%a) {perm=[1,0]} phase=forward "
      "name=\"t\"\n"
      "%e: fp32[3,2] = neg(%t) phase=forward name=\"e\"\n%c: bf16[3,2] = cast(%e) {dtype=\"bf16\"} "
      "phase=forward name=\"c\"\noutput %c\n",
      "test");
  const Graph sunk = sink_transposes(graph);
  CHECK(sunk.nodes.back().op == Op::transpose);
  CHECK(sunk.value(sunk.nodes.back().inputs[0]).type.shape == std::vector<std::int64_t>{2, 3});
  same_values(graph, sunk);
}

TEST_CASE("sink_transposes: an image stays channels last through a normalisation, and its sums become one") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%a: fp32[2,5,6,4] = input\n%scale: fp32[4] = parameter bits=[3f800000*4]\n"
      "%x: fp32[2,4,5,6] = transpose(%a) {perm=[0,3,1,2]} phase=forward name=\"x\"\n"
      "%rows: fp32[2,4,1,1] = reduce_sum(%x) {axes=[2,3]} phase=forward name=\"rows\"\n"
      "%sum: fp32[1,4,1,1] = reduce_sum(%rows) {axes=[0]} phase=forward name=\"sum\"\n"
      "%c: fp32[2,4,5,6] = sub(%x, %sum) phase=forward name=\"c\"\n"
      "%wide: fp32[4,1,1] = reshape(%scale) {shape=[4,1,1]} phase=forward name=\"wide\"\n"
      "%y: fp32[2,4,5,6] = mul(%c, %wide) phase=forward name=\"y\"\n"
      "%z: fp32[2,5,6,4] = transpose(%y) {perm=[0,2,3,1]} phase=forward name=\"z\"\noutput %z\n",
      "test");
  const Graph sunk = dead_code(sink_transposes(graph));
  CHECK(count(sunk, Op::reduce_sum) == 1);
  for (const Node& node : sunk.nodes)
    if (node.op == Op::transpose) CHECK(elements(sunk.value(node.output).type) == 4);
  same_values(graph, sunk);
}

TEST_CASE("sink_transposes: what is summed row by row stays a row") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%a: fp32[6,4] = input\n%t: fp32[4,6] = transpose(%a) {perm=[1,0]} phase=forward "
      "name=\"t\"\n%s: fp32[4,1] = reduce_sum(%t) {axes=[1]} phase=forward name=\"s\"\noutput %s\n",
      "test");
  const Graph sunk = sink_transposes(graph);
  CHECK(sunk.nodes.back().list("axes") == std::vector<std::int64_t>{1});
}

TEST_CASE("common_subexpressions: constants of equal content are one, whatever their size") {
  const Type type{leto::DType::fp32, {128}};
  Graph graph = parse("graph \"g\" tokens=0\n%a: fp32[128] = input\noutput %a\n", "test");
  const std::vector<float> table(128, 0.5f), other(128, -0.5f);
  ValueId sum = 0;
  for (const auto& data : {table, table, other})
    sum = graph.add(Op::add, {sum, graph.constant("table", type, data)}, {}, Phase::forward, "sum");
  graph.outputs = {sum};
  const Graph shared = common_subexpressions(graph);
  CHECK(shared.nodes[0].inputs[1] == shared.nodes[1].inputs[1]);
  CHECK(shared.nodes[0].inputs[1] != shared.nodes[2].inputs[1]);
  same_values(graph, shared);
}

TEST_CASE("mark_useful: scores that a constant mask removes do not count, forward and backward") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%q: fp32[2,8] = input\n%k: fp32[2,8] = input\n%v: fp32[2,8] = input\n"
      "%m: fp32[2,2] = constant data=[0.0,-10000.0,0.0,0.0]\n"
      "%s: fp32[2,2] = matmul(%q, %k) {trans_b=1} phase=forward name=\"s\"\n"
      "%a: fp32[2,2] = add(%s, %m) phase=forward name=\"a\"\n%p: fp32[2,2] = softmax(%a) phase=forward "
      "name=\"p\"\n"
      "%o: fp32[2,8] = matmul(%p, %v) phase=forward name=\"o\"\noutput %o\n",
      "test");
  for (const Node& node : mark_useful(graph).nodes)
    if (node.op == Op::matmul) CHECK(node.number("useful", 1) == 0.75);
  Recipe recipe;
  recipe.loss = Loss::sum;
  recipe.precision = Precision::fp32;
  recipe.text = "loss = \"sum\"";
  int gradients = 0;
  for (const Node& node : training_step(graph, recipe).nodes)
    if (node.op == Op::matmul && node.phase == Phase::backward) {
      ++gradients;
      CHECK(node.number("useful", 1) == 0.75);
    }
  CHECK(gradients == 4);
}

TEST_CASE("pass names: an unknown one is refused with the list of those there are") {
  Options options;
  options.stop_after = "fuse";
  try {
    primitives(parse("graph \"g\" tokens=0\n%a: fp32[2] = input\noutput %a\n", "test"),
               leto::load_chip("tiny"), options);
    FAIL("accepted");
  } catch (const leto::Error& error) {
    CHECK(error.code() == leto::ExitCode::usage);
    CHECK(error.remedy().find("decompose") != std::string::npos);
  }
}
