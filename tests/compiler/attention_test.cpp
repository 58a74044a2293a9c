// Attention and its gradients on the untimed interpreter: fused where the chip has room, expanded where it
// has not.
#include "compiler/lower/attention_plan.h"
#include "compiler/passes/match_attention.h"
#include "tests/compiler/lowered.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::test;

namespace {

struct Heads {
  int queries, keys;  // heads
  int m, n, d, e;
  bool causal;
};

std::string type(int heads, int rows, int columns) {
  return fmt::format("[2,{},{},{}]", heads, rows, columns);
}

/// Forward, and all gradients of it for a given dy.
std::string graph_of(const Heads& h) {
  const std::string q = "bf16" + type(h.queries, h.m, h.d), k = "bf16" + type(h.keys, h.n, h.d),
                    v = "bf16" + type(h.keys, h.n, h.e), y = "bf16" + type(h.queries, h.m, h.e),
                    row = "fp32" + type(h.queries, h.m, 1),
                    with = fmt::format("scale=0.3, causal={}", int(h.causal));
  return fmt::format(
      "graph \"g\" tokens=0\n%q: {0} = input\n%k: {1} = input\n%v: {2} = input\n%dy: {3} = input\n"
      "%y: {3} = attention(%q, %k, %v) {{{5}}} phase=forward name=\"a\"\n"
      "%lse: {4} = attention_lse(%q, %k) {{dtype=\"fp32\", {5}}} phase=backward name=\"a\"\n"
      "%w: fp32{6} = mul(%dy, %y) {{dtype=\"fp32\"}} phase=backward name=\"a\"\n"
      "%delta: {4} = reduce_sum(%w) {{axes=[3], dtype=\"fp32\"}} phase=backward name=\"a\"\n"
      "%ds: bf16{7} = attention_dscores(%q, %k, %v, %dy, %lse, %delta) {{{5}}} phase=backward name=\"a\"\n"
      "%dq: {0} = attention_dq(%ds, %k) {{{5}}} phase=backward name=\"a\"\n"
      "%dk: {1} = attention_dk(%ds, %q) {{heads={8}, {5}}} phase=backward name=\"a\"\n"
      "%dv: {2} = attention_dv(%q, %k, %dy, %lse) {{{5}}} phase=backward name=\"a\"\n"
      "output %y\noutput %lse\noutput %dq\noutput %dk\noutput %dv\n",
      q, k, v, y, row, with, type(h.queries, h.m, h.e), type(h.queries, h.n, h.m), h.keys);
}

std::vector<Heads> shapes() {
  return {
      {2, 2, 128, 128, 64, 64, true},   // one unit a head, only masked blocks
      {2, 2, 256, 256, 32, 32, true},   // whole blocks before the diagonal
      {3, 3, 200, 200, 32, 32, true},   // ragged rows and columns
      {1, 1, 129, 129, 40, 24, true},   // one row over
      {4, 2, 150, 150, 32, 32, true},   // two query heads a key head
      {2, 2, 100, 300, 32, 64, false},  // rectangular
      {4, 1, 64, 65, 16, 16, false},   {1, 1, 7, 5, 8, 8, false}, {2, 1, 3, 3, 64, 64, true},
  };
}

ChipConfig cramped() {
  ChipConfig chip = tiny();
  chip.local_store.bytes = 24576;
  return chip;
}

}  // namespace

TEST_CASE("attention: values and gradients of fused kernels, over heads, masks and ragged shapes") {
  for (const Heads& h : shapes()) {
    REQUIRE(attention_fits(parse(graph_of(h), "test"), tiny()));
    check(graph_of(h), 2e-2);
  }
}

TEST_CASE("attention: wide tiles, a PE with two slots of rows") {
  const ChipConfig pilot = load_chip("pilot");
  for (const Heads& h : {Heads{2, 1, 300, 300, 128, 128, true},
                         {1, 1, 200, 333, 64, 64, false},
                         {2, 2, 64, 64, 128, 128, true},
                         {1, 1, 192, 192, 64, 64, true}}) {
    REQUIRE(attention_fits(parse(graph_of(h), "test"), pilot));
    check(graph_of(h), 2e-2, pilot);
  }
}

