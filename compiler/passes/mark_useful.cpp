#include "compiler/passes/mark_useful.h"

#include <algorithm>
#include <map>
#include <optional>

namespace leto::compiler {
namespace {

// The unmasked share of a constant additive mask; nothing when the value is not one.
std::optional<double> unmasked_share(const Value& value) {
  if (value.role != Role::constant || value.data.size() < 2) return std::nullopt;
  const auto masked =
      std::count_if(value.data.begin(), value.data.end(), [](float x) { return x <= kMasked; });
  if (masked == 0) return std::nullopt;
  return 1.0 - double(masked) / double(value.data.size());
}

bool keeps_positions(Op op) {
  return op == Op::cast || op == Op::add || op == Op::sub || op == Op::mul || op == Op::div ||
         op == Op::softmax || op == Op::reshape;
}

}  // namespace

Graph mark_useful(const Graph& forward) {
  Graph graph = forward;
  std::vector<Node*> maker(graph.values.size(), nullptr);
  for (auto& node : graph.nodes) maker[std::size_t(node.output)] = &node;
  // masked[v]: share of v's positions that matter, once a mask was added; follows elementwise operations.
  std::vector<std::optional<double>> share(graph.values.size());
  std::map<ValueId, std::optional<double>> of_mask;  // every layer adds the same one
  const auto mask_share = [&](ValueId v) {
    const auto [entry, fresh] = of_mask.try_emplace(v);
    if (fresh) entry->second = unmasked_share(graph.value(v));
    return entry->second;
  };
  auto mark_source = [&](ValueId v, double s) {
    for (Node* n = maker[std::size_t(v)]; n; n = maker[std::size_t(n->inputs[0])]) {
      if (n->op == Op::matmul) n->attributes["useful"] = s;
      if (!keeps_positions(n->op)) return;
    }
  };
  for (auto& node : graph.nodes) {
    auto& mine = share[std::size_t(node.output)];
    if (node.op == Op::add)
      for (int i : {0, 1})
        if (auto s = mask_share(node.inputs[std::size_t(i)])) {
          mine = s;
          mark_source(node.inputs[std::size_t(1 - i)], *s);
        }
    if (!mine && keeps_positions(node.op)) mine = share[std::size_t(node.inputs[0])];
    if (node.op == Op::matmul && share[std::size_t(node.inputs[0])])
      node.attributes["useful"] = *share[std::size_t(node.inputs[0])];
  }
  return graph;
}

}  // namespace leto::compiler
