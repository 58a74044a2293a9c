// Kernels that work element by element.
#include <cmath>
#include <limits>

#include "apps/zoo/device_operators.h"

namespace leto::zoo {
namespace {

constexpr int kBool = onnx::TensorProto::BOOL;

/// The larger of two shapes: one of them is broadcast.
const Shape& wider(const Shape& a, const Shape& b) {
  return a.size() >= b.size() ? a : b;
}

void unary(DeviceModel& m, std::string_view becomes) {
  m.result(m.node(becomes, {m.operand(0)}), m.shape(0), m.type(0));
}

/// Of the first two operands, in the type of the result: the last operand, where it was given one.
void binary(DeviceModel& m, std::string_view becomes) {
  const auto& types = m.operation().types;
  const std::size_t like = types.back() == "double" ? types.size() - 1 : 0;
  const auto a = m.operand(0, like), b = m.operand(1, like);
  const bool reversed = m.operation().aten == "aten::rsub";
  m.result(m.node(becomes, {reversed ? b : a, reversed ? a : b}), wider(m.shape(0), m.shape(1)),
           m.type(like));
}

void times_number(DeviceModel& m, std::string_view becomes) {
  m.result(m.node(becomes, {m.operand(0), m.number(0.5)}), m.shape(0), m.type(0));
}

void compare(DeviceModel& m, std::string_view becomes) {
  m.result(m.node(becomes, {m.operand(0), m.operand(1)}), m.shape(0), kBool);
}

void logarithm(DeviceModel& m, std::string_view) {
  m.result(m.node("Mul", {m.node("Log", {m.operand(0)}), m.number(1 / std::log(2.0))}), m.shape(0),
           m.type(0));
}

void clip(DeviceModel& m, std::string_view) {
  const auto x = m.operand(0);
  const auto low = m.has(1) ? m.number(-1) : "", high = m.has(2) ? m.number(1) : "";
  m.result(m.node("Clip", {x, low, high}), m.shape(0), m.type(0));
}

void nan_to_num(DeviceModel& m, std::string_view) {
  constexpr double kMost = std::numeric_limits<float>::max();
  const auto x = m.operand(0);
  const auto numbers = m.node("Where", {m.node("IsNaN", {x}), m.number(0), x});
  m.result(m.node("Clip", {numbers, m.number(-kMost), m.number(kMost)}), m.shape(0), m.type(0));
}

void where(DeviceModel& m, std::string_view) {
  const auto mask = m.operand(0), a = m.operand(1, 1), b = m.operand(2, 1);
  m.result(m.node("Where", {mask, a, b}), wider(m.shape(0), wider(m.shape(1), m.shape(2))), m.type(1));
}

/// g y (1 - y).
void sigmoid_backward(DeviceModel& m, std::string_view) {
  const auto g = m.operand(0), y = m.operand(1);
  m.result(m.node("Mul", {m.node("Mul", {g, y}), m.node("Sub", {m.number(1), y})}), m.shape(0), m.type(0));
}

/// g (1 - y y).
void tanh_backward(DeviceModel& m, std::string_view) {
  const auto g = m.operand(0), y = m.operand(1);
  m.result(m.node("Mul", {g, m.node("Sub", {m.number(1), m.node("Mul", {y, y})})}), m.shape(0), m.type(0));
}

/// g where y is above the threshold.
void threshold_backward(DeviceModel& m, std::string_view) {
  const auto g = m.operand(0), y = m.operand(1);
  const auto mask = m.cast(m.node("Greater", {y, m.number(0)}), m.type(0));
  m.result(m.node("Mul", {g, mask}), m.shape(0), m.type(0));
}

/// max(x, 0) - x y + log(1 + e^-|x|).
void bce_with_logits(DeviceModel& m, std::string_view) {
  const auto x = m.operand(0), y = m.operand(1);
  const auto small = m.node("Exp", {m.node("Neg", {m.node("Abs", {x})})});
  const auto rest = m.node("Log", {m.node("Add", {small, m.number(1)})});
  const auto linear = m.node("Sub", {m.node("Relu", {x}), m.node("Mul", {x, y})});
  m.result(m.node("Add", {linear, rest}), m.shape(0), m.type(0));
}

const DeviceOperator kTable[] = {
    {"add", "Add", binary},
    {"customized_fba_mul_const", "Mul", times_number},
    {"aten::mul.out", "Mul", binary},
    {"divide", "Div", binary},
    {"aten::sub.out", "Sub", binary},
    {"log2", "Log, Mul", logarithm},
    {"aten::sigmoid.out", "Sigmoid", unary},
    {"aten::sqrt.out", "Sqrt", unary},
    {"sigmoid_backward", "Mul, Sub, Mul", sigmoid_backward},
    {"tanh_backward", "Mul, Sub, Mul", tanh_backward},
    {"threshold_backward", "Greater, Mul", threshold_backward},
    {"bce_with_logits", "Relu, Mul, Sub, Abs, Neg, Exp, Add, Log", bce_with_logits, "a loss a sample"},
    {"aten::tanh.out", "Tanh", unary},
    {"aten::where", "Where", where},
    {"aten::nan_to_num.out", "IsNaN, Where, Clip", nan_to_num},
    {"clip", "Clip", clip},
    {"aten::gt.Tensor_out", "Greater", compare},
    {"aten::le.Tensor_out", "LessOrEqual", compare},
    {"eq_kernel", "Equal", compare},
    {"relu", "Relu", unary},
    {"neg", "Neg", unary},
    {"reciprocal", "Reciprocal", unary},
};

}  // namespace

std::span<const DeviceOperator> elementwise_device_operators() {
  return kTable;
}

}  // namespace leto::zoo
