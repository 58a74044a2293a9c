#include "compiler/passes/sparse_optimizer.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/errors.h"
#include "compiler/lower/update_plan.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

std::optional<TableOptimizer> rule_of(const Recipe& recipe) {
  if (recipe.table_optimizer) return recipe.table_optimizer;
  if (recipe.optimizer == Optimizer::sgd) return TableOptimizer::sgd;
  if (recipe.optimizer == Optimizer::adagrad) return TableOptimizer::adagrad;
  return std::nullopt;
}

class SparseOptimizer {
 public:
  SparseOptimizer(Graph& graph, const Recipe& recipe)
      : graph_(graph), recipe_(recipe), rule_(*rule_of(recipe)), lr_(recipe.table_lr.value_or(recipe.lr)) {}

  void add(const std::vector<LookedUp>& tables) {
    if (rule_ == TableOptimizer::adam) corrections();
    std::vector<Sorted> sorted;
    for (const LookedUp& t : tables) sorted.push_back(sort(t));
    for (std::size_t i = 0; i < tables.size(); ++i) update(tables[i], sorted[i]);
  }

 private:
  Builder builder(const LookedUp& t) const {
    const char* rule = rule_ == TableOptimizer::adagrad ? ".rowwise_adagrad"
                       : rule_ == TableOptimizer::adam  ? ".adam"
                                                        : ".sgd";
    return {graph_, Phase::optimizer, graph_.value(t.table).name + rule};
  }

  void corrections() {
    Builder b(graph_, Phase::optimizer, "adam");
    StateUpdates updates;
    const ValueId first = bias_correction(b, "adam.correction1", recipe_.beta1, updates);
    const ValueId second = bias_correction(b, "adam.correction2", recipe_.beta2, updates);
    for (const auto& [state, next] : updates) replace(state, next);
    rate_ = b.mul(b.unary(Op::reciprocal, first), -lr_);
    root_ = b.unary(Op::rsqrt, second);
  }

