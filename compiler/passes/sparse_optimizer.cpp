#include "compiler/passes/sparse_optimizer.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "compiler/passes/builder.h"

namespace leto::compiler {
namespace {

/// One table on its way through the stages.
struct Table {
  LookedUp lookups;
  ValueId slots = -1, rows = -1, which = -1;  // of the sorted lookups (ops.inc)
  ValueId gradients = -1;                     // one row for each of `which`
  ValueId merged = -1;                        // at the slots: one row for each row of the table
  ValueId sums = -1;                          // adagrad's state, one a row of the table
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

  /// The gradients that lookups share: one row for `share` of them, in their order.
  struct Shared {
    ValueId rows;
    std::int64_t share;
  };
  Shared shared_rows(const Table& t) {
    const auto made = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                   [&](const Node& node) { return node.output == t.lookups.rows; });
    const auto of = graph_.value(t.lookups.rows).type.shape;
    const std::int64_t bag = of[of.size() - 2];
    if (made == graph_.nodes.end() || made->op != Op::expand) return {t.lookups.rows, 1};
    const auto from = graph_.value(made->inputs[0]).type.shape;
    const bool bags =
        from.size() == of.size() && from[from.size() - 2] == 1 && product(from) * bag == product(of);
    return bags ? Shared{made->inputs[0], bag} : Shared{t.lookups.rows, 1};
  }
  static std::int64_t product(const std::vector<std::int64_t>& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  }

  void sort(Table& t) {
    Builder b = builder(t);
    const Shared shared = shared_rows(t);
    const std::int64_t width = b.shape(shared.rows).back(), n = lookups_of(t);
    t.gradients = b.reshape(shared.rows, {product(b.shape(shared.rows)) / width, width});
    const ValueId sorted = b.raw(Op::sort_lookups, {t.lookups.index},
                                 {{"rows", b.shape(t.lookups.table)[0]},
                                  {"share", shared.share},
                                  {"dtype", std::string(name_of(DType::int32))}});
    const auto list = [&](std::int64_t i) { return b.reshape(b.slice(sorted, {i, 0}, {1, n}, {1, 1}), {n}); };
    t.slots = list(0);
    t.rows = list(1);
    t.which = list(2);
  }

  Table planned(const LookedUp& lookups) {
    Table t;
    t.lookups = lookups;
    const Value index = graph_.value(lookups.index);
    sort(t);
    const Value table = graph_.value(lookups.table);
    if (recipe_.optimizer == Optimizer::adagrad)
      t.sums = graph_.add_value(table.name + ".sum", {DType::fp32, {table.type.shape[0], 1}}, Role::state);
    return t;
  }

  void merge(Table& t) {
    t.merged = builder(t).raw(Op::merge_rows, {t.gradients, t.which, t.slots}, {{"rows", lookups_of(t)}});
  }

  // adagrad: sum' = sum + mean of g^2; change = -lr / (sqrt(sum') + eps) g.
  void mean_square(Table& t) {
    Builder b = builder(t);
    const auto width = static_cast<double>(b.shape(t.merged)[1]);
    t.square = b.mul(b.sum_last(b.mul(t.merged, t.merged)), 1 / width);
  }
  ValueId chosen(const Table& t) {
    return builder(t).raw(Op::gather, {t.next_sums, t.rows}, {{"padding", std::int64_t{1}}});
  }
  void adagrad(Table& t) {
    Builder b = builder(t);
    const ValueId root = b.add(b.unary(Op::sqrt, t.chosen_sums), recipe_.epsilon);
    t.change = b.mul(t.merged, b.mul(b.unary(Op::reciprocal, root), -recipe_.lr));
  }

  /// `state` with a row added for each of `rows`, in its place.
  ValueId add_rows(const Table& t, ValueId state, ValueId rows) {
    const ValueId next = builder(t).raw(Op::add_rows, {state, rows, t.rows});
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
