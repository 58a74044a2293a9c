#include "compiler/lower/select.h"

#include <algorithm>

#include "compiler/lower/selector.h"

namespace leto::compiler {

Selector::Selector(const Graph& graph, const ChipConfig& chip) : graph_(graph), chip_(chip) {
  users_.resize(graph.values.size());
  producer_.assign(graph.values.size(), -1);
  views_.resize(graph.values.size());
  destination_.resize(graph.values.size());
  out_.storage_of.assign(graph.values.size(), -1);
  kept_.assign(graph.values.size(), false);
  done_.assign(graph.nodes.size(), false);
  repeatable_.assign(graph.nodes.size(), false);
  for (int n = 0; n < int(graph.nodes.size()); ++n) {
    for (auto v : node(n).inputs) users_[std::size_t(v)].push_back(n);
    producer_[std::size_t(node(n).output)] = n;
  }
  for (auto v : graph.outputs) kept_[std::size_t(v)] = true;
  if (graph.loss >= 0) kept_[std::size_t(graph.loss)] = true;
  for (auto [state, next] : graph.updates) kept_[std::size_t(next)] = true;
}

Lowered Selector::run() {
  for (ValueId v = 0; v < ValueId(graph_.values.size()); ++v)
    if (graph_.value(v).role != Role::intermediate &&
        (!users_[std::size_t(v)].empty() || kept_[std::size_t(v)] || is_state(v) || are_lookups(v)))
      if (!is_immediate(v))
        views_[std::size_t(v)] = dense_view(new_storage(v, true), graph_.value(v).type.shape);
  assign_destinations();
  for (int n = 0; n < int(graph_.nodes.size()); ++n)
    if (!done_[std::size_t(n)]) schedule(n);
  out_.views = std::move(views_);
  return std::move(out_);
}

bool Selector::is_state(ValueId v) const {
  return graph_.value(v).role == Role::state || graph_.value(v).role == Role::parameter;
}

bool Selector::are_lookups(ValueId v) const {
  return graph_.value(v).role == Role::input && graph_.value(v).limit > 0;
}

bool Selector::is_immediate(ValueId v) const {
  const auto& value = graph_.value(v);
  return value.role == Role::constant && value.data.size() == 1 && !kept_[std::size_t(v)] &&
         std::all_of(users_[std::size_t(v)].begin(), users_[std::size_t(v)].end(), [&](int n) {
           return vector_op(node(n).op).has_value() && isa::is_binary(*vector_op(node(n).op)) &&
                  node(n).inputs[0] != node(n).inputs[1];
         });
}

StorageId Selector::new_storage(ValueId v, bool pinned) {
  out_.storages.push_back({v, elements(type(v)), type(v).dtype, pinned});
  const auto id = StorageId(out_.storages.size() - 1);
  out_.storage_of[std::size_t(v)] = id;
  return id;
}

View Selector::temporary(ValueId v) {
  out_.storages.push_back({v, elements(type(v)), type(v).dtype, false});
  return dense_view(StorageId(out_.storages.size() - 1), type(v).shape);
}

void Selector::schedule(int n) {
  const auto& x = node(n);
  if (is_view_op(x.op)) return move(n);
  if (is_fusable(graph_, x)) return fuse_from(n);
  done_[std::size_t(n)] = true;
  switch (x.op) {
    case Op::matmul:
      return matmul(x);
    case Op::reduce_sum:
    case Op::reduce_max:
      return column_reduce(x);
    case Op::concat:
      return concat(x);
    case Op::embed:
      return embed(x);
    case Op::exchange:
      return exchange(x);
    case Op::gather:
      return gather(x);
    case Op::embedding_bag:
    case Op::pinned_bag:
    case Op::weighted_bag:
    case Op::quantised_bag:
      return embedding_bag(x);
    case Op::weighted_rows:
      return weighted_rows(n);
    case Op::scatter_add:
      return scatters_from(n);
    case Op::sort_lookups:
      return sorts_from(n);
    case Op::sgd_rows:
    case Op::adagrad_rows:
    case Op::adagrad_sums:
    case Op::adam_rows:
    case Op::moment_rows:
      return updates_from(n);
    case Op::attention:
      return attention(x);
    case Op::attention_dscores:
      return attention_gradient(x);
    case Op::attention_dq:
      return attention_query(x);
    default:
      throw Error(ExitCode::unsupported,
                  fmt::format("operation {} ({}) cannot be lowered to the chip", name_of(x.op), x.name),
                  "run the decompose pass first, or choose another formulation of the model");
  }
}

View Selector::result_view(ValueId v) {
  auto& view = views_[std::size_t(v)];
  if (destination_[std::size_t(v)])
    view = *destination_[std::size_t(v)];
  else
    view = dense_view(new_storage(v, kept_[std::size_t(v)]), type(v).shape);
  return *view;
}

Lowered select(const Graph& graph, const ChipConfig& chip) {
  return Selector(graph, chip).run();
}

}  // namespace leto::compiler
