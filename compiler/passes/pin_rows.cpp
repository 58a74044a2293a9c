#include "compiler/passes/pin_rows.h"

#include <algorithm>

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

struct Apart {
  std::int64_t rows, copies;

  ValueId bag(Builder& b, ValueId table, ValueId index, std::string_view dtype) const {
    Graph& graph = b.graph();
    const Value lookups = graph.value(index);
    const std::int64_t width = b.shape(table)[1], all = b.shape(table)[0];
    const ValueId hot = input(graph, hot_of(lookups.name, rows, copies), {lookups.type.dtype, {rows}}, all);
    const ValueId cold = input(graph, cold_of(lookups.name, rows, copies), lookups.type, all);
    const ValueId pinned = input(graph, pinned_of(lookups.name, rows, copies),
                                 {DType::int32, lookups.type.shape}, rows * copies);
    const ValueId once = b.raw(Op::gather, {table, hot}, {{"padding", std::int64_t{1}}});
    const ValueId many = b.expand(b.reshape(once, {1, rows, width}), {copies, rows, width});
    return b.raw(Op::pinned_bag, {table, cold, b.reshape(many, {copies * rows, width}), pinned},
                 {{"dtype", std::string(dtype)}});
  }
};

}  // namespace

Graph pin_rows(const Graph& graph, const ChipConfig& chip, std::int64_t rows) {
  const Apart apart{
      rows, std::max<std::int64_t>(1, chip.pes() / (chip.noc.cluster_rows * chip.noc.cluster_columns))};
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes) {
    const bool splits = node.op == Op::embedding_bag && graph.value(node.inputs[1]).role == Role::input;
    if (!splits) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, node.name);
    const auto inputs = rewriter.mapped(node.inputs);
    const Type& type = graph.value(node.output).type;
    rewriter.replace(node.output, apart.bag(b, inputs[0], inputs[1], name_of(type.dtype)));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
