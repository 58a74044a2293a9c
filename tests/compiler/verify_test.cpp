#include <chrono>
#include <functional>

#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

// %x input, %w parameter, %c constant, %y = matmul(x, w), %z = y + c, update w = wn.
Graph legal() {
  Graph g;
  const ValueId x = leaf(g, "x", DType::fp32, {2, 3}, Role::input), w = weight(g, "w", {3, 3});
  const ValueId c = g.constant("c", {DType::fp32, {3}}, {1, 2, 3});
  const ValueId y = op(g, Op::matmul, {x, w});
  g.outputs = {op(g, Op::add, {y, c})};
  g.updates.emplace_back(w, op(g, Op::neg, {w}));
  return g;
}

void breaks(const char* rule, const std::function<void(Graph&)>& change) {
  Graph g = legal();
  change(g);
  const std::string what = error_of([&] { verify(g, "some pass"); }, ExitCode::internal);
  CHECK_MESSAGE(what.find(rule) != std::string::npos, what);
  CHECK(what.find("some pass") != std::string::npos);
}

}  // namespace

TEST_CASE("verify: a legal graph passes") {
  CHECK_NOTHROW(verify(legal(), "test"));
}

TEST_CASE("verify: every rule catches its breach") {
  breaks("names are unique", [](Graph& g) { g.values[1].name = "x"; });
  breaks("values have names", [](Graph& g) { g.values[1].name.clear(); });
  breaks("operations have names", [](Graph& g) { g.nodes[0].name.clear(); });
  breaks("defined before", [](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); });
  breaks("operands are values", [](Graph& g) { g.nodes[0].inputs[0] = 77; });
  breaks("output is a value", [](Graph& g) { g.nodes[0].output = -1; });
  breaks("inferred type", [](Graph& g) { g.value(g.nodes[0].output).type.dtype = DType::bf16; });
  breaks("takes 2 operands", [](Graph& g) { g.nodes[0].inputs.pop_back(); });
  breaks("intermediate values", [](Graph& g) { g.nodes[0].output = 0; });
  breaks("produced once", [](Graph& g) { g.nodes.push_back(g.nodes[0]); });
  breaks("have an operation", [](Graph& g) { g.nodes.pop_back(); });
  breaks("data has as many", [](Graph& g) { g.values[2].data.pop_back(); });
  breaks("a constant has data", [](Graph& g) { g.values[2].data.clear(); });
  breaks("drawn or has data", [](Graph& g) { g.values[1].drawn = true; });
  breaks("only parameters and state are drawn", [](Graph& g) { g.values[0].drawn = true; });
  breaks("have no data", [](Graph& g) { g.value(g.nodes[0].output).data = {1}; });
  breaks("have a limit", [](Graph& g) { g.values[0].limit = 3; });
  breaks("dimensions are positive", [](Graph& g) { g.values[0].type.shape[0] = 0; });
  breaks("deviation", [](Graph& g) { g.values[1].deviation = -1; });
  breaks("outputs are values", [](Graph& g) { g.outputs.push_back(99); });
  breaks("loss is a value", [](Graph& g) { g.loss = 99; });
  breaks("loss is one number", [](Graph& g) { g.loss = g.outputs[0]; });
  breaks("only parameters and state are updated", [](Graph& g) { g.updates[0].first = 0; });
  breaks("updates name values", [](Graph& g) { g.updates[0].second = 99; });
  breaks("keeps the type", [](Graph& g) { g.updates[0].second = g.outputs[0]; });
  breaks("updated once", [](Graph& g) { g.updates.push_back(g.updates[0]); });
  breaks("tokens", [](Graph& g) { g.tokens = -1; });
}

TEST_CASE("verify: thousands of nodes are cheap") {
  Graph g;
  ValueId x = leaf(g, "x", DType::fp32, {4}, Role::input);
  for (int i = 0; i < 20000; ++i) {
    x = op(g, Op::neg, {x});
  }
  g.outputs = {x};
  const auto begin = std::chrono::steady_clock::now();
  verify(g, "test");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}
