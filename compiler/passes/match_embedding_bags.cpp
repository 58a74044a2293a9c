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

  /// The gather whose rows `node` sums over the last dimension of the indices; null when it is no such sum.
  const Node* gather_summed_by(const Node& node) const {
    if (node.op != Op::reduce_sum) return nullptr;
    const ValueId rows = node.inputs[0];
    const Node* gather = maker_[static_cast<std::size_t>(rows)];
    if (gather == nullptr || gather->op != Op::gather || uses_[static_cast<std::size_t>(rows)] != 1)
      return nullptr;
    const auto rank = static_cast<std::int64_t>(graph_.value(rows).type.shape.size());
    const bool matrix = graph_.value(gather->inputs[0]).type.shape.size() == 2;
    const bool bags = rank >= 2 && node.list("axes") == std::vector<std::int64_t>{rank - 2};
    return matrix && bags && gather->integer("padding") == 0 ? gather : nullptr;
  }

 private:
  const Graph& graph_;
  std::vector<const Node*> maker_;
  std::vector<int> uses_;
};

}  // namespace

Graph match_embedding_bags(const Graph& forward) {
  const Matcher matcher(forward);
  Rewriter rewriter(forward);
  for (const Node& node : forward.nodes) {
    const Node* gather = matcher.gather_summed_by(node);
    if (gather == nullptr) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, gather->name);
    const Type& type = forward.value(node.output).type;
    const ValueId sum = b.raw(Op::embedding_bag, rewriter.mapped(gather->inputs),
                              {{"dtype", std::string(name_of(type.dtype))}});
    rewriter.replace(node.output, b.reshape(sum, type.shape));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
