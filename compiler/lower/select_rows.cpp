// Select: rows chosen by indices, sorts of indices, updates of tables.
#include <algorithm>

#include "compiler/lower/selector.h"
#include "compiler/lower/sort_plan.h"
#include "compiler/lower/update_plan.h"
#include "compiler/row_plan.h"

namespace leto::compiler {

View Selector::as_rows(const View& view, std::int64_t count, const Node& x) const {
  if (auto rows = reshaped(view, {count, product(view.shape) / count})) return *rows;
  throw Error(ExitCode::unsupported, fmt::format("{}: rows are not contiguous in memory", x.name),
              "copy the operand first");
}

void Selector::gather(const Node& x) {
  const auto count = elements(type(x.inputs[1]));
  GatherKernel k;
  k.table = {as_rows(*views_[std::size_t(x.inputs[0])], type(x.inputs[0]).shape[0], x),
             type(x.inputs[0]).dtype};
  k.index = {*reshaped(*views_[std::size_t(x.inputs[1])], {count}), type(x.inputs[1]).dtype};
  k.out = {as_rows(result_view(x.output), count, x), type(x.output).dtype};
  k.padding = x.integer("padding") != 0;
  // Popular rows of all tables (pin_rows.h): a PE's round trip to memory is to bring a good part of a
  // table's.
  constexpr std::int64_t kPlanned = 32;
  if (planned_input(graph_.value(x.inputs[1]).name)) k.least = kPlanned;
  emit(x, k);
}

void Selector::embedding_bag(const Node& x) {
  const Type &table = type(x.inputs[0]), &index = type(x.inputs[1]);
  const auto bag = index.shape.back(), count = elements(index) / bag;
  BagKernel k;
  k.table = dense_rows(x, x.inputs[0]);
  k.index = {as_rows(dense_rows(x, x.inputs[1]).view, count, x), index.dtype};
  if (x.op == Op::pinned_bag)
    k.apart = {dense_rows(x, x.inputs[2]),
               {as_rows(dense_rows(x, x.inputs[3]).view, count, x), type(x.inputs[3]).dtype}};
  if (x.op == Op::weighted_bag)
    k.weights = {as_rows(dense_rows(x, x.inputs[2]).view, count, x), type(x.inputs[2]).dtype};
  const View to = result_view(x.output);
  k.out = {as_rows(to, count, x), type(x.output).dtype};
  const bool dense = to.strides.back() == 1 || table.shape[1] == 1;
  if (!dense) k.out.view = as_rows(temporary(x.output), count, x);
  emit(x, k);
  if (!dense) copy(x, k.out, {as_rows(to, count, x), k.out.dtype});
}

bool Selector::made_by_updates(ValueId v) const {
  const int made = producer_[std::size_t(v)];
  const auto& users = users_[std::size_t(v)];
  return made >= 0 && node(made).op == Op::weighted_rows && !kept_[std::size_t(v)] &&
         std::all_of(users.begin(), users.end(), [&](int u) { return is_update(node(u)); });
}

void Selector::weighted_rows(int n) {
  const Node& x = node(n);
  if (made_by_updates(x.output)) return;
  const std::int64_t many = type(x.inputs[0]).shape[0], width = type(x.inputs[0]).shape[1],
                     each = type(x.inputs[1]).shape[0] / many;
  VectorKernel k;
  k.shape = {many, each, width};
  const View rows = *reshaped(dense_rows(x, x.inputs[0]).view, {many, 1, width}),
             weights = *reshaped(dense_rows(x, x.inputs[1]).view, {many, each, 1});
  k.inputs = {{broadcast(rows, k.shape), type(x.inputs[0]).dtype},
              {broadcast(weights, k.shape), type(x.inputs[1]).dtype}};
  using Ref = VectorKernel::Ref;
  k.steps.push_back({isa::VectorOp::multiply,
                     isa::Reduce::none,
                     {Ref::Kind::input, 0},
                     {Ref::Kind::input, 1},
                     0,
                     type(x.output).dtype,
                     false});
  k.outputs.push_back({0, {*reshaped(result_view(x.output), k.shape), type(x.output).dtype}});
  emit(x, k);
}

void Selector::sorts_from(int n) {
  constexpr std::int64_t kTogether = 16384;  // lookups a PE: beyond, barriers count for nothing beside them
  std::vector<int> of;
  std::int64_t records = 0;
  for (int m = n; m < int(graph_.nodes.size()) && std::ssize(of) < chip_.pes(); ++m) {
    if (node(m).op != Op::sort_lookups || (done_[std::size_t(m)] && m != n) || !has_view(node(m).inputs[0]))
      continue;
    const std::int64_t own = elements(type(node(m).inputs[0]));
    if (m != n && records + own > kTogether * chip_.pes()) break;
    done_[std::size_t(m)] = true;
    of.push_back(m);
    records += own;
  }
  std::vector<std::vector<SortKernel>> sorts;
  for (const int m : of) {  // by their lookups, so that all PEs have about as many
    const std::int64_t own = elements(type(node(m).inputs[0]));
    sorts.push_back(sort_steps(node(m), std::max<std::int64_t>(1, chip_.pes() * own / records)));
  }
  std::size_t most = 0;
  for (const auto& sort : sorts) most = std::max(most, sort.size());
  for (std::size_t step = 0; step < most; ++step)
    for (std::size_t i = 0; i < sorts.size(); ++i)
      if (step < sorts[i].size()) emit(node(of[i]), sorts[i][step]);
}

std::vector<SortKernel> Selector::sort_steps(const Node& x, std::int64_t most_chunks) {
  const Type& index = type(x.inputs[0]);
  const auto plan = plan_sort(elements(index), x.integer("rows"), chip_, most_chunks);
  const Place from{*reshaped(dense_rows(x, x.inputs[0]).view, {plan.records}), index.dtype};
  const Place to{result_view(x.output), DType::int32};
  return sort_kernels(plan, from, to, x.integer("share"), [&](std::int64_t count) {
    out_.storages.push_back({x.output, count, DType::int32, false});
    return StorageId(out_.storages.size() - 1);
  });
}

void Selector::scatters_from(int n) {
  std::vector<int> run;
  for (int m = n; m < int(graph_.nodes.size()) && is_scatter(node(m)); ++m) {
    const auto& inputs = node(m).inputs;
    if (!std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return has_view(v); })) break;
    run.push_back(m);
  }
  std::vector<View> to;
  for (int m : run) {
    done_[std::size_t(m)] = true;
    to.push_back(result_view(node(m).output));
    fill(node(m), {to.back(), DType::fp32}, 0);
  }
  for (std::size_t i = 0; i < run.size(); ++i) scatter(node(run[i]), to[i]);
}

