// What stands for each kernel of a recorded step: a model of ONNX operators, or the reason why there is none.
#pragma once

#include <span>

#include "apps/zoo/device_trace.h"

namespace leto::zoo {

/// The model of one recorded operation: its operands are inputs, its operators those of a builder below.
class DeviceModel {
 public:
  DeviceModel(const DeviceOperation& operation, std::uint64_t seed);

  const DeviceOperation& operation() const { return operation_; }
  const Shape& shape(std::size_t i) const { return operation_.shapes.at(i); }
  bool has(std::size_t i) const;  // a tensor or a number
  /// Operand `i` in the type of operand `like`: an input; a number where the operator was given one.
  std::string operand(std::size_t i, std::size_t like = 0);
  /// An input of indices below `limit`, in the type of operand `i`.
  std::string indices(std::size_t i, const Shape& shape, std::int64_t limit);
  /// A number in the type of operand `like`.
  std::string number(double value, std::size_t like = 0);
  /// The ONNX type of operand `i`.
  int type(std::size_t i) const;

  std::string node(std::string_view op, const std::vector<std::string>& inputs);
  /// Sum over axes, without them.
  std::string sum(const std::string& x, const std::vector<std::int64_t>& axes);
  std::string reshaped(const std::string& x, const Shape& shape);
  std::string cast(const std::string& x, int type);
  std::string integers(const std::vector<std::int64_t>& data);
  ModelBuilder& builder() { return builder_; }
  /// Makes x a result of the model.
  void result(const std::string& x, const Shape& shape, int type);

 private:
  std::string fresh(std::string_view what);

  const DeviceOperation& operation_;
  ModelBuilder builder_;
  int names_ = 0;
};

struct DeviceOperator {
  std::string_view name;     // DeviceOperation::name
  std::string_view becomes;  // operators of ONNX
  void (*build)(DeviceModel& model, std::string_view becomes) = nullptr;
  std::string_view note{};  // what differs from the recorded one; without `build`: why there is none
  bool updates = false;     // it is what adagrad's step of the model does beyond its forward pass
};

// The groups of the table.
std::span<const DeviceOperator> elementwise_device_operators();
std::span<const DeviceOperator> row_device_operators();  // reductions, normalisation, products of matrices
std::span<const DeviceOperator> indexed_device_operators();  // embedding tables, what goes by index or order

/// The kernel's entry; Error(internal) when it has none.
const DeviceOperator& device_operator(const DeviceOperation& operation);
/// Error(unsupported) with the entry's note when there is no builder.
onnx::ModelProto device_model(const DeviceOperation& operation, std::uint64_t seed);
/// Error(unsupported), for builders.
[[noreturn]] void refuse(const DeviceOperation& operation, std::string_view why);

}  // namespace leto::zoo
