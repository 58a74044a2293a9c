// Select: matrix products, and sums over axes other than the last.
#include <algorithm>

#include "compiler/lower/likeness.h"
#include "compiler/lower/selector.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kLeastRowsOfABlock = 16;

}  // namespace

using isa::VectorOp;

View Selector::operand(ValueId v, bool swap, const Dims& batch) const {
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

View Selector::with_adjacent(const Node& x, ValueId v) {
  View view = *views_[std::size_t(v)];
  const auto n = view.shape.size();
  auto good = [&](std::size_t i) { return view.strides[i] == 1 || view.shape[i] == 1; };
  if (good(n - 1) || good(n - 2)) return view;
  const View dense = temporary(v);
  copy(x, {view, type(v).dtype}, {dense, type(v).dtype});
  return dense;
}

void Selector::matmul(const Node& x) {
  for (int i : {0, 1})
    if (size_of(type(x.inputs[std::size_t(i)]).dtype) > 2)
      throw Error(ExitCode::unsupported,
                  fmt::format("matmul {} has {} operands: the matrix engine takes bf16, fp16 and fp8", x.name,
                              name_of(type(x.inputs[std::size_t(i)]).dtype)),
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

void Selector::turn_operands(const Node& x, MatmulKernel& k) {
  const std::string like = likeness({k, {}, {}, 0});
  const auto [known, is_new] = turned_.try_emplace(like);
  if (is_new) known->second = worth_turning(k, chip_);
  if (known->second.a) turn(x, k.a);
  if (known->second.b) turn(x, k.b);
}

void Selector::turn(const Node& x, Place& operand) {
  const View from = without_repeats(operand.view);
  out_.storages.push_back({x.output, product(from.shape), operand.dtype, false});
  const auto storage = StorageId(out_.storages.size() - 1);
  const View all = turned_view(storage, operand.view);
  copy(x, {from, operand.dtype}, {without_repeats(all), operand.dtype});
  operand.view = all;
}

void Selector::column_reduce(const Node& x) {
  const auto& axes = x.list("axes");
  const auto& in_shape = type(x.inputs[0]).shape;
  // [outer, reduced, inner]: the reduced axes must be neighbours.
  const auto first = std::size_t(axes.front()), last = std::size_t(axes.back());
  if (last - first + 1 != axes.size())
    throw Error(ExitCode::unsupported, fmt::format("{} reduces axes that are not neighbours", x.name),
                "transpose the operand so that the reduced axes are adjacent");
  Dims merged{1, 1, 1};
  for (std::size_t i = 0; i < in_shape.size(); ++i) merged[i < first ? 0 : i <= last ? 1 : 2] *= in_shape[i];
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

void Selector::sum_runs(const Node& x, const Place& in, const Place& out) {
  VectorKernel k;
  k.shape = {in.view.shape[0], in.view.shape[1]};
  k.inputs.push_back({*reshaped(in.view, k.shape), in.dtype});
  k.steps.push_back(
      {VectorOp::copy, isa::Reduce::row_sum, {VectorKernel::Ref::Kind::input, 0}, {}, 0, out.dtype, true});
  k.outputs.push_back({0, out});
  emit(x, k);
}

void Selector::sum_rows(const Node& x, const Place& in, const Place& out) {
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

}  // namespace leto::compiler
