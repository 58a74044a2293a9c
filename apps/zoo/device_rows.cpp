// Kernels that work on rows and matrices.
#include <numeric>

#include "apps/zoo/device_operators.h"

namespace leto::zoo {
namespace {

constexpr int kFloat = onnx::TensorProto::FLOAT, kNarrow = onnx::TensorProto::BFLOAT16;

/// Products of fp32 operands in memory, which the matrix engine takes as bf16.
std::string product(DeviceModel& m, std::size_t a, std::size_t b) {
  const auto left = m.cast(m.operand(a), kNarrow), right = m.cast(m.operand(b), kNarrow);
  return m.cast(m.node("MatMul", {left, right}), kFloat);
}

void matmul(DeviceModel& m, std::string_view) {
  m.result(product(m, 0, 1), m.shape(2), kFloat);
}

/// aten::mm, and aten::addmm, which adds a row.
void fully_connected(DeviceModel& m, std::string_view becomes) {
  if (m.operation().aten == "aten::mm") return matmul(m, becomes);
  const auto row = m.operand(0);
  m.result(m.node("Add", {product(m, 1, 2), row}), m.operation().shapes.back(), kFloat);
}

void norm(DeviceModel& m, std::string_view) {
  const auto y = m.node("ReduceL2", {m.operand(0)});
  m.builder().integer("keepdims", 0);
  m.result(y, {}, m.type(0));
}

void mean(DeviceModel& m, std::string_view) {
  const auto y = m.node("ReduceMean", {m.operand(0)});
  m.builder().integer("keepdims", 0);
  m.result(y, {}, m.type(0));
}

/// Over the axes that the result has as 1; over all when it has other axes.
void reduce_sum(DeviceModel& m, std::string_view) {
  const Shape &from = m.shape(0), &to = m.operation().shapes.back();
  std::vector<std::int64_t> axes(from.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (from.size() == to.size())
    std::erase_if(axes, [&](std::int64_t i) { return from[std::size_t(i)] == to[std::size_t(i)]; });
  const auto sums = axes.empty() ? m.node("Identity", {m.operand(0)}) : m.sum(m.operand(0), axes);
  m.result(m.reshaped(sums, to), to, m.type(0));
}

void layer_norm(DeviceModel& m, std::string_view) {
  const auto y = m.node("LayerNormalization", {m.operand(0), m.operand(2), m.operand(3)});
  m.builder().integer("axis", -1).number("epsilon", 1e-5f);
  m.result(y, m.shape(0), kFloat);
}

/// Of g, x, mean, rstd and scale: with n = (x - mean) rstd and h = g scale, dx = rstd (h - mean(h) -
/// n mean(h n)); the scale's gradient sums g n over rows, the bias's g.
void layer_norm_backward(DeviceModel& m, std::string_view) {
  const auto g = m.operand(0), x = m.operand(1), mu = m.operand(3), rstd = m.operand(4), scale = m.operand(5);
  const auto row_mean = [&](const std::string& v) {
    const auto y = m.node("ReduceMean", {v});
    m.builder().list("axes", {-1});
    return y;
  };
  const auto n = m.node("Mul", {m.node("Sub", {x, mu}), rstd}), h = m.node("Mul", {g, scale});
  const auto along = m.node("Mul", {n, row_mean(m.node("Mul", {h, n}))});
  const auto rest = m.node("Sub", {m.node("Sub", {h, row_mean(h)}), along});
  m.result(m.node("Mul", {rest, rstd}), m.shape(1), kFloat);
  m.result(m.sum(m.node("Mul", {g, n}), {0}), m.shape(5), kFloat);
  m.result(m.sum(g, {0}), m.shape(5), kFloat);
}

/// The value and the place, along the last axis.
void extremum(DeviceModel& m, std::string_view arg, std::string_view reduce) {
  const auto x = m.operand(0);
  const auto& to = m.operation().shapes.back();
  const auto value = m.node(reduce, {x});
  m.builder().list("axes", {-1}).integer("keepdims", 0);
  const auto place = m.node(arg, {x});
  m.builder().integer("axis", -1).integer("keepdims", 0);
  m.result(value, to, m.type(0));
  m.result(place, to, onnx::TensorProto::INT64);
}

const DeviceOperator kTable[] = {
    {"fc", "MatMul, Add", fully_connected, "operands are rounded to bf16, sums are fp32"},
    {"batch_matmul", "MatMul", matmul, "operands are rounded to bf16, sums are fp32"},
    {"vector_norm_float_order", "ReduceL2", norm},
    {"reduce_sum", "ReduceSum", reduce_sum},
    {"aten::mean.out", "ReduceMean", mean},
    {"native_layer_norm", "LayerNormalization", layer_norm},
    {"layer_norm_backward", "Sub, Mul, ReduceMean, ReduceSum", layer_norm_backward},
    {"min_dim_min", "ReduceMin, ArgMin",
     [](DeviceModel& m, std::string_view) { extremum(m, "ArgMin", "ReduceMin"); }},
    {"max_dim_max", "ReduceMax, ArgMax",
     [](DeviceModel& m, std::string_view) { extremum(m, "ArgMax", "ReduceMax"); }},
};

}  // namespace

std::span<const DeviceOperator> row_device_operators() {
  return kTable;
}

}  // namespace leto::zoo
