#include "apps/zoo/device_operators.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kIntegers = 1000;  // what long operands of arithmetic are below

int onnx_type_of(const std::string& type) {
  if (type == "double") return onnx::TensorProto::DOUBLE;
  if (type == "c10::Half") return onnx::TensorProto::FLOAT16;
  if (type == "long") return onnx::TensorProto::INT64;
  if (type == "int") return onnx::TensorProto::INT32;
  if (type == "bool") return onnx::TensorProto::BOOL;
  return onnx::TensorProto::FLOAT;
}

std::int64_t limit_of(int type) {
  if (type == onnx::TensorProto::BOOL) return 2;
  return type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32 ? kIntegers : 0;
}

}  // namespace

DeviceModel::DeviceModel(const DeviceOperation& operation, std::uint64_t seed)
    : operation_(operation), builder_("artemis-op", DType::fp32, seed) {}

bool DeviceModel::has(std::size_t i) const {
  return i < operation_.types.size() && !operation_.types[i].empty();
}

int DeviceModel::type(std::size_t i) const {
  return onnx_type_of(operation_.types.at(i));
}

// PyTorch hands the number of `x * 2` on as a tensor of no dimensions and the number's own type.
std::string DeviceModel::operand(std::size_t i, std::size_t like) {
  const auto& type_name = operation_.types.at(i);
  const bool number_only =
      type_name == "Scalar" ||
      (i > 0 && shape(i).empty() && type_name != operation_.types[0] && operation_.types[0] != "bool");
  if (number_only) return number(1, like);
  const auto x = builder_.typed_input(fmt::format("x{}", i), shape(i), type(i), limit_of(type(i)));
  return type(i) == type(like) ? x : cast(x, type(like));
}

std::string DeviceModel::indices(std::size_t i, const Shape& shape, std::int64_t limit) {
  const int given = type(i) == onnx::TensorProto::INT32 ? type(i) : int{onnx::TensorProto::INT64};
  return builder_.typed_input(fresh("index"), shape, given, limit);
}

std::string DeviceModel::number(double value, std::size_t like) {
  return builder_.typed_number(fresh("number"), type(like), value);
}

std::string DeviceModel::node(std::string_view op, const std::vector<std::string>& inputs) {
  return builder_.node(op, inputs, fresh(op));
}

std::string DeviceModel::sum(const std::string& x, const std::vector<std::int64_t>& axes) {
  const auto y = node("ReduceSum", {x, integers(axes)});
  builder_.integer("keepdims", 0);
  return y;
}

std::string DeviceModel::reshaped(const std::string& x, const Shape& shape) {
  return node("Reshape", {x, integers(shape)});
}

std::string DeviceModel::cast(const std::string& x, int type) {
  return builder_.cast_to(x, type, fresh("Cast"));
}

std::string DeviceModel::integers(const std::vector<std::int64_t>& data) {
  return builder_.integers(fresh("integers"), data);
}

void DeviceModel::result(const std::string& x, const Shape& shape, int type) {
  builder_.typed_output(x, shape, type);
}

std::string DeviceModel::fresh(std::string_view what) {
  return fmt::format("{}.{}", what, names_++);
}

const DeviceOperator& device_operator(const DeviceOperation& operation) {
  for (const auto group :
       {elementwise_device_operators(), row_device_operators(), indexed_device_operators()})
    for (const DeviceOperator& entry : group)
      if (entry.name == operation.name()) return entry;
  throw Error(ExitCode::internal, operation.kernel + " is not in the table of device operators",
              "add it to apps/zoo/device_operators");
}

void refuse(const DeviceOperation& operation, std::string_view why) {
  throw Error(ExitCode::unsupported, fmt::format("{}: {}", operation.name(), why),
              "docs/artemis.md lists the operations that Leto has");
}

onnx::ModelProto device_model(const DeviceOperation& operation, std::uint64_t seed) {
  const DeviceOperator& entry = device_operator(operation);
  if (entry.build == nullptr) refuse(operation, entry.note);
  DeviceModel model(operation, seed);
  entry.build(model, entry.becomes);
  return model.builder().finish();
}

}  // namespace leto::zoo
