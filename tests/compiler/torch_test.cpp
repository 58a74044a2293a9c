// Every operation's value, and its gradient where it has one, against torch on the same operands: the cases
// are written to a file that check_with_torch.py computes anew. Skipped, with the reason, where torch is not
// installed.
#include <fmt/ranges.h>

#include <cstdlib>
#include <type_traits>

#include "tests/compiler/operator_gradients.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

// Debian's interpreter: the one that python3-torch is installed for.
constexpr const char* kPython = "/usr/bin/python3";

std::string json(const std::vector<double>& data) {
  return fmt::format("[{:.17g}]", fmt::join(data, ","));
}

std::string json(const Attribute& attribute) {
  return std::visit(
      [](const auto& x) {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, std::string>)
          return fmt::format(R"("{}")", x);
        else if constexpr (std::is_same_v<T, Dims>)
          return fmt::format("[{}]", fmt::join(x, ","));
        else if constexpr (std::is_same_v<T, double>)
          return fmt::format("{:.17g}", x);
        else
          return fmt::format("{}", x);
      },
      attribute);
}

std::string json(const Type& type, const std::vector<double>& data) {
  return fmt::format(R"({{"shape":[{}],"integer":{},"data":{}}})", fmt::join(type.shape, ","),
                     !is_float(type.dtype), json(data));
}

/// The gradients of sum(y * weights), by operand, and those weights.
std::string json_of_gradients(const OperatorCase& c, const WideValues& at) {
  Graph g = c.graph;
  const ValueId y = g.outputs[0];
  g.outputs.clear();
  close_with_loss(g, y);
  const ValueId weights = g.nodes[g.nodes.size() - (g.value(y).type.shape.empty() ? 1 : 3)].inputs[1];
  const std::vector<float> data = g.value(weights).data;
  if (facts(c.op).slope == Slope::windows) g = decompose_pools(g);
  const std::vector<ValueId> wanted = parameters(g);
  const Gradients gradients = differentiate(g, g.loss, wanted);
  for (const ValueId id : wanted) g.outputs.push_back(gradients.of.at(id));
  const WideValues got = evaluate_wide(g, at);
  std::vector<std::string> by_operand;
  const std::vector<ValueId>& operands = c.graph.nodes.back().inputs;
  for (std::size_t i = 0; i < operands.size(); ++i)
    for (const ValueId id : wanted)
      if (g.value(id).name == c.graph.value(operands[i]).name)
        by_operand.push_back(fmt::format(R"("{}":{})", i, json(got.at(g.value(gradients.of.at(id)).name))));
  return fmt::format(R"({{"weights":{},"of":{{{}}}}})", json({data.begin(), data.end()}),
                     fmt::join(by_operand, ","));
}

std::string json_of_case(const OperatorCase& c) {
  const Graph& g = c.graph;
  const Node& node = g.nodes.back();
  std::vector<std::string> attributes, inputs;
  for (const auto& [key, attribute] : node.attributes)
    attributes.push_back(fmt::format(R"("{}":{})", key, json(attribute)));
  WideValues at;
  for (const ValueId id : node.inputs) {
    const Value& v = g.value(id);
    const std::vector<double> data{v.data.begin(), v.data.end()};
    inputs.push_back(json(v.type, data));
    if (v.role == Role::parameter) at[v.name] = data;
  }
  const Value& y = g.value(node.output);
  return fmt::format(
      R"({{"op":"{}","note":"{}","attributes":{{{}}},"inputs":[{}],"output":{},"gradients":{}}})",
      name_of(c.op), c.note, fmt::join(attributes, ","), fmt::join(inputs, ","),
      json(y.type, evaluate_wide(g, at).at(y.name)), has_gradient(c.op) ? json_of_gradients(c, at) : "null");
}

bool torch_is_installed() {
  return std::system(fmt::format("{} -c 'import torch' >/dev/null 2>&1", kPython).c_str()) == 0;
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("torch: every operation and every gradient is what torch computes") {
    if (!torch_is_installed()) {
      MESSAGE("skipped: ", kPython, " has no torch (apt-get install --no-install-recommends python3-torch)");
      return;
    }
    std::vector<std::string> cases;
    for (const OperatorCase& c : operator_cases()) cases.push_back(json_of_case(c));
    const TempFile file("torch-cases.json", fmt::format("[{}]\n", fmt::join(cases, ",\n")));
    const std::string check = fmt::format("{} {}/tests/compiler/check_with_torch.py {}", kPython,
                                          LETO_SOURCE_DIR, file.path().string());
    CHECK(std::system(check.c_str()) == 0);
  }
}
