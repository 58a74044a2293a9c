// Kernels that go by index or by order: embedding tables first.
#include <fmt/format.h>

#include "apps/zoo/device_operators.h"

namespace leto::zoo {
namespace {

constexpr int kFloat = onnx::TensorProto::FLOAT, kHalf = onnx::TensorProto::FLOAT16,
              kInt64 = onnx::TensorProto::INT64;

std::int64_t parts_of(std::int64_t n, std::int64_t each) {
  return (n + each - 1) / each;
}

/// Tables side by side. How long each bag was is not recorded: all are as long as the mean, rounded up.
struct Tables {
  // The optimizer's state is recorded, one number a row: ten rows a table.
  static constexpr std::int64_t kRows = 10;
  std::int64_t count, dim, batch, bag;

  Tables(std::int64_t tables, std::int64_t weights, std::int64_t lookups, std::int64_t offsets)
      : count(tables),
        dim(weights / (tables * kRows)),
        batch((offsets - 1) / tables),
        bag(parts_of(lookups, tables * batch)) {}
};

/// The bags of all tables, [batch, count dim]; `table` gives each its rows.
template <class Table>
std::string bags(DeviceModel& m, const Tables& t, bool weighted, Table table) {
  std::vector<std::string> sums;
  for (std::int64_t i = 0; i < t.count; ++i) {
    const auto index = m.builder().index_input(fmt::format("index.{}", i), {t.batch, t.bag}, Tables::kRows);
    auto rows = m.node("Gather", {table(i), index});
    if (weighted)
      rows = m.node("Mul", {m.cast(rows, kFloat), m.builder().typed_input(fmt::format("weight.{}", i),
                                                                          {t.batch, t.bag, 1}, kFloat)});
    sums.push_back(m.sum(rows, {1}));
  }
  if (t.count == 1) return sums[0];
  const auto all = m.node("Concat", sums);
  m.builder().integer("axis", 1);
  return all;
}

void forward(DeviceModel& m, std::string_view) {
  const Tables t(m.shape(1)[0], m.shape(0)[0], m.shape(5)[0], m.shape(6)[0]);
  const auto sums = bags(m, t, m.has(8), [&](std::int64_t i) {
    return m.builder().typed_input(fmt::format("table.{}", i), {Tables::kRows, t.dim}, kHalf);
  });
  m.result(m.cast(sums, kFloat), {t.batch, t.count * t.dim}, kFloat);
}

/// A step whose loss has the recorded gradient: the sum of bags times gradient.
void update(DeviceModel& m, std::string_view) {
  const Tables t(m.shape(2)[0], m.shape(1)[0], m.shape(8)[0], m.shape(9)[0]);
  const auto sums = bags(m, t, m.has(11), [&](std::int64_t i) {
    return m.builder().weight(fmt::format("table.{}", i), {Tables::kRows, t.dim}, 0.1);
  });
  const auto loss = m.sum(m.node("Mul", {sums, m.operand(0)}), {0, 1});
  m.builder().typed_output(m.builder().node("Identity", {loss}, "loss"), {}, kFloat);
}

/// A lookup's weight has the gradient that is the product of its row and its bag's gradient.
void weight_gradient(DeviceModel& m, std::string_view) {
  const Tables t(m.shape(2)[0], m.shape(1)[0], m.shape(4)[0], m.shape(5)[0]);
  if (t.count != 1) refuse(m.operation(), "tables with weights side by side");
  const auto table = m.builder().typed_input("table", {Tables::kRows, t.dim}, kHalf);
  const auto index = m.builder().index_input("index", {t.batch, t.bag}, Tables::kRows);
  const auto rows = m.cast(m.node("Gather", {table, index}), kFloat);
  const auto gradient = m.reshaped(m.operand(0), {t.batch, 1, t.dim});
  m.result(m.sum(m.node("Mul", {rows, gradient}), {2}), {t.batch, t.bag}, kFloat);
}

/// Indices that no row of their table has become 0.
void bounds_check(DeviceModel& m, std::string_view) {
  const std::int64_t tables = m.shape(0)[0], lookups = parts_of(m.shape(1)[0], tables);
  const auto rows = m.builder().typed_input("rows", {tables, 1}, kInt64, Tables::kRows);
  const auto index = m.builder().typed_input("index", {tables, lookups}, kInt64, 2 * Tables::kRows);
  const auto legal =
      m.node("And", {m.node("Greater", {rows, index}), m.node("GreaterOrEqual", {index, m.number(0, 0)})});
  m.result(m.node("Mul", {index, m.cast(legal, kInt64)}), {tables, lookups}, kInt64);
}

/// Jagged lists as rows of the same length: the lists' lengths and their values, by feature.
void permute_features(DeviceModel& m, std::string_view) {
  const Shape& lengths = m.shape(1);
  const std::int64_t each = lengths[1] * parts_of(m.shape(2)[0], lengths[0] * lengths[1]);
  const auto order = m.indices(0, m.shape(0), lengths[0]);
  const auto values = m.builder().typed_input("values", {lengths[0], each}, m.type(2), Tables::kRows);
  m.result(m.node("Gather", {m.operand(1, 1), order}), {m.shape(0)[0], lengths[1]}, m.type(1));
  m.result(m.node("Gather", {values, order}), {m.shape(0)[0], each}, m.type(2));
}

/// Rows of operand 0 by indices of operand 2's shape.
void gather(DeviceModel& m, std::string_view) {
  const auto index = m.indices(2, m.shape(2), m.shape(0)[0]);
  m.result(m.node("Gather", {m.operand(0), index}), m.shape(2), m.type(0));
}

/// Operand 3's elements written, or added, at operand 2's places in operand 0.
void scatter(DeviceModel& m, const char* reduction) {
  const auto index = m.indices(2, m.shape(2), m.shape(0)[0]);
  const auto y = m.node("ScatterElements", {m.operand(0), index, m.operand(3)});
  m.builder().integer("axis", 0).text("reduction", reduction);
  m.result(y, m.shape(0), m.type(0));
}

/// The parts are not recorded: they are about the same, along the axis behind the batch's where it has room.
void concatenate(DeviceModel& m, std::string_view) {
  const Shape& to = m.operation().shapes.back();
  const std::int64_t parts = m.operation().listed();
  const std::size_t axis = to.size() > 1 && to[1] >= parts ? 1 : 0, last = m.operation().types.size() - 1;
  std::vector<std::string> inputs;
  for (std::int64_t i = 0, done = 0; i < parts; ++i) {
    Shape part = to;
    part[axis] = (to[axis] * (i + 1)) / parts - done;
    done += part[axis];
    inputs.push_back(m.builder().typed_input(fmt::format("part.{}", i), part, m.type(last),
                                             m.type(last) == kFloat ? 0 : Tables::kRows));
  }
  const auto y = m.node("Concat", inputs);
  m.builder().integer("axis", static_cast<std::int64_t>(axis));
  m.result(y, to, m.type(last));
}

/// log n times, what stands 1, 2, 4, … places before is added.
void running_sums(DeviceModel& m, std::string_view) {
  const std::int64_t n = m.shape(0)[0];
  auto y = m.operand(0);
  for (std::int64_t step = 1; step < n; step *= 2) {
    const auto first = m.node("Slice", {y, m.integers({0}), m.integers({n - step})});
    y = m.node("Add", {y, m.node("Pad", {first, m.integers({step, 0})})});
  }
  m.result(y, m.shape(0), m.type(0));
}

/// How many boundaries are not above x.
void bucketize(DeviceModel& m, std::string_view) {
  const auto x = m.reshaped(m.operand(0), {m.shape(0)[0], 1});
  const auto bounds = m.reshaped(m.operand(1), {1, m.shape(1)[0]});
  const auto above = m.cast(m.node("GreaterOrEqual", {x, bounds}), kFloat);
  m.result(m.cast(m.sum(above, {1}), kInt64), m.shape(0), kInt64);
}

constexpr std::string_view kUnknown = "what the kernel computes is not public";
constexpr std::string_view kMeanBags = "bags of the mean length, rounded up: theirs are not recorded";

const DeviceOperator kTable[] = {
    {"split_eb_bwd_rowwise_adagrad", "Gather, ReduceSum, with a recipe", update,
     "tables of fp32; the step less its forward pass; bags of the mean length, rounded up", true},
    {"fbgemm::split_embedding_codegen_grad_indice_weights_cpu", "Gather, Mul, ReduceSum", weight_gradient,
     kMeanBags},
    {"fbgemm::split_embedding_codegen_forward_cpu", "Gather, Mul, ReduceSum", forward, kMeanBags},
    {"permute_2d_sparse_data", "Gather", permute_features, "jagged lists padded to their mean length"},
    {"bounds_check_indices", "Greater, GreaterOrEqual, And, Mul", bounds_check,
     "does not say that an index was wrong"},
    {"aten::cat.out", "Concat", concatenate, "parts of about the same size: theirs are not recorded"},
    {"index_add", "ScatterElements", [](DeviceModel& m, std::string_view) { scatter(m, "add"); }},
    {"aten::scatter_add.out", "ScatterElements", [](DeviceModel& m, std::string_view) { scatter(m, "add"); }},
    {"index_copy", "ScatterElements", [](DeviceModel& m, std::string_view) { scatter(m, "none"); },
     "places that differ"},
    {"aten::index.Tensor_out", "Gather", gather},
    {"aten::index_select", "Gather", gather},
    {"gather", "Gather", gather},
    {"cumsum", "Slice, Pad, Add", running_sums, "log n sums of shifted copies"},
    {"bucketize", "GreaterOrEqual, ReduceSum", bucketize, "every boundary is compared"},
    {"sparse_label_to_dense", "", nullptr, kUnknown},
    {"sparse_label_to_bool", "", nullptr, kUnknown},
    {"to_dense_representation", "", nullptr, kUnknown},
    {"offsets_range", "", nullptr, "how often each number comes is data, a program's loops are not"},
};

}  // namespace

std::span<const DeviceOperator> indexed_device_operators() {
  return kTable;
}

}  // namespace leto::zoo
