// The check of every pass by values: passes on real graphs hold, a wrong one is named.
#include "compiler/check_values.h"

#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

Options checking() {
  Options options;
  options.check_values = true;
  return options;
}

/// y = x * factor, the factor a constant of this type; z = what is left of `sums`, zero but for rounding.
Graph scaled(double factor, const std::string& type = "fp32", const std::string& sums = "s, %e") {
  return parse(
      fmt::format("graph \"g\" tokens=0\n%x: fp32[2,3] = input\n%w: fp32[3] = parameter drawn mean=0.0 "
                  "deviation=1.0\n%c_{1}: {1}[] = constant data=[{0:.9g}]\n"
                  "%y: fp32[2,3] = mul(%x, %c_{1}) phase=forward name=\"y\"\n"
                  "%e: fp32[2,3] = exp(%x) phase=forward name=\"e\"\n"
                  "%s: fp32[2,3] = add(%e, %w) phase=forward name=\"s\"\n"
                  "%t: fp32[2,3] = sub(%{2}) phase=forward name=\"t\"\n"
                  "%z: fp32[2,3] = sub(%t, %{3}) phase=forward name=\"z\"\noutput %y\noutput %z\n",
                  factor, type, sums, sums == "s, %e" ? "w" : "e"),
      "test");
}

std::string complaint(const Graph& before, const Graph& after) {
  ValueCheck check(before, checking());
  check.after("right", before);
  return error_of([&] { check.after("wrong", after); }, ExitCode::internal);
}

}  // namespace

TEST_CASE("check values: the pass and the result that differ are named") {
  const std::string text = complaint(scaled(0.5), scaled(0.5 + 1e-5));
  CHECK(text.find("after pass 'wrong': 'y' differs") != std::string::npos);
  Graph renamed = scaled(0.5);
  renamed.value(renamed.outputs[0]).name = "w2";
  CHECK(complaint(scaled(0.5), renamed).find("the result 'y' is gone") != std::string::npos);
}

TEST_CASE("check values: what a pass may do") {
  const Graph graph = scaled(1.0 / 3);
  Graph more = graph;
  more.outputs.push_back(more.nodes[1].output);
  ValueCheck check(graph, checking());
  check.after("adds a result", more);
  ValueCheck again(graph, checking());
  again.after("adds in another order", scaled(1.0 / 3, "fp32", "s, %w"));
  again.after("rounds a constant", scaled(1.0 / 3, "bf16"));
}

TEST_CASE("check values: off they are not computed") {
  ValueCheck check(scaled(0.5), {});
  check.after("wrong", scaled(7));
}
