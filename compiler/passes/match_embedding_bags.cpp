#include "compiler/passes/match_embedding_bags.h"

#include <algorithm>

#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

class Matcher {
 public:
  explicit Matcher(const Graph& graph)
      : graph_(graph), maker_(graph.values.size(), nullptr), uses_(graph.values.size(), 0) {
    for (const Node& node : graph.nodes) {
      maker_[static_cast<std::size_t>(node.output)] = &node;
      for (const ValueId id : node.inputs) ++uses_[static_cast<std::size_t>(id)];
    }
    for (const ValueId id : graph.outputs) ++uses_[static_cast<std::size_t>(id)];
  }

  /// What `node` sums over the last dimension of the indices: rows of a gather, or their products with a
  /// weight of each. No gather: it is no such sum.
  struct Bags {
    const Node* gather = nullptr;
    ValueId weights = -1;    // [..., bag, 1]
    bool quantised = false;  // rows of int8, each a bag of its own
  };
  Bags summed_by(const Node& node) const {
    if (node.op != Op::reduce_sum) return {};
    const auto rank = static_cast<std::int64_t>(graph_.value(node.inputs[0]).type.shape.size());
    if (rank < 2 || node.list("axes") != std::vector<std::int64_t>{rank - 2}) return {};
    if (const Node* gather = gather_of(node.inputs[0])) return {gather};
    if (const Node* rows = only_use_of(node.inputs[0], Op::quantised_bag))
      return graph_.value(rows->inputs[1]).type.shape.back() == 1 ? Bags{rows, -1, true} : Bags{};
    const Node* product = only_use_of(node.inputs[0], Op::mul);
    for (const std::size_t i : {0, 1}) {
      if (product == nullptr) break;
      const Node* gather = gather_of(product->inputs[i]);
      const ValueId weights = product->inputs[1 - i];
      if (gather != nullptr && weighs(weights, *gather)) return {gather, weights};
    }
    return {};
  }

 private:
  const Node* only_use_of(ValueId v, Op op) const {
    const Node* made = maker_[static_cast<std::size_t>(v)];
    return made != nullptr && made->op == op && uses_[static_cast<std::size_t>(v)] == 1 ? made : nullptr;
  }
  const Node* gather_of(ValueId rows) const {
    const Node* gather = only_use_of(rows, Op::gather);
    return gather != nullptr && graph_.value(gather->inputs[0]).type.shape.size() == 2 &&
                   gather->integer("padding") == 0
               ? gather
               : nullptr;
  }
  bool weighs(ValueId weights, const Node& gather) const {
    auto each = graph_.value(gather.inputs[1]).type.shape;
    each.push_back(1);
    return graph_.value(weights).type.shape == each && is_float(graph_.value(weights).type.dtype);
  }

  const Graph& graph_;
  std::vector<const Node*> maker_;
  std::vector<int> uses_;
};

}  // namespace

Graph match_embedding_bags(const Graph& forward) {
  const Matcher matcher(forward);
  Rewriter rewriter(forward);
  for (const Node& node : forward.nodes) {
    const auto [gather, weights, quantised] = matcher.summed_by(node);
    if (gather == nullptr) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, gather->name);
    const Type& type = forward.value(node.output).type;
    std::vector<ValueId> inputs = rewriter.mapped(gather->inputs);
    if (weights >= 0) inputs.push_back(b.reshape(rewriter[weights], b.shape(inputs[1])));
    if (quantised) {
      auto bags = b.shape(inputs[1]);
      bags.pop_back();
      inputs[1] = b.reshape(inputs[1], bags);
    }
    const Op op = quantised ? Op::quantised_bag : weights < 0 ? Op::embedding_bag : Op::weighted_bag;
    const ValueId sum = b.raw(op, inputs, {{"dtype", std::string(name_of(type.dtype))}});
    rewriter.replace(node.output, b.reshape(sum, type.shape));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
