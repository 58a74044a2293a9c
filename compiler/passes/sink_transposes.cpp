#include "compiler/passes/sink_transposes.h"

#include "compiler/ops.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {

Graph sink_transposes(const Graph& graph) {
  Rewriter rewriter(graph);
  // The transpose (of the old graph, after sinking: of the new one) that made a value.
  struct Origin {
    ValueId source = -1;  // new value
    std::vector<std::int64_t> perm;
  };
  std::vector<Origin> origin(graph.values.size());
  for (const Node& node : graph.nodes) {
    const Origin* from = node.inputs.size() == 1 ? &origin[std::size_t(node.inputs[0])] : nullptr;
    if (node.op == Op::transpose) {
      origin[std::size_t(node.output)] = {rewriter[node.inputs[0]], node.list("perm")};
      rewriter.copy(node);
    } else if (from && from->source >= 0 && is_elementwise(node.op)) {
      const ValueId inner =
          rewriter.to().add(node.op, {from->source}, node.attributes, node.phase, node.name);
      rewriter.replace(node.output, rewriter.to().add(Op::transpose, {inner}, {{"perm", from->perm}},
                                                      node.phase, node.name));
      origin[std::size_t(node.output)] = {inner, from->perm};
    } else {
      rewriter.copy(node);
    }
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
