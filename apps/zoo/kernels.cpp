// Single operations: what the chip's engines and memories are measured with.
#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"

namespace leto::zoo {

onnx::ModelProto gemm(const Request& request) {
  const auto m = request["m"], n = request["n"], k = request["k"];
  const bool trans_a = request["trans-a"] != 0, trans_b = request["trans-b"] != 0;
  ModelBuilder model("gemm", request.dtype, request.seed);
  const auto a = model.input("a", trans_a ? Shape{k, m} : Shape{m, k});
  const auto b =
      model.weight("b", trans_b ? Shape{n, k} : Shape{k, n}, 1.0 / std::sqrt(static_cast<double>(k)));
  const auto c = model.node("Gemm", {a, b}, "c");
  model.integer("transA", trans_a).integer("transB", trans_b);
  model.output(c, {m, n});
  return model.finish();
}

onnx::ModelProto add(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("add", request.dtype, request.seed);
  model.output(model.node("Add", {model.input("a", shape), model.input("b", shape)}, "c"), shape);
  return model.finish();
}

onnx::ModelProto softmax(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("softmax", request.dtype, request.seed);
  const auto y = model.node("Softmax", {model.input("x", shape)}, "y");
  model.integer("axis", -1).output(y, shape);
  return model.finish();
}

onnx::ModelProto layernorm(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("layernorm", request.dtype, request.seed);
  const auto x = model.input("x", shape);
  const auto scale = model.filled("scale", {shape[1]}, 1.0f), bias = model.filled("bias", {shape[1]}, 0.0f);
  const auto y = model.node("LayerNormalization", {x, scale, bias}, "y");
  model.integer("axis", -1).number("epsilon", 1e-5f).output(y, shape);
  return model.finish();
}

}  // namespace leto::zoo
