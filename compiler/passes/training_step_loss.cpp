#include <numeric>

#include "base/errors.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

[[noreturn]] void fail(const Graph& graph, const std::string& why, const std::string& remedy) {
  throw Error(ExitCode::bad_input, fmt::format("model '{}': {}", graph.name, why), remedy);
}

Node* loss_node(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.output == graph.loss && (node.op == Op::cross_entropy || node.op == Op::mse)) {
      return &node;
    }
  }
  return nullptr;
}

ValueId first_output(const Graph& graph) {
  if (graph.outputs.empty() || !is_float(graph.value(graph.outputs[0]).type.dtype)) {
    fail(graph, "the loss needs a float output, and the model's first output is none", "use loss = \"own\"");
  }
  return graph.outputs[0];
}

// Scores [..., classes] count as rows of classes.
ValueId cross_entropy(Graph& graph) {
  Builder b(graph, Phase::loss, "loss");
  const ValueId scores = first_output(graph);
  const Type type = graph.value(scores).type;
  if (type.shape.size() < 2) {
    fail(graph, "cross_entropy needs scores [rows, classes]", "use loss = \"mse\" or \"sum\"");
  }
  const std::int64_t classes = type.shape.back(), rows = elements(type) / classes;
  const ValueId labels = graph.add_value("labels", {DType::int32, {rows}}, Role::input);
  graph.value(labels).limit = classes;
  return b.raw(Op::cross_entropy, {b.reshape(scores, {rows, classes}), labels});
}

ValueId mean_squared_error(Graph& graph) {
  const ValueId y = first_output(graph);
  const ValueId target = graph.add_value("target", graph.value(y).type, Role::input);
  return graph.add(Op::mse, {y, target}, {}, Phase::loss, "loss");
}

ValueId sum_of_outputs(Graph& graph) {
  Builder b(graph, Phase::loss, "loss");
  first_output(graph);
  ValueId total = -1;
  const std::vector<ValueId> outputs = graph.outputs;
  for (const ValueId id : outputs) {
    if (!is_float(graph.value(id).type.dtype)) {
      continue;
    }
    std::vector<std::int64_t> axes(graph.value(id).type.shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    const ValueId sum = b.reshape(b.reduce(Op::reduce_sum, id, axes), {});
    total = total < 0 ? sum : b.add(total, sum);
  }
  return total;
}

}  // namespace

void add_loss(Graph& graph, Loss loss) {
  Node* own = loss_node(graph);
  const bool same_kind = own && loss == (own->op == Op::mse ? Loss::mse : Loss::cross_entropy);
  if (loss == Loss::own || same_kind) {
    if (graph.loss < 0) {
      fail(graph, "the model has no loss of its own",
           "set loss = \"cross_entropy\", \"mse\" or \"sum\" in the recipe");
    }
    if (own) {
      own->phase = Phase::loss;
    }
    return;
  }
  graph.loss = loss == Loss::cross_entropy ? cross_entropy(graph)
               : loss == Loss::mse         ? mean_squared_error(graph)
                                           : sum_of_outputs(graph);
}

}  // namespace leto::compiler
