// Select: movement. Views where strides can say it, values made where they are moved to, copies elsewhere.
#include <algorithm>

#include "compiler/lower/selector.h"

namespace leto::compiler {

using isa::VectorOp;

template <class F>
void Selector::for_each_part(const Node& concat, F f) {
  const auto axis = std::size_t(concat.integer("axis"));
  const View& whole = *destination_[std::size_t(concat.output)];
  Dims starts(whole.shape.size(), 0), steps(whole.shape.size(), 1);
  for (auto part : concat.inputs) {
    f(part, sliced(whole, starts, type(part).shape, steps));
    starts[axis] += type(part).shape[axis];
  }
}

bool Selector::sinkable(ValueId v) const {
  const int p = producer_[std::size_t(v)];
  if (p < 0 || kept_[std::size_t(v)] || users_[std::size_t(v)].size() != 1) return false;
  if (node(p).op == Op::transpose || node(p).op == Op::reshape) return sinkable(node(p).inputs[0]);
  return !is_view_op(node(p).op);
}

bool Selector::can_write(ValueId v, const View& view) const {
  const auto n = view.shape.size();
  if (n < 2 || view.shape[n - 1] == 1 || view.strides[n - 1] == 1) return true;
  int p = producer_[std::size_t(v)];
  while (node(p).op == Op::transpose || node(p).op == Op::reshape)
    p = producer_[std::size_t(node(p).inputs[0])];
  return node(p).op == Op::matmul && view.strides[n - 2] == 1;
}

void Selector::sink(ValueId v, const View& view) {
  if (can_write(v, view)) destination_[std::size_t(v)] = view;
}

void Selector::assign_destinations() {
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

void Selector::sink_transpose(const Node& x) {
  const auto y = std::size_t(x.output);
  Dims inverse(x.list("perm").size());
  for (std::size_t i = 0; i < inverse.size(); ++i) inverse[std::size_t(x.list("perm")[i])] = std::int64_t(i);
  const View target = destination_[y] ? *destination_[y] : dense_view(-1, type(x.output).shape);
  if (!can_write(x.inputs[0], transposed(target, inverse))) return;
  if (!destination_[y]) destination_[y] = dense_view(new_storage(x.output, kept_[y]), type(x.output).shape);
  sink(x.inputs[0], transposed(*destination_[y], inverse));
}

std::optional<View> Selector::moved(const Node& x) const {
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

void Selector::move(int n) {
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

void Selector::concat(const Node& x) {
  views_[std::size_t(x.output)] = destination_[std::size_t(x.output)];
  for_each_part(x, [&](ValueId part, const View& view) {
    copy(x, place_of(part), {view, type(part).dtype});
  });
}

void Selector::fill(const Node& x, const Place& place, float value) {
  VectorKernel k;
  k.shape = place.view.shape;  // never a scalar: an embed has dims
  k.steps.push_back({VectorOp::copy, isa::Reduce::none, {}, {}, value, place.dtype, false});
  k.outputs.push_back({0, place});
  emit(x, k);
}

// In the place of the operand, which goes on as the result: it holds the same.
void Selector::exchange(const Node& x) {
  const Place data = dense_rows(x, x.inputs[0]);
  emit(x, ExchangeKernel{data, x.integer("elements") * size_of(data.dtype), x.integer("chips")});
  if (!destination_[std::size_t(x.output)] && !kept_[std::size_t(x.output)])
    views_[std::size_t(x.output)] = data.view;
  else
    copy(x, data, {result_view(x.output), data.dtype});
}

void Selector::embed(const Node& x) {
  const Type out = type(x.output);
  const View to = result_view(x.output);
  fill(x, {to, out.dtype}, float(x.number("value")));
  copy(x, place_of(x.inputs[0]),
       {sliced(to, x.list("starts"), type(x.inputs[0]).shape, x.list("steps")), out.dtype});
}

}  // namespace leto::compiler