void Selector::scatter(const Node& x, const View& to) {
  const auto count = elements(type(x.inputs[1]));
  ScatterKernel k;
  k.table = {as_rows(to, type(x.output).shape[0], x), DType::fp32};
  k.index = {*reshaped(*views_[std::size_t(x.inputs[1])], {count}), type(x.inputs[1]).dtype};
  k.rows = {as_repeated_rows(x, type(x.inputs[1]).shape), type(x.inputs[0]).dtype};
  k.padding = x.integer("padding") != 0;
  emit(x, k);
}

View Selector::as_repeated_rows(const Node& x, const Dims& index) {
  const View& view = *views_[std::size_t(x.inputs[0])];
  const auto count = product(index), width = product(view.shape) / count;
  const auto dtype = type(x.inputs[0]).dtype;
  const std::int64_t repeats = index.empty() ? 1 : index.back(), distinct = count / repeats;
  auto rows = reshaped(view, {distinct, repeats, width});
  if (rows && rows->strides[1] == 0) {
    if (rows->strides[2] == 1 || width == 1) return *rows;
    out_.storages.push_back({x.inputs[0], distinct * width, dtype, false});
    const View dense = dense_view(StorageId(out_.storages.size() - 1), {distinct, 1, width});
    rows->shape[1] = 1;
    copy(x, {*rows, dtype}, {dense, dtype});
    return broadcast(dense, {distinct, repeats, width});
  }
  rows = reshaped(view, {count, 1, width});
  if (rows && (rows->strides[2] == 1 || width == 1)) return *rows;
  const View dense = temporary(x.inputs[0]);
  copy(x, place_of(x.inputs[0]), {dense, dtype});
  return *reshaped(dense, {count, 1, width});
}

bool Selector::replaces(ValueId state, ValueId next, int n) const {
  const auto& users = users_[std::size_t(state)];
  const bool last =
      std::all_of(users.begin(), users.end(), [&](int u) { return u == n || done_[std::size_t(u)]; });
  const auto is = [](const auto& list, const auto& x) {
    return std::find(list.begin(), list.end(), x) != list.end();
  };
  return last && is(graph_.updates, std::pair(state, next)) && !is(graph_.outputs, next) &&
         !is(graph_.outputs, state) && !destination_[std::size_t(next)];
}

Place Selector::updated(ValueId state, ValueId next, int n) {
  const auto s = std::size_t(state), y = std::size_t(next);
  if (replaces(state, next, n)) {
    views_[y] = views_[s];
    out_.storage_of[y] = out_.storage_of[s];
  } else {
    const Place old = place_of(state);
    copy(node(n), old, {result_view(next), old.dtype});
  }
  return {*views_[y], type(state).dtype};
}

void Selector::updates_from(int n) {
  std::vector<int> of;
  std::vector<std::vector<UpdateKernel>> levels;
  for (int m = n; m < int(graph_.nodes.size()); ++m) {
    const auto& inputs = node(m).inputs;
    if (!is_update(node(m)) || (done_[std::size_t(m)] && m != n) ||
        !std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return has_view_or_is_made(v); }))
      continue;
    done_[std::size_t(m)] = true;
    of.push_back(m);
    levels.push_back(update_levels(m));
  }
  std::size_t most = 0;
  for (const auto& list : levels) most = std::max(most, list.size());
  for (std::size_t level = 0; level < most; ++level)
    for (std::size_t i = 0; i < of.size(); ++i)
      if (level < levels[i].size()) emit(node(of[i]), levels[i][level]);
}

