#include "compiler/passes/sparse_optimizer.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "compiler/lower/update_plan.h"
#include "compiler/passes/builder.h"

namespace leto::compiler {
namespace {

class SparseOptimizer {
 public:
  SparseOptimizer(Graph& graph, const Recipe& recipe) : graph_(graph), recipe_(recipe) {}

  void add(const std::vector<LookedUp>& tables) {
    std::vector<Sorted> sorted;
    for (const LookedUp& t : tables) sorted.push_back(sort(t));
    for (std::size_t i = 0; i < tables.size(); ++i) update(tables[i], sorted[i]);
  }

 private:
  Builder builder(const LookedUp& t) const {
    const char* rule = recipe_.optimizer == Optimizer::adagrad ? ".rowwise_adagrad" : ".sgd";
    return {graph_, Phase::optimizer, graph_.value(t.table).name + rule};
  }

  /// The gradients that lookups share: one row for `share` of them, in their order.
  struct Shared {
    ValueId rows;
    std::int64_t share;
  };
  Shared shared_rows(const LookedUp& t) const {
    const auto made = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                   [&](const Node& node) { return node.output == t.rows; });
    const auto of = graph_.value(t.rows).type.shape;
    const std::int64_t bag = of[of.size() - 2];
    if (made == graph_.nodes.end() || made->op != Op::expand) return {t.rows, 1};
    const auto from = graph_.value(made->inputs[0]).type.shape;
    const bool bags =
        from.size() == of.size() && from[from.size() - 2] == 1 && product(from) * bag == product(of);
    return bags ? Shared{made->inputs[0], bag} : Shared{t.rows, 1};
  }
  static std::int64_t product(const std::vector<std::int64_t>& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  }

  /// Lookups by row, and the gradients that they name.
  struct Sorted {
    ValueId lookups, gradients;
  };
  Sorted sort(const LookedUp& t) {
    Builder b = builder(t);
    const Shared shared = shared_rows(t);
    const std::int64_t width = b.shape(shared.rows).back();
    return {b.raw(Op::sort_lookups, {t.index},
                  {{"rows", b.shape(t.table)[0]},
                   {"share", shared.share},
                   {"dtype", std::string(name_of(DType::int32))}}),
            b.reshape(shared.rows, {product(b.shape(shared.rows)) / width, width})};
  }

  void update(const LookedUp& t, const Sorted& sorted) {
    Builder b = builder(t);
    const std::int64_t block = update_block(b.shape(t.table)[1]);
    if (recipe_.optimizer == Optimizer::sgd)
      return replace(t.table, b.raw(Op::sgd_rows, {t.table, sorted.gradients, sorted.lookups},
                                    {{"lr", recipe_.lr}, {"block", block}}));
    const Value table = graph_.value(t.table);
    const ValueId sums =
        graph_.add_value(table.name + ".sum", {DType::fp32, {table.type.shape[0], 1}}, Role::state);
    replace(t.table, b.raw(Op::adagrad_rows, {t.table, sorted.gradients, sorted.lookups, sums},
                           {{"lr", recipe_.lr}, {"epsilon", recipe_.epsilon}, {"block", block}}));
    replace(sums, b.raw(Op::adagrad_sums, {sums, sorted.gradients, sorted.lookups}, {{"block", block}}));
  }

  void replace(ValueId state, ValueId next) {
    graph_.value(next).name = graph_.names.claim(graph_.values, graph_.value(state).name + ".new");
    graph_.names.reserve(graph_.value(next).name);
    graph_.updates.emplace_back(state, next);
  }

  Graph& graph_;
  const Recipe& recipe_;
};

}  // namespace

std::vector<LookedUp> looked_up_tables(const Graph& graph, const Gradients& gradients, const Recipe& recipe) {
  const bool sparse = recipe.optimizer == Optimizer::adagrad || recipe.optimizer == Optimizer::sgd;
  std::vector<LookedUp> out;
  const bool plain = recipe.weight_decay == 0 && recipe.loss_scale == 1 && !recipe.dynamic_loss_scale &&
                     recipe.clip_norm == 0 && recipe.warmup == 0 && recipe.micro_batches == 1;
  if (!sparse || !plain) return out;
  for (const auto& [parameter, gradient] : gradients.of) {
    const auto made = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                   [&](const Node& node) { return node.output == gradient; });
    if (made == graph.nodes.end() || made->op != Op::scatter_add) continue;
    const ValueId index = made->inputs[1];
    const bool table = graph.value(parameter).role == Role::parameter &&
                       graph.value(parameter).type == graph.value(gradient).type &&
                       graph.value(parameter).type.shape.size() == 2;
    if (table && graph.value(index).role == Role::input) out.push_back({parameter, made->inputs[0], index});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.table < b.table; });
  return out;
}

void add_sparse_optimizer(Graph& graph, const std::vector<LookedUp>& tables, const Recipe& recipe) {
  SparseOptimizer(graph, recipe).add(tables);
}

}  // namespace leto::compiler
