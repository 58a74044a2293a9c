// The operations of traces/artemis as models: what they compute, and that the command that lists them is
// whole.
#include "compiler/reference/initial.h"
#include "tests/compiler/program_values.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

constexpr int kOperations = 593;  // distinct ones of the trace

compiler::Values contents(const compiler::Graph& graph) {
  compiler::Values values;
  for (const auto& v : graph.values)
    if (v.role == compiler::Role::input || v.role == compiler::Role::parameter)
      values[v.name] = compiler::initial_content(v, 1);
  return values;
}

/// The largest error of any result of operation `number`, the chip's program against the graph.
double error_of(const Folder& folder, int number) {
  must(folder, "zoo artemis-op --number " + std::to_string(number) + " -o m.onnx");
  const auto graph = compiler::import_onnx(folder / "m.onnx");
  const auto chip = load_chip("artemis");
  const auto values = contents(graph);
  const auto want = compiler::evaluate(graph, values);
  const auto got = compiler::testing::interpret_program(compiler::lower(graph, chip, {}, {}), chip, values);
  double worst = 0;
  for (const auto id : graph.outputs) {
    const auto& name = graph.value(id).name;
    worst = std::max(worst, compiler::testing::error_of(got.at(name), want.at(name)));
  }
  return worst;
}

/// A table of docs/artemis.md: its rows' first columns.
std::vector<std::string> first_columns(const std::string& document, const std::string& heading) {
  std::vector<std::string> columns;
  const auto begin = document.find(heading);
  REQUIRE(begin != std::string::npos);
  for (auto at = document.find("\n| ", begin); at != std::string::npos; at = document.find("\n| ", at + 1))
    columns.push_back(document.substr(at + 3, document.find(" |", at + 3) - at - 3));
  return columns;
}

}  // namespace

TEST_CASE("artemis: a small operation of each kind computes on the chip what the graph says") {
  const Folder folder;
  for (const int number :
       {4,   14,  17,  18,  27,  28,  81,  82,  83,  84,  85,  86,  88,  93,  97,  99,  100, 101, 102,
        104, 110, 112, 253, 287, 290, 291, 566, 569, 571, 572, 574, 576, 579, 580, 588, 592, 593}) {
    CAPTURE(number);
    // Products of matrices are of bf16 operands on both sides; sums of fp32 are in another order.
    CHECK(error_of(folder, number) <= 1e-5);
  }
}

TEST_CASE("artemis: docs/artemis.md has every operation of the trace once, and no other is a model") {
  const Folder folder;
  const auto rows = first_columns(read(fs::path(LETO_SOURCE_DIR) / "docs/artemis.md"), "### By shape");
  REQUIRE(rows.size() == kOperations + 1);  // the table's head
  for (int i = 1; i <= kOperations; ++i) CHECK(rows[std::size_t(i)] == std::to_string(i));
  must(folder, "zoo artemis-op --number " + std::to_string(kOperations) + " -o last.onnx");
  check_refused(leto(folder, "zoo artemis-op --number 594 -o m.onnx"), 2, "out of range");
  check_refused(leto(folder, "zoo artemis-op --number 11 -o m.onnx"), 4, "offsets_range");
}

}  // namespace leto::e2e
