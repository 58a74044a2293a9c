#include "compiler/lower/select.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/errors.h"
#include "compiler/lower/attention_plan.h"
#include "compiler/lower/likeness.h"
#include "compiler/lower/sort_plan.h"
#include "compiler/lower/turn_operands.h"
#include "compiler/lower/update_plan.h"
#include "compiler/lower/vector_ops.h"
#include "compiler/lower/vector_plan.h"

namespace leto::compiler {
namespace {

using isa::VectorOp;

class Selector {
 public:
  Selector(const Graph& graph, const ChipConfig& chip) : graph_(graph), chip_(chip) {
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

  Lowered run() {
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

 private:
  const Node& node(int n) const { return graph_.nodes[std::size_t(n)]; }
  const Type& type(ValueId v) const { return graph_.value(v).type; }
  bool is_state(ValueId v) const {
    return graph_.value(v).role == Role::state || graph_.value(v).role == Role::parameter;
  }

  // Other inputs may be planned from them (row_plan.h).
  bool are_lookups(ValueId v) const {
    return graph_.value(v).role == Role::input && graph_.value(v).limit > 0;
  }

  // Scalar constants become immediates of the instructions that use them.
  bool is_immediate(ValueId v) const {
    const auto& value = graph_.value(v);
    return value.role == Role::constant && value.data.size() == 1 && !kept_[std::size_t(v)] &&
           std::all_of(users_[std::size_t(v)].begin(), users_[std::size_t(v)].end(), [&](int n) {
             return vector_op(node(n).op).has_value() && isa::is_binary(*vector_op(node(n).op)) &&
                    node(n).inputs[0] != node(n).inputs[1];
           });
  }

  StorageId new_storage(ValueId v, bool pinned) {
    out_.storages.push_back({v, elements(type(v)), type(v).dtype, pinned});
    const auto id = StorageId(out_.storages.size() - 1);
    out_.storage_of[std::size_t(v)] = id;
    return id;
  }

  // A dense storage for v of no kernel's own.
  View temporary(ValueId v) {
    out_.storages.push_back({v, elements(type(v)), type(v).dtype, false});
    return dense_view(StorageId(out_.storages.size() - 1), type(v).shape);
  }

  // ---- destinations: a value that is only moved into another is produced there ----

  bool sinkable(ValueId v) const {
    const int p = producer_[std::size_t(v)];
    if (p < 0 || kept_[std::size_t(v)] || users_[std::size_t(v)].size() != 1) return false;
    if (node(p).op == Op::transpose || node(p).op == Op::reshape) return sinkable(node(p).inputs[0]);
    return !is_view_op(node(p).op);
  }

  // Can v's kernel write this window at speed? Rows must be adjacent; a matmul may also write adjacent
  // columns, with its operands swapped.
  bool can_write(ValueId v, const View& view) const {
    const auto n = view.shape.size();
    if (n < 2 || view.shape[n - 1] == 1 || view.strides[n - 1] == 1) return true;
    int p = producer_[std::size_t(v)];
    while (node(p).op == Op::transpose || node(p).op == Op::reshape)
      p = producer_[std::size_t(node(p).inputs[0])];
    return node(p).op == Op::matmul && view.strides[n - 2] == 1;
  }

  void sink(ValueId v, const View& view) {
    if (can_write(v, view)) destination_[std::size_t(v)] = view;
  }

  void assign_destinations() {
    for (int n = int(graph_.nodes.size()); n-- > 0;) {
      const auto& x = node(n);
      const auto y = std::size_t(x.output);
      if (x.op == Op::concat) {
        if (!destination_[y])
          destination_[y] = dense_view(new_storage(x.output, kept_[y]), type(x.output).shape);
        for_each_part(x, [&](ValueId part, const View& view) {
          if (sinkable(part)) sink(part, view);
        });
      } else if ((x.op == Op::transpose || x.op == Op::reshape) && sinkable(x.inputs[0])) {
        if (x.op == Op::transpose)
          sink_transpose(x);
        else if (destination_[y])  // a reshape of a dense result is a view already
          if (auto view = reshaped(*destination_[y], type(x.inputs[0]).shape)) sink(x.inputs[0], *view);
      }
    }
  }

  // The transposed value gets a dense storage of its own only if its source can be produced straight into it.
  void sink_transpose(const Node& x) {
    const auto y = std::size_t(x.output);
    Dims inverse(x.list("perm").size());
    for (std::size_t i = 0; i < inverse.size(); ++i)
      inverse[std::size_t(x.list("perm")[i])] = std::int64_t(i);
    const View target = destination_[y] ? *destination_[y] : dense_view(-1, type(x.output).shape);
    if (!can_write(x.inputs[0], transposed(target, inverse))) return;
    if (!destination_[y]) destination_[y] = dense_view(new_storage(x.output, kept_[y]), type(x.output).shape);
    sink(x.inputs[0], transposed(*destination_[y], inverse));
  }

  template <class F>
  void for_each_part(const Node& concat, F f) {
    const auto axis = std::size_t(concat.integer("axis"));
    const View& whole = *destination_[std::size_t(concat.output)];
    Dims starts(whole.shape.size(), 0), steps(whole.shape.size(), 1);
    for (auto part : concat.inputs) {
      f(part, sliced(whole, starts, type(part).shape, steps));
      starts[axis] += type(part).shape[axis];
    }
  }

  // ---- scheduling ----

  void schedule(int n) {
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
      case Op::gather:
        return gather(x);
      case Op::embedding_bag:
      case Op::pinned_bag:
        return embedding_bag(x);
      case Op::scatter_add:
        return scatters_from(n);
      case Op::sort_lookups:
        return sorts_from(n);
      case Op::sgd_rows:
      case Op::adagrad_rows:
      case Op::adagrad_sums:
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

  Place place_of(ValueId v) { return {*views_[std::size_t(v)], type(v).dtype}; }

  // Where a kernel writes v: its destination, or a storage of its own.
  View result_view(ValueId v) {
    auto& view = views_[std::size_t(v)];
    if (destination_[std::size_t(v)])
      view = *destination_[std::size_t(v)];
    else
      view = dense_view(new_storage(v, kept_[std::size_t(v)]), type(v).shape);
    return *view;
  }

  void emit(const Node& x, decltype(Kernel::body) body, std::int64_t useful = 0) {
    out_.kernels.push_back({std::move(body), x.name, x.phase, useful});
  }

  void copy(const Node& x, const Place& from, const Place& to) {
    if (!(from.view == to.view)) emit(x, copy_kernel(from, to));
  }

  std::optional<View> moved(const Node& x) const {
    const View& from = *views_[std::size_t(x.inputs[0])];
    const auto& shape = type(x.output).shape;
    switch (x.op) {
      case Op::reshape:
        return reshaped(from, shape);
      case Op::transpose:
        return transposed(from, x.list("perm"));
      case Op::slice:
        return sliced(from, x.list("starts"), shape, x.list("steps"));
      default:
        return broadcast(from, shape);
    }
  }

  void move(int n) {
    const auto& x = node(n);
    done_[std::size_t(n)] = true;
    if (!views_[std::size_t(x.inputs[0])]) return;  // both sides were fused into one kernel
    auto view = moved(x);
    const auto y = std::size_t(x.output);
    if (view && !destination_[y] && !kept_[y]) {
      views_[y] = view;
      return;
    }
    if (!view) {  // strides cannot say this reshape: copy the source into a dense storage first
      const auto& source = type(x.inputs[0]);
      const View dense = temporary(x.inputs[0]);
      copy(x, place_of(x.inputs[0]), {dense, source.dtype});
      view = reshaped(dense, type(x.output).shape);
      if (!destination_[y] && !kept_[y]) {
        views_[y] = view;
        return;
      }
    }
    const View to = result_view(x.output);
    copy(x, {*view, type(x.output).dtype}, {to, type(x.output).dtype});
  }

  // A matrix operand as [batch…, rows, columns] broadcast to the batch dims of the result.
  View operand(ValueId v, bool swap, const Dims& batch) const {
    View view = *views_[std::size_t(v)];
    const auto n = view.shape.size();
    if (swap) {
      std::swap(view.shape[n - 1], view.shape[n - 2]);
      std::swap(view.strides[n - 1], view.strides[n - 2]);
    }
    Dims shape = batch;
    shape.push_back(view.shape[n - 2]);
    shape.push_back(view.shape[n - 1]);
    return broadcast(view, shape);
  }

  // The engines want one of an operand's last two dims adjacent; a copy provides that where a view does not.
  View with_adjacent(const Node& x, ValueId v) {
    View view = *views_[std::size_t(v)];
    const auto n = view.shape.size();
    auto good = [&](std::size_t i) { return view.strides[i] == 1 || view.shape[i] == 1; };
    if (good(n - 1) || good(n - 2)) return view;
    const View dense = temporary(v);
    copy(x, {view, type(v).dtype}, {dense, type(v).dtype});
    return dense;
  }

  void matmul(const Node& x) {
    for (int i : {0, 1})
      if (size_of(type(x.inputs[std::size_t(i)]).dtype) > 2)
        throw Error(ExitCode::unsupported,
                    fmt::format("matmul {} has {} operands: the matrix engine takes bf16, fp16 and fp8",
                                x.name, name_of(type(x.inputs[std::size_t(i)]).dtype)),
                    "use precision = \"bf16\" in the recipe, or export the model in bf16");
    for (auto v : x.inputs) views_[std::size_t(v)] = with_adjacent(x, v);
    const Dims& shape = type(x.output).shape;
    const Dims batch(shape.begin(), shape.end() - 2);
    MatmulKernel k;
    k.a = {operand(x.inputs[0], x.integer("trans_a") != 0, batch), type(x.inputs[0]).dtype};
    k.b = {operand(x.inputs[1], x.integer("trans_b") == 0, batch), type(x.inputs[1]).dtype};
    k.c = {result_view(x.output), type(x.output).dtype};
    turn_operands(x, k);
    const auto macs = double(product(shape)) * double(k.k());
    emit(x, k, std::int64_t(macs * x.number("useful", 1.0)));
  }

  void turn_operands(const Node& x, MatmulKernel& k) {
    const std::string like = likeness({k, {}, {}, 0});
    const auto [known, is_new] = turned_.try_emplace(like);
    if (is_new) known->second = worth_turning(k, chip_);
    if (known->second.a) turn(x, k.a);
    if (known->second.b) turn(x, k.b);
  }

  void turn(const Node& x, Place& operand) {
    const View from = without_repeats(operand.view);
    out_.storages.push_back({x.output, product(from.shape), operand.dtype, false});
    const auto storage = StorageId(out_.storages.size() - 1);
    const View all = turned_view(storage, operand.view);
    copy(x, {from, operand.dtype}, {without_repeats(all), operand.dtype});
    operand.view = all;
  }

  void column_reduce(const Node& x) {
    const auto& axes = x.list("axes");
    const auto& in_shape = type(x.inputs[0]).shape;
    // [outer, reduced, inner]: the reduced axes must be neighbours.
    const auto first = std::size_t(axes.front()), last = std::size_t(axes.back());
    if (last - first + 1 != axes.size())
      throw Error(ExitCode::unsupported, fmt::format("{} reduces axes that are not neighbours", x.name),
                  "transpose the operand so that the reduced axes are adjacent");
    Dims merged{1, 1, 1};
    for (std::size_t i = 0; i < in_shape.size(); ++i)
      merged[i < first ? 0 : i <= last ? 1 : 2] *= in_shape[i];
    auto in = reshaped(*views_[std::size_t(x.inputs[0])], merged);
    if (!in) {
      const View dense = temporary(x.inputs[0]);
      copy(x, place_of(x.inputs[0]), {dense, type(x.inputs[0]).dtype});
      in = reshaped(dense, merged);
    }
    const Type out_type = type(x.output);
    View to = result_view(x.output);
    auto out = reshaped(to, {merged[0], merged[2]});
    std::optional<View> window;
    if (!out) {  // the destination's strides cannot be written in this shape: produce it dense, copy after
      window = to;
      to = temporary(x.output);
      out = reshaped(to, {merged[0], merged[2]});
    }
    if (x.op == Op::reduce_max)
      throw Error(ExitCode::unsupported, fmt::format("{}: maximum over outer axes", x.name),
                  "transpose the operand so that the maximum is over the last axis");
    if (merged[2] == 1)
      sum_runs(x, {*in, type(x.inputs[0]).dtype}, {*out, out_type.dtype});
    else
      sum_rows(x, {*in, type(x.inputs[0]).dtype}, {*out, out_type.dtype});
    if (window) copy(x, {to, out_type.dtype}, {*window, out_type.dtype});
  }

  // All that is reduced lies in one run: a row reduction. `in` is [outer, reduced, 1], `out` [outer, 1].
  void sum_runs(const Node& x, const Place& in, const Place& out) {
    VectorKernel k;
    k.shape = {in.view.shape[0], in.view.shape[1]};
    k.inputs.push_back({*reshaped(in.view, k.shape), in.dtype});
    k.steps.push_back(
        {VectorOp::copy, isa::Reduce::row_sum, {VectorKernel::Ref::Kind::input, 0}, {}, 0, out.dtype, true});
    k.outputs.push_back({0, out});
    emit(x, k);
  }

  // Few long columns would leave PEs idle and cut memory into slivers: every PE then sums a block of rows,
  // and a second kernel sums the partial sums, in order.
  void sum_rows(const Node& x, const Place& in, const Place& out) {
    const std::int64_t outer = in.view.shape[0], rows = in.view.shape[1], inner = in.view.shape[2];
    std::int64_t blocks = std::min<std::int64_t>(chip_.pes(), rows / kLeastRowsOfABlock);
    while (blocks > 1 && rows % blocks != 0) --blocks;
    if (outer > 1 || blocks < 2) return emit(x, ColumnReduceKernel{in, out, isa::Reduce::column_sum});
    out_.storages.push_back({x.output, blocks * inner, DType::fp32, false});
    const View partial = dense_view(StorageId(out_.storages.size() - 1), {blocks, inner});
    emit(x, ColumnReduceKernel{{*reshaped(in.view, {blocks, rows / blocks, inner}), in.dtype},
                               {partial, DType::fp32},
                               isa::Reduce::column_sum});
    emit(x, ColumnReduceKernel{
                {*reshaped(partial, {1, blocks, inner}), DType::fp32}, out, isa::Reduce::column_sum});
  }
  static constexpr std::int64_t kLeastRowsOfABlock = 16;

  void concat(const Node& x) {
    views_[std::size_t(x.output)] = destination_[std::size_t(x.output)];
    for_each_part(x, [&](ValueId part, const View& view) {
      copy(x, place_of(part), {view, type(part).dtype});
    });
  }

  void fill(const Node& x, const Place& place, float value) {
    VectorKernel k;
    k.shape = place.view.shape;  // never a scalar: an embed has dims
    k.steps.push_back({VectorOp::copy, isa::Reduce::none, {}, {}, value, place.dtype, false});
    k.outputs.push_back({0, place});
    emit(x, k);
  }

  void embed(const Node& x) {
    const Type out = type(x.output);
    const View to = result_view(x.output);
    fill(x, {to, out.dtype}, float(x.number("value")));
    copy(x, place_of(x.inputs[0]),
         {sliced(to, x.list("starts"), type(x.inputs[0]).shape, x.list("steps")), out.dtype});
  }

  // Rows of [leading…, width…] as [count, width].
  View as_rows(const View& view, std::int64_t count, const Node& x) const {
    if (auto rows = reshaped(view, {count, product(view.shape) / count})) return *rows;
    throw Error(ExitCode::unsupported, fmt::format("{}: rows are not contiguous in memory", x.name),
                "copy the operand first");
  }

  void gather(const Node& x) {
    const auto count = elements(type(x.inputs[1]));
    GatherKernel k;
    k.table = {as_rows(*views_[std::size_t(x.inputs[0])], type(x.inputs[0]).shape[0], x),
               type(x.inputs[0]).dtype};
    k.index = {*reshaped(*views_[std::size_t(x.inputs[1])], {count}), type(x.inputs[1]).dtype};
    k.out = {as_rows(result_view(x.output), count, x), type(x.output).dtype};
    k.padding = x.integer("padding") != 0;
    emit(x, k);
  }

  void embedding_bag(const Node& x) {
    const Type &table = type(x.inputs[0]), &index = type(x.inputs[1]);
    const auto bag = index.shape.back(), count = elements(index) / bag;
    BagKernel k;
    k.table = dense_rows(x, x.inputs[0]);
    k.index = {as_rows(dense_rows(x, x.inputs[1]).view, count, x), index.dtype};
    if (x.op == Op::pinned_bag)
      k.apart = {dense_rows(x, x.inputs[2]),
                 {as_rows(dense_rows(x, x.inputs[3]).view, count, x), type(x.inputs[3]).dtype}};
    const View to = result_view(x.output);
    k.out = {as_rows(to, count, x), type(x.output).dtype};
    const bool dense = to.strides.back() == 1 || table.shape[1] == 1;
    if (!dense) k.out.view = as_rows(temporary(x.output), count, x);
    emit(x, k);
    if (!dense) copy(x, k.out, {as_rows(to, count, x), k.out.dtype});
  }

  static bool is_scatter(const Node& x) { return x.op == Op::scatter_add; }
  bool has_view(ValueId v) const { return views_[std::size_t(v)].has_value(); }

  // Sorts that do not wait for anything go step by step together and share the PEs out: their barriers then
  // are few.
  void sorts_from(int n) {
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

  std::vector<SortKernel> sort_steps(const Node& x, std::int64_t most_chunks) {
    const Type& index = type(x.inputs[0]);
    const auto plan = plan_sort(elements(index), x.integer("rows"), chip_, most_chunks);
    const Place from{*reshaped(dense_rows(x, x.inputs[0]).view, {plan.records}), index.dtype};
    const Place to{result_view(x.output), DType::int32};
    return sort_kernels(plan, from, to, x.integer("share"), [&](std::int64_t count) {
      out_.storages.push_back({x.output, count, DType::int32, false});
      return StorageId(out_.storages.size() - 1);
    });
  }

  // Scatters that follow each other: first all their zeros, so that none waits for another's.
  void scatters_from(int n) {
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

  void scatter(const Node& x, const View& to) {
    const auto count = elements(type(x.inputs[1]));
    ScatterKernel k;
    k.table = {as_rows(to, type(x.output).shape[0], x), DType::fp32};
    k.index = {*reshaped(*views_[std::size_t(x.inputs[1])], {count}), type(x.inputs[1]).dtype};
    k.rows = {as_repeated_rows(x, type(x.inputs[1]).shape), type(x.inputs[0]).dtype};
    k.padding = x.integer("padding") != 0;
    emit(x, k);
  }

  // Operand 0 as [count, repeats, width]: rows that are the same for all indices of the last dim need no
  // copy.
  View as_repeated_rows(const Node& x, const Dims& index) {
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

  // May `next` be made in the place of `state`: its update, that nobody else reads or keeps?
  bool replaces(ValueId state, ValueId next, int n) const {
    const auto& users = users_[std::size_t(state)];
    const bool last =
        std::all_of(users.begin(), users.end(), [&](int u) { return u == n || done_[std::size_t(u)]; });
    const auto is = [](const auto& list, const auto& x) {
      return std::find(list.begin(), list.end(), x) != list.end();
    };
    return last && is(graph_.updates, std::pair(state, next)) && !is(graph_.outputs, next) &&
           !is(graph_.outputs, state) && !destination_[std::size_t(next)];
  }

  // The state itself where that is safe, else a copy of it.
  Place updated(ValueId state, ValueId next, int n) {
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

  static bool is_update(const Node& x) {
    return x.op == Op::sgd_rows || x.op == Op::adagrad_rows || x.op == Op::adagrad_sums;
  }

  // Updates that do not wait for anything go level by level together (update_plan.h): their barriers then are
  // few.
  void updates_from(int n) {
    std::vector<int> of;
    std::vector<std::vector<UpdateKernel>> levels;
    for (int m = n; m < int(graph_.nodes.size()); ++m) {
      const auto& inputs = node(m).inputs;
      if (!is_update(node(m)) || (done_[std::size_t(m)] && m != n) ||
          !std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return has_view(v); }))
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

  std::vector<UpdateKernel> update_levels(int n) {
    const Node& x = node(n);
    const bool of_sums = x.op == Op::adagrad_sums;
    const std::optional<int> other = x.op == Op::sgd_rows ? std::nullopt : partner(n);
    const std::optional<int> rows = of_sums ? other : n, sums = of_sums ? n : other;
    UpdateKernel k;
    k.gradients = dense_rows(x, x.inputs[1]);
    k.pairs = place_of(x.inputs[2]);
    k.block = x.integer("block");
    if (sums) {
      k.sums = updated(node(*sums).inputs[0], node(*sums).output, *sums);
    } else if (x.op == Op::adagrad_rows) {  // nobody keeps them
      k.sums = Place{temporary(x.inputs[3]), DType::fp32};
      copy(x, place_of(x.inputs[3]), *k.sums);
    }
    if (rows) {
      k.rate = float(node(*rows).number("lr"));
      k.epsilon = float(node(*rows).number("epsilon"));
      k.table = updated(node(*rows).inputs[0], node(*rows).output, *rows);
    }
    return with_seams(std::move(k), [&](std::int64_t count, DType dtype) {
      out_.storages.push_back({x.output, count, dtype, false});
      return StorageId(out_.storages.size() - 1);
    });
  }

  // Row-wise adagrad's rows and sums are updated by one kernel: the other of the two, from now on done.
  std::optional<int> partner(int n) {
    const auto sums_of = [](const Node& rows) {
      return std::vector<ValueId>{rows.inputs[3], rows.inputs[1], rows.inputs[2]};
    };
    const Node& x = node(n);
    for (int m = 0; m < int(graph_.nodes.size()); ++m) {
      const Node& y = node(m);
      const bool belongs = x.op == Op::adagrad_rows ? y.op == Op::adagrad_sums && y.inputs == sums_of(x)
                                                    : y.op == Op::adagrad_rows && x.inputs == sums_of(y);
      if (!belongs || done_[std::size_t(m)] || !has_view(y.inputs[0])) continue;
      done_[std::size_t(m)] = true;
      return m;
    }
    return std::nullopt;
  }

  // ---- attention ----

  // Rows of an operand are dense; a copy provides that where a view does not.
  Place dense_rows(const Node& x, ValueId v) {
    const View& view = *views_[std::size_t(v)];
    if (view.strides.back() == 1 || view.shape.back() == 1) return place_of(v);
    const View dense = temporary(v);
    copy(x, place_of(v), {dense, type(v).dtype});
    return {dense, type(v).dtype};
  }

  // The node that `belongs` accepts, marked as done with its result written by the kernel at hand.
  template <class F>
  std::optional<Place> companion(F belongs) {
    for (int n = 0; n < int(graph_.nodes.size()); ++n) {
      if (done_[std::size_t(n)] || !belongs(node(n))) continue;
      done_[std::size_t(n)] = true;
      const View view = result_view(node(n).output);
      return Place{view, type(node(n).output).dtype};
    }
    return std::nullopt;
  }

  static AttentionTerms terms_of(const Node& x) {
    return {float(x.number("scale", 1.0)), x.integer("causal") != 0};
  }
  static void set_terms(AttentionTerms& terms, const Node& x) { terms = terms_of(x); }
  // Products of the scores' shape times `width`, of those the model needs.
  std::int64_t useful_macs(const Node& x, ValueId scores_like, std::int64_t columns,
                           std::int64_t width) const {
    const Dims& shape = type(scores_like).shape;
    const std::int64_t rows = shape[shape.size() - 2], heads = product(shape) / (rows * shape.back());
    const std::int64_t scores = x.integer("causal") != 0 ? rows * (rows + 1) / 2 : rows * columns;
    return heads * scores * width;
  }

  void attention(const Node& x) {
    AttentionKernel k;
    set_terms(k, x);
    k.q = dense_rows(x, x.inputs[0]);
    k.k = dense_rows(x, x.inputs[1]);
    k.v = dense_rows(x, x.inputs[2]);
    k.out = {result_view(x.output), type(x.output).dtype};
    k.lse = companion([&](const Node& y) {
      return y.op == Op::attention_lse && y.inputs[0] == x.inputs[0] && y.inputs[1] == x.inputs[1] &&
             terms_of(y).scale == k.scale && terms_of(y).causal == k.causal;
    });
    const std::int64_t width = k.q.view.shape.back() + k.v.view.shape.back();
    const auto macs = useful_macs(x, x.inputs[0], k.k.view.shape[k.k.view.shape.size() - 2], width);
    emit(x, k, std::int64_t(double(macs) * x.number("useful", 1.0)));
  }

  void attention_gradient(const Node& x) {
    AttentionGradientKernel k;
    set_terms(k, x);
    k.q = dense_rows(x, x.inputs[0]);
    k.k = dense_rows(x, x.inputs[1]);
    k.v = dense_rows(x, x.inputs[2]);
    k.dy = dense_rows(x, x.inputs[3]);
    k.lse = place_of(x.inputs[4]);
    k.delta = place_of(x.inputs[5]);
    const auto plan = plan_attention(AttentionStage::gradient, gradient_shape(graph_, x), chip_);
    const View tiles = dscores_view(new_storage(x.output, false), type(x.output).shape, *plan);
    out_.storages.back().elements = dscores_elements(tiles);
    views_[std::size_t(x.output)] = tiles;
    k.dscores = {tiles, type(x.output).dtype};
    const auto gradient = [&](Op op, ValueId like) {
      const auto place = companion([&](const Node& y) { return y.op == op && shares_scores(y, x); });
      return place ? *place : Place{temporary(like), type(like).dtype};
    };
    k.dk = gradient(Op::attention_dk, x.inputs[1]);
    k.dv = gradient(Op::attention_dv, x.inputs[2]);
    const std::int64_t width = k.q.view.shape.back() + 2 * k.v.view.shape.back();
    emit(x, k, useful_macs(x, x.inputs[0], k.k.view.shape[k.k.view.shape.size() - 2], width));
  }

  void attention_query(const Node& x) {
    AttentionQueryKernel k;
    set_terms(k, x);
    k.dscores = place_of(x.inputs[0]);
    k.k = dense_rows(x, x.inputs[1]);
    k.dq = {result_view(x.output), type(x.output).dtype};
    const Node& scores = node(producer_[std::size_t(x.inputs[0])]);
    k.value_columns = gradient_shape(graph_, scores).e;
    emit(x, k, useful_macs(x, x.output, k.k.view.shape[k.k.view.shape.size() - 2], k.k.view.shape.back()));
  }

  // ---- fusion ----

  struct Group {
    Dims shape;                      // iteration space
    std::vector<int> nodes;          // in the order in which they were added
    std::vector<int> step_of;        // by node, -1 outside; nodes may share a step
    std::vector<bool> within_reach;  // by node: touches the group, but did not fit it on its own
    std::vector<ValueId> inputs;     // external values, as ordered in the kernel
    VectorKernel kernel;             // without outputs
  };

  // Follows reshapes back from an operand to the value that a group member may have produced.
  ValueId behind_reshapes(ValueId v) const {
    for (int p = producer_[std::size_t(v)]; p >= 0 && node(p).op == Op::reshape && !views_[std::size_t(v)];
         p = producer_[std::size_t(v)])
      v = node(p).inputs[0];
    return v;
  }

  std::optional<VectorKernel::Ref> resolve(Group& group, const Node& x, ValueId v) {
    using Ref = VectorKernel::Ref;
    if (is_immediate(v)) return Ref{Ref::Kind::immediate, 0};
    const auto wanted = space_of(group.shape);
    const ValueId base = behind_reshapes(v);
    const int p = producer_[std::size_t(base)];
    if (p >= 0 && group.step_of[std::size_t(p)] >= 0) {
      const int step = group.step_of[std::size_t(p)];
      const auto have = space_of(type(v).shape);
      const bool column = group.kernel.steps[std::size_t(step)].column;
      if (column ? (have == Space{wanted.rows, 1}) : (have == wanted)) return Ref{Ref::Kind::result, step};
      return std::nullopt;
    }
    if (!views_[std::size_t(v)]) return std::nullopt;
    View view = *views_[std::size_t(v)];
    Dims operation = x.op == Op::reduce_sum || x.op == Op::reduce_max ? type(v).shape : type(x.output).shape;
    if (x.op == Op::is_class) {
      view.shape.push_back(1);
      view.strides.push_back(0);
    }
    Dims target = group.shape;
    if (space_of(operation) == Space{wanted.rows, 1}) target.back() = 1;  // a column result
    auto fitted = reshaped(broadcast(view, operation), target);
    if (!fitted) return std::nullopt;
    const View over = broadcast(*fitted, group.shape);
    for (std::size_t i = 0; i < group.kernel.inputs.size(); ++i)
      if (group.kernel.inputs[i].view == over && group.inputs[i] == v) return Ref{Ref::Kind::input, int(i)};
    group.kernel.inputs.push_back({over, type(v).dtype});
    group.inputs.push_back(v);
    return Ref{Ref::Kind::input, int(group.kernel.inputs.size()) - 1};
  }

  // Adds node n, and before it the producers of operands that are not computed yet: all of them or none. What
  // is judged is the kernel with all of them, so that a wide value on the way to a sum costs no output.
  bool try_add(Group& group, int n) {
    Group trial = group;
    if (!append(trial, n)) return false;
    VectorKernel whole = trial.kernel;
    whole.outputs = outputs_of(trial);
    if (!plan_vector(whole, chip_)) return false;
    group = std::move(trial);
    for (int added : group.nodes) done_[std::size_t(added)] = true;
    return true;
  }

  bool append(Group& group, int n) {
    for (auto v : node(n).inputs) {
      if (available(group, v)) continue;
      const int p = producer_[std::size_t(behind_reshapes(v))];
      if (p < 0 || (done_[std::size_t(p)] && !repeatable_[std::size_t(p)]) || !is_fusable(graph_, node(p)) ||
          !append(group, p))
        return false;
    }
    const auto step = step_for(group, node(n));
    if (!step) return false;
    group.step_of[std::size_t(n)] = merged(group, node(n), *step);
    group.nodes.push_back(n);
    return true;
  }

  // Node x as a step of the group, if its operands resolve.
  std::optional<VectorKernel::Step> step_for(Group& group, const Node& x) {
    const auto wanted = space_of(group.shape);
    const bool reduce = is_row_reduce(graph_, x);
    const auto have = space_of(reduce ? type(x.inputs[0]).shape : type(x.output).shape);
    const bool column = reduce || (have == Space{wanted.rows, 1} && wanted.columns != 1);
    if (!(have == wanted) && !(column && !reduce)) return std::nullopt;
    VectorKernel::Step step;
    step.column = column;
    step.dtype = type(x.output).dtype;
    step.op = reduce ? VectorOp::copy : *vector_op(x.op);
    step.reduce = !reduce                  ? isa::Reduce::none
                  : x.op == Op::reduce_sum ? isa::Reduce::row_sum
                                           : isa::Reduce::row_max;
    std::vector<VectorKernel::Ref> refs;
    for (auto v : x.inputs) {
      auto ref = resolve(group, x, v);
      if (!ref) return std::nullopt;
      if (ref->kind == VectorKernel::Ref::Kind::immediate) step.value = graph_.value(v).data[0];
      refs.push_back(*ref);
    }
    step.a = refs[0];
    if (refs.size() > 1) step.b = refs[1];
    if (x.op == Op::is_class) std::swap(step.a, step.b);  // column_is compares against b
    return step;
  }

  // The number that x's step gets: that of an equal step; that of its operand's when a pass can do the
  // operation and reduce its result at once; a new one otherwise.
  int merged(Group& group, const Node& x, const VectorKernel::Step& step) const {
    auto& steps = group.kernel.steps;
    if (const auto same = std::find(steps.begin(), steps.end(), step); same != steps.end())
      return int(same - steps.begin());
    if (reduces_in_passing(group, x, step)) {
      auto& operand = steps[std::size_t(step.a.index)];
      operand.reduce = step.reduce;
      operand.dtype = step.dtype;
      operand.column = true;
      return step.a.index;
    }
    steps.push_back(step);
    return int(steps.size()) - 1;
  }

  // A pass reduces what it computes before it is rounded: the operand must be fp32, and used by nothing else.
  bool reduces_in_passing(const Group& group, const Node& x, const VectorKernel::Step& step) const {
    if (step.reduce == isa::Reduce::none || step.a.kind != VectorKernel::Ref::Kind::result) return false;
    const auto& operand = group.kernel.steps[std::size_t(step.a.index)];
    const auto v = std::size_t(x.inputs[0]);
    return operand.dtype == DType::fp32 && !operand.column && operand.reduce == isa::Reduce::none &&
           producer_[v] >= 0 && group.step_of[std::size_t(producer_[v])] == step.a.index &&
           users_[v].size() == 1 && !kept_[v] && !destination_[v] && makes_one_value(group, step.a.index);
  }

  // Not shared by equal nodes?
  bool makes_one_value(const Group& group, int step) const {
    return std::count_if(group.nodes.begin(), group.nodes.end(),
                         [&](int n) { return group.step_of[std::size_t(n)] == step; }) == 1;
  }

  // Must v be stored, because something outside the group needs it and does not make it again?
  bool needed_outside(const Group& group, ValueId v) const {
    return !repeatable_[std::size_t(producer_[std::size_t(v)])] && used_outside(group, v);
  }

  // Is v used by anything but members of the group (looking through reshapes), or by what is made again
  // elsewhere?
  bool used_outside(const Group& group, ValueId v) const {
    if (kept_[std::size_t(v)] || destination_[std::size_t(v)]) return true;
    return std::any_of(users_[std::size_t(v)].begin(), users_[std::size_t(v)].end(), [&](int u) {
      if (group.step_of[std::size_t(u)] >= 0)
        return repeatable_[std::size_t(u)] && used_outside(group, node(u).output);
      return node(u).op != Op::reshape || done_[std::size_t(u)] || used_outside(group, node(u).output);
    });
  }

  std::vector<VectorKernel::Output> outputs_of(const Group& group) const {
    std::vector<VectorKernel::Output> outputs;
    for (int n : group.nodes) {
      const ValueId v = node(n).output;
      if (!needed_outside(group, v)) continue;
      const int step = group.step_of[std::size_t(n)];
      Dims shape = group.shape;
      if (group.kernel.steps[std::size_t(step)].column) shape.back() = 1;
      View view = dense_view(-1, shape);
      if (const auto& d = destination_[std::size_t(v)]) {
        if (auto fitted = reshaped(*d, shape)) view = *fitted;
      }
      outputs.push_back({step, {view, type(v).dtype}});
    }
    return outputs;
  }

  // Does x use a result or a large input of the group, or what could be computed from them?
  bool touches(const Group& group, const Node& x) const {
    return std::any_of(x.inputs.begin(), x.inputs.end(), [&](ValueId v) {
      const int p = producer_[std::size_t(behind_reshapes(v))];
      if (p >= 0 && (group.step_of[std::size_t(p)] >= 0 || group.within_reach[std::size_t(p)])) return true;
      return !is_immediate(v) && type(v).shape.size() > 1 &&
             std::find(group.inputs.begin(), group.inputs.end(), v) != group.inputs.end();
    });
  }

  // ---- values that are cheaper to make again than to store ----
  // A wide value that a few passes make of one value in memory, which is no wider, costs a write and saves
  // nothing: the kernels that need it make it again.

  // Passes for one value at most: memory writes and reads two bytes an element in the time of about ten.
  static constexpr int kMostRepeatedPasses = 4;

  struct Remake {
    int passes = 0;   // 0: it is not made again
    ValueId of = -1;  // the wide value in memory that it is made of; -1: none
  };

  void repeat_rather_than_store(const Group& group) {
    std::map<int, Remake> remakes;  // by node
    for (int n : group.nodes) {
      const Remake remake = remake_of(group, n, remakes);
      if (remake.passes > 0 && remake.passes <= kMostRepeatedPasses && all_users_repeat(group, n))
        remakes[n] = remake;
    }
    for (const auto& [n, remake] : remakes) repeatable_[std::size_t(n)] = true;
  }

  bool is_wide(const Group& group, ValueId v) const {
    return elements(type(v)) == product(group.shape) && group.shape.back() > 1;
  }

  Remake remake_of(const Group& group, int n, const std::map<int, Remake>& remakes) const {
    Remake made{1, -1};
    if (group.kernel.steps[std::size_t(group.step_of[std::size_t(n)])].column) return {};
    for (ValueId v : node(n).inputs) {
      if (!is_wide(group, v)) continue;  // an immediate, or read from memory at next to no cost
      const int p = producer_[std::size_t(behind_reshapes(v))];
      const auto inner = remakes.find(p);
      const bool stored = views_[std::size_t(v)] || used_outside(group, node(p).output);
      if (inner == remakes.end() && !stored) return {};
      made.passes += inner == remakes.end() ? 0 : inner->second.passes;
      const ValueId of = inner == remakes.end() ? v : inner->second.of;
      if (made.of >= 0 && of >= 0 && of != made.of) return {};
      made.of = of >= 0 ? of : made.of;
    }
    const bool wider = made.of >= 0 && size_of(type(made.of).dtype) > size_of(type(node(n).output).dtype);
    return wider ? Remake{} : made;
  }

  // Can whatever else needs n's value have it in a kernel of its own over the same rows?
  bool all_users_repeat(const Group& group, int n) const {
    const ValueId v = node(n).output;
    if (kept_[std::size_t(v)] || destination_[std::size_t(v)]) return false;
    const auto& users = users_[std::size_t(v)];
    return std::all_of(users.begin(), users.end(), [&](int u) {
      if (group.step_of[std::size_t(u)] >= 0) return true;
      const auto& space = type(is_row_reduce(graph_, node(u)) ? v : node(u).output).shape;
      return !done_[std::size_t(u)] && is_fusable(graph_, node(u)) &&
             space_of(space) == space_of(group.shape);
    });
  }

  // How far ahead of a kernel's first operation others are looked for: bounds both compile time and how long
  // a value pulled forward stays alive.
  static constexpr int kFusionWindow = 64;

  void fuse_from(int n) {
    Group group;
    const auto& x = node(n);
    group.shape = is_row_reduce(graph_, x) ? type(x.inputs[0]).shape : type(x.output).shape;
    if (group.shape.empty()) group.shape = {1};
    group.kernel.shape = group.shape;
    group.step_of.assign(graph_.nodes.size(), -1);
    group.within_reach.assign(graph_.nodes.size(), false);
    if (!try_add(group, n)) throw does_not_fit(x);
    for (int m = n + 1; m < std::min(int(graph_.nodes.size()), n + kFusionWindow); ++m) {
      if (done_[std::size_t(m)]) continue;
      if (is_view_op(node(m).op) && views_[std::size_t(node(m).inputs[0])]) move(m);
      if (!is_fusable(graph_, node(m))) continue;
      if (touches(group, node(m)))
        group.within_reach[std::size_t(m)] = !try_add(group, m);
      else if (is_scalar_from_memory(node(m)))
        fuse_from(m);  // ahead of this kernel, which would be cut in two where it needs the scalar
    }
    finish(group);
  }

  bool is_scalar_from_memory(const Node& x) const {
    return elements(type(x.output)) == 1 && std::all_of(x.inputs.begin(), x.inputs.end(), [&](ValueId v) {
             return is_immediate(v) || (views_[std::size_t(v)] && elements(type(v)) == 1);
           });
  }

  // In memory, in the group, or in the instruction?
  bool available(const Group& group, ValueId v) const {
    if (views_[std::size_t(v)] || is_immediate(v)) return true;
    const int p = producer_[std::size_t(behind_reshapes(v))];
    return p >= 0 && group.step_of[std::size_t(p)] >= 0;
  }

  void finish(Group& group) {
    repeat_rather_than_store(group);
    VectorKernel kernel = std::move(group.kernel);
    for (int n : group.nodes) {
      const ValueId v = node(n).output;
      if (!needed_outside(group, v)) continue;
      const int step = group.step_of[std::size_t(n)];
      Dims shape = group.shape;
      if (kernel.steps[std::size_t(step)].column) shape.back() = 1;
      View view = result_view(v);
      auto fitted = reshaped(view, shape);
      if (!fitted) {  // the destination's strides cannot be written in this shape: produce it dense, copy
                      // after
        destination_[std::size_t(v)].reset();
        late_copies_.push_back({n, view});
        fitted = reshaped(result_view(v), shape);
      }
      kernel.outputs.push_back({step, {*fitted, type(v).dtype}});
    }
    if (kernel.outputs.empty()) return;
    drop_unused_steps(kernel);
    const Node& first = node(group.nodes.front());
    emit(first, std::move(kernel));
    for (auto& [n, view] : late_copies_) {
      const ValueId v = node(n).output;
      copy(node(n), place_of(v), {view, type(v).dtype});
      views_[std::size_t(v)] = view;
    }
    late_copies_.clear();
  }

  // Steps that no output hangs on: values that other kernels make again for themselves.
  static void drop_unused_steps(VectorKernel& kernel) {
    using Ref = VectorKernel::Ref;
    std::vector<int> step_to(kernel.steps.size(), -1), input_to(kernel.inputs.size(), -1);
    for (const auto& o : kernel.outputs) step_to[std::size_t(o.step)] = 0;
    for (std::size_t s = kernel.steps.size(); s-- > 0;) {
      if (step_to[s] < 0) continue;
      for (const Ref& ref : {kernel.steps[s].a, kernel.steps[s].b}) {
        if (ref.kind == Ref::Kind::result) step_to[std::size_t(ref.index)] = 0;
        if (ref.kind == Ref::Kind::input) input_to[std::size_t(ref.index)] = 0;
      }
    }
    keep_marked(kernel.steps, step_to);
    keep_marked(kernel.inputs, input_to);
    const auto renumber = [&](Ref& ref) {
      if (ref.kind == Ref::Kind::result) ref.index = step_to[std::size_t(ref.index)];
      if (ref.kind == Ref::Kind::input) ref.index = input_to[std::size_t(ref.index)];
    };
    for (auto& step : kernel.steps) renumber(step.a), renumber(step.b);
    for (auto& o : kernel.outputs) o.step = step_to[std::size_t(o.step)];
  }

  // Erases what is marked -1; the marks of the others become their new places.
  template <class T>
  static void keep_marked(std::vector<T>& items, std::vector<int>& marks) {
    int kept = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (marks[i] < 0) continue;
      marks[i] = kept;
      items[std::size_t(kept++)] = items[i];
    }
    items.resize(std::size_t(kept));
  }

  Error does_not_fit(const Node& x) const {
    return Error(ExitCode::does_not_fit,
                 fmt::format("{} ({}): one row of its tile does not fit the local store of {} bytes", x.name,
                             name_of(x.op), chip_.local_store.bytes),
                 "use a chip with a larger local_store.bytes, or a model with shorter rows");
  }

  const Graph& graph_;
  const ChipConfig& chip_;
  Lowered out_;
  std::vector<std::vector<int>> users_;
  std::vector<int> producer_;
  std::vector<std::optional<View>> views_, destination_;
  std::vector<bool> kept_, done_;
  std::vector<bool> repeatable_;  // by node: done, and done again by every kernel that needs its value
  std::vector<std::pair<int, View>> late_copies_;
  std::map<std::string, Turned> turned_;  // by the likeness of a product
};

}  // namespace

Lowered select(const Graph& graph, const ChipConfig& chip) {
  return Selector(graph, chip).run();
}

}  // namespace leto::compiler