  /// The gradients that lookups share: one row for `share` of them, in their order, or times a weight of
  /// each.
  struct Shared {
    ValueId rows;
    std::int64_t share;
    ValueId weights = -1;
  };
  Shared shared_rows(const LookedUp& t) const {
    const auto made = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                   [&](const Node& node) { return node.output == t.rows; });
    const auto of = graph_.value(t.rows).type.shape;
    const std::int64_t bag = of[of.size() - 2];
    if (made == graph_.nodes.end() || (made->op != Op::expand && made->op != Op::mul)) return {t.rows, 1};
    const auto from = graph_.value(made->inputs[0]).type.shape;
    const bool bags =
        from.size() == of.size() && from[from.size() - 2] == 1 && product(from) * bag == product(of);
    if (!bags) return {t.rows, 1};
    if (made->op == Op::expand) return {made->inputs[0], bag};
    const auto weights = graph_.value(made->inputs[1]).type.shape;
    const bool each =
        weights.size() == of.size() && weights.back() == 1 && product(weights) * of.back() == product(of);
    return each ? Shared{made->inputs[0], bag, made->inputs[1]} : Shared{t.rows, 1};
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
    const bool weighted = shared.weights >= 0;
    const ValueId lookups = b.raw(Op::sort_lookups, {t.index},
                                  {{"rows", b.shape(t.table)[0]},
                                   {"share", weighted ? 1 : shared.share},
                                   {"dtype", std::string(name_of(DType::int32))}});
    const ValueId rows = b.reshape(shared.rows, {product(b.shape(shared.rows)) / width, width});
    if (!weighted) return {lookups, rows};
    const ValueId weights = b.reshape(shared.weights, {product(b.shape(shared.weights))});
    return {lookups, b.raw(Op::weighted_rows, {rows, weights})};
  }

  void update(const LookedUp& t, const Sorted& sorted) {
    Builder b = builder(t);
    const std::int64_t block = update_block(b.shape(t.table)[1], rule_ == TableOptimizer::adam);
    switch (rule_) {
      case TableOptimizer::sgd:
        return sgd(b, t.table, sorted, block);
      case TableOptimizer::adagrad:
        return adagrad(b, t.table, sorted, block);
      case TableOptimizer::adam:
        return adam(b, t.table, sorted, block);
    }
  }

  void sgd(Builder& b, ValueId table, const Sorted& sorted, std::int64_t block) {
    replace(table,
            b.raw(Op::sgd_rows, {table, sorted.gradients, sorted.lookups}, {{"lr", lr_}, {"block", block}}));
  }

  ValueId state(ValueId table, const char* what, std::int64_t width) {
    const Value of = graph_.value(table);
    return graph_.add_value(of.name + what, {DType::fp32, {of.type.shape[0], width}}, Role::state);
  }

  void adagrad(Builder& b, ValueId table, const Sorted& sorted, std::int64_t block) {
    const ValueId sums = state(table, ".sum", 1);
    replace(table, b.raw(Op::adagrad_rows, {table, sorted.gradients, sorted.lookups, sums},
                         {{"lr", lr_}, {"epsilon", recipe_.epsilon}, {"block", block}}));
    replace(sums, b.raw(Op::adagrad_sums, {sums, sorted.gradients, sorted.lookups}, {{"block", block}}));
  }

  void adam(Builder& b, ValueId table, const Sorted& sorted, std::int64_t block) {
    const std::int64_t width = b.shape(table)[1];
    const ValueId mean = state(table, ".m", width), square = state(table, ".v", width);
    const double mean_share = 1 - recipe_.beta1, square_share = 1 - recipe_.beta2;
    replace(table, b.raw(Op::adam_rows, {table, sorted.gradients, sorted.lookups, mean, square, rate_, root_},
                         {{"mean_share", mean_share},
                          {"square_share", square_share},
                          {"epsilon", recipe_.epsilon},
                          {"block", block}}));
    const auto moment = [&](ValueId of, double share, std::int64_t squared) {
      replace(of, b.raw(Op::moment_rows, {of, sorted.gradients, sorted.lookups},
                        {{"share", share}, {"square", squared}, {"block", block}}));
    };
    moment(mean, mean_share, 0);
    moment(square, square_share, 1);
  }

  void replace(ValueId state, ValueId next) {
    graph_.value(next).name = graph_.names.claim(graph_.values, graph_.value(state).name + ".new");
    graph_.names.reserve(graph_.value(next).name);
    graph_.updates.emplace_back(state, next);
  }

  Graph& graph_;
  const Recipe& recipe_;
  const TableOptimizer rule_;
  const double lr_;
  ValueId rate_ = -1, root_ = -1;  // adam: -lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
};

/// What keeps the rows of a step from being updated on their own: they would have to be those of all steps,
/// or their gradients known before they are added up. Empty: nothing.
std::string hindrance(const Recipe& recipe) {
  if (recipe.loss_scale != 1 || recipe.dynamic_loss_scale) return "loss_scale";
  if (recipe.clip_norm != 0) return "clip_norm";
  if (recipe.warmup != 0) return "warmup";
  if (recipe.micro_batches != 1) return "micro_batches";
  return "";
}

}  // namespace

std::vector<LookedUp> looked_up_tables(const Graph& graph, const Gradients& gradients, const Recipe& recipe) {
  std::vector<LookedUp> out;
  const std::string other = hindrance(recipe);
  if (recipe.table_optimizer && !other.empty())
    throw Error(
        ExitCode::unsupported,
        fmt::format("table_optimizer with {}: tables are updated by the rows of the step alone", other),
        fmt::format("leave {} out of the recipe, or table_optimizer: then tables are updated as a whole",
                    other));
  const bool decays = recipe.weight_decay != 0 && !recipe.table_optimizer;
  if (!rule_of(recipe) || decays || !other.empty()) return out;
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
  if (recipe.table_optimizer && out.empty())
    throw Error(ExitCode::unsupported,
                "table_optimizer: the model has no table that one index input looks up",
                "leave table_optimizer out of the recipe");
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.table < b.table; });
  return out;
}

void add_sparse_optimizer(Graph& graph, const std::vector<LookedUp>& tables, const Recipe& recipe) {
  if (!tables.empty()) SparseOptimizer(graph, recipe).add(tables);
}

}  // namespace leto::compiler
