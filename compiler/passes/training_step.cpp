#include "compiler/passes/training_step.h"

#include "base/errors.h"
#include "compiler/check_values.h"
#include "compiler/passes/decompose.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/mark_useful.h"
#include "compiler/passes/match_attention.h"
#include "compiler/passes/match_embedding_bags.h"
#include "compiler/passes/micro_batches.h"
#include "compiler/passes/rewriter.h"
#include "compiler/passes/shard_tables.h"

namespace leto::compiler {
namespace {

/// Parameters; without an optimizer the inputs too, since then the gradients are what the step is for.
std::vector<ValueId> differentiated(const Graph& graph, const Recipe& recipe) {
  std::vector<ValueId> out;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& v = graph.values[i];
    const bool wanted =
        v.role == Role::parameter || (v.role == Role::input && recipe.optimizer == Optimizer::none);
    if (wanted && is_float(v.type.dtype)) {
      out.push_back(static_cast<ValueId>(i));
    }
  }
  return out;
}

void output_gradients(Graph& graph, const Gradients& gradients, const std::vector<ValueId>& wanted) {
  for (const ValueId id : wanted) {
    const auto it = gradients.of.find(id);
    if (it == gradients.of.end()) {
      continue;
    }
    graph.value(it->second).name = graph.names.claim(graph.values, graph.value(id).name + ".grad");
    graph.names.reserve(graph.value(it->second).name);
    graph.outputs.push_back(it->second);
  }
}

/// Half a step of a row's own scale is what most updates are less than.
void refuse_rows_of_int8(const Graph& graph, const Recipe& recipe) {
  if (recipe.optimizer == Optimizer::none) return;
  for (const Node& node : graph.nodes)
    if (node.op == Op::quantised_bag)
      throw Error(ExitCode::unsupported,
                  fmt::format("table '{}' has rows of int8, which are looked up and not trained",
                              graph.value(node.inputs[0]).name),
                  fmt::format("train it from fp32 masters: leave metadata 'leto.dtype.{}' out of the model",
                              graph.value(node.inputs[0]).name));
}

bool trains(const Recipe& recipe) {
  return recipe.optimizer != Optimizer::none || recipe.loss != Loss::own;
}

Graph sharded(const Graph& graph, const Recipe& recipe, const Options& options) {
  if (recipe.micro_batches > 1)
    throw Error(ExitCode::unsupported,
                "--shards with micro_batches: a step's lookups are those of all chips' samples, in order",
                "set micro_batches = 1 in the recipe");
  // Gathers that bags were made of have no users left.
  return shard_tables(dead_code(graph), options.shards, options.shard_by);
}

}  // namespace

Graph training_step(const Graph& forward, const Recipe& recipe, const Options& options) {
  ValueCheck check(forward, options);
  Graph graph = mark_useful(forward);
  const auto becomes = [&](Graph next, const char* pass) {
    graph = std::move(next);
    check.after(pass, graph);
  };
  becomes(match_attention(graph), "match_attention");
  becomes(dead_code(graph), "dead_code");  // the masks that attention has taken over
  becomes(match_embedding_bags(graph), "match_embedding_bags");
  if (options.shards > 1) {
    graph = sharded(graph, recipe, options);
    verify(graph, "shard_tables");
    check = ValueCheck(graph, options);  // a share has other values than the whole
  }
  if (!trains(recipe) && recipe.text.empty()) {
    return graph;
  }
  becomes(widen(graph), "widen");
  becomes(decompose_pools(graph), "decompose_pools");
  Gradients gradients;
  if (trains(recipe)) {
    refuse_rows_of_int8(graph, recipe);
    add_loss(graph, recipe.loss);
    const std::vector<ValueId> wanted = differentiated(graph, recipe);
    LossScale scale = add_loss_scale(graph, recipe);
    if (recipe.micro_batches > 1) {
      MicroBatched several = accumulate(graph, recipe.micro_batches, wanted, scale);
      graph = std::move(several.graph);
      gradients = std::move(several.gradients);
      scale = several.scale;
    } else {
      gradients = differentiate(graph, graph.loss, wanted, scale);
    }
    if (recipe.optimizer == Optimizer::none) {
      output_gradients(graph, gradients, wanted);
    } else {
      add_optimizer(graph, gradients, recipe, scale);
    }
    check.after("differentiate", graph);
  }
  becomes(decompose_convolutions(graph, gradients), "decompose_convolutions");
  if (recipe.precision != Precision::fp32) {
    becomes(narrow(graph, gradients), "narrow");
  }
  if (recipe.precision == Precision::fp8) {
    becomes(quantise(graph), "quantise");
  }
  becomes(fold(graph), "fold");
  becomes(common_subexpressions(graph), "common_subexpressions");
  becomes(dead_code(graph), "dead_code");
  verify(graph, "training_step");
  return graph;
}

Graph widen(const Graph& graph) {
  Rewriter rewriter(graph);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& v = graph.values[i];
    if (v.role == Role::intermediate || !is_float(v.type.dtype) || v.type.dtype == DType::fp32) {
      continue;
    }
    const auto id = static_cast<ValueId>(i);
    if (v.role == Role::input) {
      rewriter.map(id, rewriter.to().add(Op::cast, {rewriter[id]}, {{"dtype", std::string("fp32")}},
                                         Phase::forward, v.name + ".fp32"));
    } else {
      rewriter.to().value(rewriter[id]).type.dtype = DType::fp32;
    }
  }
  for (const Node& node : graph.nodes) {
    const bool floats = is_float(graph.value(node.output).type.dtype);
    if (node.op == Op::cast && floats && is_float(graph.value(node.inputs[0]).type.dtype)) {
      rewriter.replace(node.output, rewriter[node.inputs[0]]);
      continue;
    }
    auto attributes = node.attributes;
    if (floats && attributes.contains("dtype")) {
      attributes["dtype"] = std::string("fp32");
    }
    rewriter.copy(node, std::move(attributes));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
