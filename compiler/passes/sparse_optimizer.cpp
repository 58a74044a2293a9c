#include "compiler/passes/sparse_optimizer.h"

#include <algorithm>

#include "compiler/passes/builder.h"
#include "compiler/row_plan.h"

namespace leto::compiler {
namespace {

/// One table on its way through the stages.
struct Table {
  LookedUp lookups;
  ValueId plan_rows = -1, plan_slots = -1;
  ValueId merged = -1;  // gradients, one row for each row of the plan
  ValueId sums = -1;    // adagrad's state, one a row of the table
  ValueId square = -1, next_sums = -1, chosen_sums = -1;
  ValueId change = -1;
};

class SparseOptimizer {
 public:
  SparseOptimizer(Graph& graph, const Recipe& recipe) : graph_(graph), recipe_(recipe) {}

  // Stage by stage over all tables: those of different tables do not depend on each other and can overlap.
  void add(const std::vector<LookedUp>& tables) {
    std::vector<Table> all;
    for (const LookedUp& lookups : tables) all.push_back(planned(lookups));
    for (Table& t : all) merge(t);
    if (recipe_.optimizer == Optimizer::adagrad) {
      for (Table& t : all) mean_square(t);
      for (Table& t : all) t.next_sums = add_rows(t, t.sums, t.square);
      for (Table& t : all) t.chosen_sums = chosen(t);
      for (Table& t : all) adagrad(t);
    } else {
      for (Table& t : all) t.change = builder(t).mul(t.merged, -recipe_.lr);
    }
    for (Table& t : all) add_rows(t, t.lookups.table, t.change);
  }

 private:
  Builder builder(const Table& t) const {
    const char* rule = recipe_.optimizer == Optimizer::adagrad ? ".rowwise_adagrad" : ".sgd";
    return {graph_, Phase::optimizer, graph_.value(t.lookups.table).name + rule};
  }
  std::int64_t lookups_of(const Table& t) const { return elements(graph_.value(t.lookups.index).type); }

  ValueId input(const std::string& name, std::vector<std::int64_t> shape) {
    for (std::size_t i = 0; i < graph_.values.size(); ++i)
      if (graph_.values[i].name == name) return static_cast<ValueId>(i);  // tables may share lookups
    return graph_.add_value(name, {DType::int32, std::move(shape)}, Role::input);
  }

  Table planned(const LookedUp& lookups) {
    Table t;
    t.lookups = lookups;
    const Value index = graph_.value(lookups.index);
    t.plan_slots = input(slots_of(index.name), index.type.shape);
    t.plan_rows = input(rows_of(index.name), {elements(index.type)});
    const Value table = graph_.value(lookups.table);
    if (recipe_.optimizer == Optimizer::adagrad)
      t.sums = graph_.add_value(table.name + ".sum", {DType::fp32, {table.type.shape[0], 1}}, Role::state);
    return t;
  }

  void merge(Table& t) {
    t.merged = builder(t).raw(Op::scatter_add, {t.lookups.rows, t.plan_slots},
                              {{"rows", lookups_of(t)}, {"padding", std::int64_t{1}}});
  }

  // adagrad: sum' = sum + mean of g^2; change = -lr / (sqrt(sum') + eps) g.
  void mean_square(Table& t) {
    Builder b = builder(t);
    const auto width = static_cast<double>(b.shape(t.merged)[1]);
    t.square = b.mul(b.sum_last(b.mul(t.merged, t.merged)), 1 / width);
  }
  ValueId chosen(const Table& t) {
    return builder(t).raw(Op::gather, {t.next_sums, t.plan_rows}, {{"padding", std::int64_t{1}}});
  }
  void adagrad(Table& t) {
    Builder b = builder(t);
    const ValueId root = b.add(b.unary(Op::sqrt, t.chosen_sums), recipe_.epsilon);
    t.change = b.mul(t.merged, b.mul(b.unary(Op::reciprocal, root), -recipe_.lr));
  }

  /// `state` with a row added for each of the plan's, in its place.
  ValueId add_rows(const Table& t, ValueId state, ValueId rows) {
    const ValueId next = builder(t).raw(Op::add_rows, {state, rows, t.plan_rows});
    replace(state, next);
    return next;
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
  const bool plain = recipe.weight_decay == 0 && recipe.loss_scale == 1 && recipe.clip_norm == 0 &&
                     recipe.warmup == 0 && recipe.micro_batches == 1;
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
