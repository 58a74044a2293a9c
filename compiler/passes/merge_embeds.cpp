#include "compiler/passes/merge_embeds.h"

#include <algorithm>
#include <optional>

#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = std::vector<std::int64_t>;

class Merger {
 public:
  explicit Merger(const Graph& graph)
      : graph_(graph), producer_(graph.values.size(), -1), uses_(graph.values.size(), 0) {
    for (int n = 0; n < int(graph.nodes.size()); ++n) {
      producer_[std::size_t(graph.nodes[std::size_t(n)].output)] = n;
      for (auto v : graph.nodes[std::size_t(n)].inputs) ++uses_[std::size_t(v)];
    }
  }

  Graph run() {
    Rewriter rewriter(graph_);
    for (const Node& node : graph_.nodes) {
      std::int64_t axis = 0;
      const auto parts = node.op == Op::add ? tiling(node, axis) : std::nullopt;
      if (!parts) {
        rewriter.copy(node);
        continue;
      }
      std::vector<ValueId> inputs;
      for (const Node* part : *parts) inputs.push_back(rewriter[part->inputs[0]]);
      rewriter.replace(node.output,
                       rewriter.to().add(Op::concat, inputs, {{"axis", axis}}, node.phase, node.name));
    }
    return rewriter.finish();
  }

 private:
  const Node* maker(ValueId v) const {
    const int n = producer_[std::size_t(v)];
    return n < 0 ? nullptr : &graph_.nodes[std::size_t(n)];
  }

  // The embeds under a tree of additions that nothing else looks into; false when there is anything else.
  bool collect(ValueId v, const Type& type, std::vector<const Node*>& parts) const {
    const Node* node = maker(v);
    if (!node || uses_[std::size_t(v)] != 1 || graph_.value(v).type != type) return false;
    if (node->op == Op::embed) {
      parts.push_back(node);
      return true;
    }
    return node->op == Op::add && collect(node->inputs[0], type, parts) &&
           collect(node->inputs[1], type, parts);
  }

  // The parts in order along the one axis they tile.
  std::optional<std::vector<const Node*>> tiling(const Node& add, std::int64_t& axis) const {
    const Type& type = graph_.value(add.output).type;
    std::vector<const Node*> parts;
    if (!collect(add.inputs[0], type, parts) || !collect(add.inputs[1], type, parts)) return std::nullopt;
    axis = -1;
    for (std::size_t d = 0; d < type.shape.size(); ++d)
      if (graph_.value(parts[0]->inputs[0]).type.shape[d] != type.shape[d]) {
        if (axis >= 0) return std::nullopt;
        axis = std::int64_t(d);
      }
    if (axis < 0) return std::nullopt;
    const auto at = std::size_t(axis);
    std::sort(parts.begin(), parts.end(),
              [&](const Node* a, const Node* b) { return a->list("starts")[at] < b->list("starts")[at]; });
    std::int64_t next = 0;
    for (const Node* part : parts) {
      if (!fills(*part, type, at, next)) return std::nullopt;
      next += graph_.value(part->inputs[0]).type.shape[at];
    }
    return next == type.shape[at] ? std::optional(parts) : std::nullopt;
  }

  // Is `part` a solid block over all dims but `axis`, where it starts at `start`, on a background of zero?
  bool fills(const Node& part, const Type& type, std::size_t axis, std::int64_t start) const {
    const Type& from = graph_.value(part.inputs[0]).type;
    if (part.number("value") != 0 || from.dtype != type.dtype) return false;
    for (std::size_t d = 0; d < type.shape.size(); ++d) {
      if (part.list("steps")[d] != 1) return false;
      if (part.list("starts")[d] != (d == axis ? start : 0)) return false;
      if (d != axis && from.shape[d] != type.shape[d]) return false;
    }
    return true;
  }

  const Graph& graph_;
  std::vector<int> producer_, uses_;
};

}  // namespace

Graph merge_embeds(const Graph& graph) {
  return Merger(graph).run();
}

}  // namespace leto::compiler