std::vector<UpdateKernel> Selector::update_levels(int n) {
  const Node& x = node(n);
  const Together of = updated_together(n);
  UpdateKernel k;
  set_gradients(k, x);
  k.pairs = place_of(x.inputs[2]);
  k.block = x.integer("block");
  const Node* rows = of.rows ? &node(*of.rows) : nullptr;
  const bool adam = rows ? rows->op == Op::adam_rows : x.op == Op::moment_rows;
  if (adam) {
    k.mean = moment(rows, 3, of.mean, "mean_share");
    k.square = moment(rows, 4, of.square, "square_share");
  } else if (of.sums || (rows && rows->op == Op::adagrad_rows)) {
    k.sums = state_of(rows, 3, of.sums);
  }
  if (rows) {
    if (adam)
      k.scalars = {place_of(rows->inputs[5]), place_of(rows->inputs[6])};
    else
      k.rate = float(rows->number("lr"));
    k.epsilon = float(rows->number("epsilon"));
    k.table = updated(rows->inputs[0], rows->output, *of.rows);
  }
  return with_seams(std::move(k), [&](std::int64_t count, DType dtype) {
    out_.storages.push_back({x.output, count, dtype, false});
    return StorageId(out_.storages.size() - 1);
  });
}

void Selector::set_gradients(UpdateKernel& k, const Node& x) {
  if (!made_by_updates(x.inputs[1])) {
    k.gradients = dense_rows(x, x.inputs[1]);
    return;
  }
  const Node& product = node(producer_[std::size_t(x.inputs[1])]);
  k.gradients = dense_rows(product, product.inputs[0]);
  k.weights = {dense_rows(product, product.inputs[1]),
               type(product.inputs[1]).shape[0] / type(product.inputs[0]).shape[0]};
}

// Where nobody keeps the state's update, a copy is updated.
std::optional<Place> Selector::state_of(const Node* rows, std::size_t input, std::optional<int> n) {
  if (n) return updated(node(*n).inputs[0], node(*n).output, *n);
  if (rows == nullptr) return std::nullopt;
  const ValueId state = rows->inputs[input];
  const Place copied{temporary(state), DType::fp32};
  copy(*rows, place_of(state), copied);
  return copied;
}

std::optional<UpdateKernel::Moment> Selector::moment(const Node* rows, std::size_t input,
                                                     std::optional<int> n, const char* share) {
  const auto place = state_of(rows, input, n);
  if (!place) return std::nullopt;
  return UpdateKernel::Moment{*place, float(rows ? rows->number(share) : node(*n).number("share"))};
}

bool Selector::updates_state_of(const Node& state, const Node& rows) {
  const auto is = [&](std::size_t input) {
    return state.inputs == std::vector<ValueId>{rows.inputs[input], rows.inputs[1], rows.inputs[2]} &&
           state.integer("block") == rows.integer("block");
  };
  if (state.op == Op::adagrad_sums) return rows.op == Op::adagrad_rows && is(3);
  if (state.op != Op::moment_rows || rows.op != Op::adam_rows) return false;
  const bool square = state.integer("square") != 0;
  return is(square ? 4 : 3) && state.number("share") == rows.number(square ? "square_share" : "mean_share");
}

Selector::Together Selector::updated_together(int n) {
  const auto is_rows = [&](int m) {
    return node(m).op == Op::adagrad_rows || node(m).op == Op::adam_rows || node(m).op == Op::sgd_rows;
  };
  const auto open = [&](int m) {
    const auto& inputs = node(m).inputs;
    return m == n || (!done_[std::size_t(m)] && std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) {
             return has_view_or_is_made(v);
           }));
  };
  Together of;
  for (int m = 0; m < int(graph_.nodes.size()) && !of.rows; ++m)
    if (is_rows(m) && open(m) && (m == n || updates_state_of(node(n), node(m)))) of.rows = m;
  for (int m = 0; m < int(graph_.nodes.size()); ++m) {
    const Node& y = node(m);
    if (is_rows(m) || !is_update(y) || !open(m) ||
        !(m == n || (of.rows && updates_state_of(y, node(*of.rows)))))
      continue;
    auto& place = y.op == Op::adagrad_sums ? of.sums : y.integer("square") != 0 ? of.square : of.mean;
    if (!place || m == n) place = m;
  }
  for (const auto& member : {of.rows, of.sums, of.mean, of.square})
    if (member) done_[std::size_t(*member)] = true;
  return of;
}

Place Selector::dense_rows(const Node& x, ValueId v) {
  const View& view = *views_[std::size_t(v)];
  if (view.strides.back() == 1 || view.shape.back() == 1) return place_of(v);
  const View dense = temporary(v);
  copy(x, place_of(v), {dense, type(v).dtype});
  return {dense, type(v).dtype};
}

}  // namespace leto::compiler