TEST_CASE("attention: a chip without room for the kernels computes the same from products and softmax") {
  for (const Heads& h : shapes()) {
    if (h.m > 150) continue;
    REQUIRE_FALSE(attention_fits(parse(graph_of(h), "test"), cramped()));
    check(graph_of(h), 3e-2, cramped());
  }
}

TEST_CASE(
    "attention: found under scale, mask and repeated heads and left alone under a mask of another kind") {
  const auto text = [](const std::string& mask, const std::string& softmax_of) {
    return "graph \"g\" tokens=0\n%q: fp32[1,4,2,8] = input\n%k: fp32[1,2,2,8] = input\n%v: fp32[1,2,2,8] = "
           "input\n"
           "%m: fp32[2,2] = constant data=[" +
           mask +
           "]\n%c: fp32[] = constant data=[2]\n"
           "%k5: fp32[1,2,1,2,8] = reshape(%k) {shape=[1,2,1,2,8]} phase=forward name=\"k\"\n"
           "%ke: fp32[1,2,2,2,8] = expand(%k5) {shape=[1,2,2,2,8]} phase=forward name=\"k\"\n"
           "%kr: fp32[1,4,2,8] = reshape(%ke) {shape=[1,4,2,8]} phase=forward name=\"k\"\n"
           "%kt: fp32[1,4,8,2] = transpose(%kr) {perm=[0,1,3,2]} phase=forward name=\"k\"\n"
           "%v5: fp32[1,2,1,2,8] = reshape(%v) {shape=[1,2,1,2,8]} phase=forward name=\"v\"\n"
           "%ve: fp32[1,2,2,2,8] = expand(%v5) {shape=[1,2,2,2,8]} phase=forward name=\"v\"\n"
           "%vr: fp32[1,4,2,8] = reshape(%ve) {shape=[1,4,2,8]} phase=forward name=\"v\"\n"
           "%s: fp32[1,4,2,2] = matmul(%q, %kt) phase=forward name=\"s\"\n"
           "%d: fp32[1,4,2,2] = div(%s, %c) phase=forward name=\"d\"\n"
           "%a: fp32[1,4,2,2] = add(%d, %m) phase=forward name=\"a\"\n"
           "%p: fp32[1,4,2,2] = softmax(" +
           softmax_of +
           ") phase=forward name=\"p\"\n"
           "%y: fp32[1,4,2,8] = matmul(%p, %vr) phase=forward name=\"y\"\noutput %y\n";
  };
  const auto fused = [&](const Graph& graph) {
    return std::find_if(graph.nodes.begin(), graph.nodes.end(),
                        [](const Node& n) { return n.op == Op::attention; });
  };
  for (const auto& [mask, causal] : {std::pair{"0,-10000,0,0", 1}, {"0,0,0,0", 0}}) {
    const Graph before = parse(text(mask, "%a"), "test"), graph = match_attention(before);
    verify(graph, "match_attention");
    const auto node = fused(graph);
    REQUIRE(node != graph.nodes.end());
    CHECK(node->integer("causal") == causal);
    CHECK(node->number("scale") == 0.5);
    CHECK(graph.value(node->inputs[2]).type.shape == std::vector<std::int64_t>{1, 2, 2, 8});
    const Values inputs = random_inputs(before, 3);
    CHECK(error_of(evaluate(graph, inputs).at("y"), evaluate(before, inputs).at("y")) < 1e-5);
  }
  for (const std::string mask : {"0,-10000,-10000,0", "0,-1,0,0"}) {
    const Graph graph = match_attention(parse(text(mask, "%a"), "test"));
    CHECK(fused(graph) == graph.nodes.end());
  }
}
