// The pass that docs/write-a-pass.md writes: compiled and run here, and the page's code is this code.
#include <sstream>

#include "base/files.h"
#include "compiler/check_values.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/rewriter.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

/// 1 / sqrt(x) becomes rsqrt(x). The square root stays for its other readers; without any it is dead code.
Graph fuse_rsqrt(const Graph& graph) {
  Rewriter rewriter(graph);
  std::vector<const Node*> maker(graph.values.size(), nullptr);  // of each value of `graph`
  for (const Node& node : graph.nodes) {
    maker[std::size_t(node.output)] = &node;
    const Node* root = node.op == Op::reciprocal ? maker[std::size_t(node.inputs[0])] : nullptr;
    if (!root || root->op != Op::sqrt) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, node.name);
    const ValueId x = rewriter[root->inputs[0]];
    rewriter.replace(node.output, b.op(Op::rsqrt, {x}, graph.value(node.output).type.dtype));
  }
  return rewriter.finish();
}

const char* const kInverse =
    "graph \"inverse\" tokens=0\n"
    "%x: bf16[4] = parameter data=[1.0,2.0,3.0,4.0]\n"
    "%root: fp32[4] = sqrt(%x) {dtype=\"fp32\"} phase=forward name=\"root\"\n"
    "%y: fp32[4] = reciprocal(%root) phase=forward name=\"y\"\n"
    "output %y\n";

/// The slip that the page shows: the root of the root.
Graph forgets_the_root(const Graph& graph) {
  Graph out = fuse_rsqrt(graph);
  for (Node& node : out.nodes) {
    if (node.op == Op::rsqrt) node.inputs[0] = out.nodes[0].output;
  }
  return out;
}

Options checking() {
  Options options;
  options.check_values = true;
  return options;
}

std::string page() {
  return read_text(std::filesystem::path(LETO_SOURCE_DIR) / "docs/write-a-pass.md");
}

/// The page's blocks of C++.
std::vector<std::string> code_of(const std::string& text) {
  std::vector<std::string> blocks;
  std::istringstream in(text);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```cpp";
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

}  // namespace

TEST_CASE("fuse_rsqrt: one operation in place of two and the same values") {
  const Graph graph = parse(kInverse, "test");
  const Graph fused = fuse_rsqrt(graph);
  verify(fused, "fuse_rsqrt");
  ValueCheck(graph, checking()).after("fuse_rsqrt", fused);
  const Graph rest = dead_code(fused);
  CHECK(rest.nodes.size() == 1);
  CHECK(rest.nodes[0].op == Op::rsqrt);
}

TEST_CASE("write a pass: the slip that the page shows is named as the page says") {
  const Graph graph = parse(kInverse, "test");
  ValueCheck check(graph, checking());
  const std::string text =
      error_of([&] { check.after("fuse_rsqrt", forgets_the_root(graph)); }, ExitCode::internal);
  CHECK_MESSAGE(page().find(text) != std::string::npos, text);
}

TEST_CASE("write a pass: the page's code is this file's") {
  const auto blocks = code_of(page());
  CHECK(blocks.size() == 3);
  const std::string source =
      read_text(std::filesystem::path(LETO_SOURCE_DIR) / "tests/compiler/write_a_pass_test.cpp");
  for (const std::string& block : blocks) CHECK_MESSAGE(source.find(block) != std::string::npos, block);
}
