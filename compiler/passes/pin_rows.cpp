#include "compiler/passes/pin_rows.h"

#include <algorithm>
#include <map>

#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"
#include "compiler/row_plan.h"

namespace leto::compiler {
namespace {

/// An index input of the planned kind: made once, tables may share lookups.
ValueId input(Graph& graph, const std::string& name, Type type, std::int64_t limit) {
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].name == name) return static_cast<ValueId>(i);
  const ValueId id = graph.add_value(name, std::move(type), Role::input);
  graph.value(id).limit = limit;
  return id;
}

/// The bags of a graph whose tables' popular rows are to lie apart.
class Apart {
 public:
  Apart(const Graph& from, Rewriter& rewriter, std::int64_t rows, std::int64_t copies)
      : from_(from), rewriter_(rewriter), rows_(rows), copies_(copies) {}

  bool takes(const Node& node) const {
    return node.op == Op::embedding_bag && from_.value(node.inputs[1]).role == Role::input &&
           from_.value(node.inputs[0]).role != Role::intermediate;
  }

  /// The popular rows of all tables, one copy for every cluster: side by side, before the first bag.
  void copy_rows() {
    for (const Node& node : from_.nodes) {
      if (!takes(node)) continue;
      const auto inputs = rewriter_.mapped(node.inputs);
      Builder b(rewriter_.to(), node.phase, node.name);
      const Value lookups = rewriter_.to().value(inputs[1]);
      const ValueId hot = input(rewriter_.to(), hot_of(lookups.name, rows_, copies_),
                                {lookups.type.dtype, {copies_ * rows_}}, b.shape(inputs[0])[0]);
      copies_of_[&node] = b.raw(Op::gather, {inputs[0], hot}, {{"padding", std::int64_t{1}}});
    }
  }

  void bag(const Node& node) {
    const auto inputs = rewriter_.mapped(node.inputs);
    Graph& graph = rewriter_.to();
    Builder b(graph, node.phase, node.name);
    const Value lookups = graph.value(inputs[1]);
    const ValueId cold =
        input(graph, cold_of(lookups.name, rows_, copies_), lookups.type, b.shape(inputs[0])[0]);
    const ValueId pinned = input(graph, pinned_of(lookups.name, rows_, copies_),
                                 {DType::int32, lookups.type.shape}, rows_ * copies_);
    const auto dtype = name_of(from_.value(node.output).type.dtype);
    rewriter_.replace(node.output, b.raw(Op::pinned_bag, {inputs[0], cold, copies_of_.at(&node), pinned},
                                         {{"dtype", std::string(dtype)}}));
  }

 private:
  const Graph& from_;
  Rewriter& rewriter_;
  std::int64_t rows_, copies_;
  std::map<const Node*, ValueId> copies_of_;
};

}  // namespace

Graph pin_rows(const Graph& graph, const ChipConfig& chip, std::int64_t rows) {
  Rewriter rewriter(graph);
  Apart apart(graph, rewriter, rows,
              std::max<std::int64_t>(1, chip.pes() / (chip.noc.cluster_rows * chip.noc.cluster_columns)));
  bool copied = false;
  for (const Node& node : graph.nodes) {
    if (!apart.takes(node)) {
      rewriter.copy(node);
      continue;
    }
    if (!copied) apart.copy_rows();
    copied = true;
    apart.bag(node);
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
