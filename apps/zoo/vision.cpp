// Small image classifiers: an MLP for 8x8 digits and LeNet for 28x28 MNIST. Scores out, no loss: the recipe
// adds it.
#include <fmt/format.h>

#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"

namespace leto::zoo {
namespace {

/// Kaiming: keeps the variance of activations through a layer followed by relu.
double kaiming(std::int64_t fan_in) {
  return std::sqrt(2.0 / static_cast<double>(fan_in));
}

std::string dense(ModelBuilder& model, const std::string& x, std::int64_t in, std::int64_t out,
                  const std::string& name) {
  const auto weight = model.weight(name + ".weight", {out, in}, kaiming(in));
  const auto bias = model.filled(name + ".bias", {out}, 0.0f);
  const auto y = model.node("Gemm", {x, weight, bias}, name);
  model.integer("transB", 1);
  return y;
}

/// 5x5 convolution, relu, 2x2 maximum pool.
std::string convolution(ModelBuilder& model, const std::string& x, std::int64_t in, std::int64_t out,
                        std::int64_t pad, const std::string& name) {
  const auto weight = model.weight(name + ".weight", {out, in, 5, 5}, kaiming(in * 25));
  const auto bias = model.filled(name + ".bias", {out}, 0.0f);
  const auto y = model.node("Conv", {x, weight, bias}, name);
  model.list("kernel_shape", {5, 5}).list("pads", {pad, pad, pad, pad});
  const auto pooled = model.node("MaxPool", {model.node("Relu", {y}, name + ".relu")}, name + ".pool");
  model.list("kernel_shape", {2, 2}).list("strides", {2, 2});
  return pooled;
}

}  // namespace

onnx::ModelProto mlp(const Request& request) {
  constexpr std::int64_t kPixels = 64, kHidden = 64, kClasses = 10;
  const auto batch = request["batch"], layers = request["layers"];
  ModelBuilder model("mlp", request.dtype, request.seed);
  auto x = model.input("x", {batch, kPixels});
  for (std::int64_t i = 1; i < layers; ++i) {
    const auto name = fmt::format("fc{}", i);
    x = model.node("Relu", {dense(model, x, i == 1 ? kPixels : kHidden, kHidden, name)}, name + ".relu");
  }
  const auto scores = dense(model, x, layers == 1 ? kPixels : kHidden, kClasses, fmt::format("fc{}", layers));
  model.output(scores, {batch, kClasses});
  model.tokens(batch);
  return model.finish();
}

onnx::ModelProto lenet(const Request& request) {
  const auto batch = request["batch"];
  ModelBuilder model("lenet", request.dtype, request.seed);
  auto x = model.input("x", {batch, 1, 28, 28});
  x = convolution(model, x, 1, 6, 2, "conv1");
  x = convolution(model, x, 6, 16, 0, "conv2");
  x = model.node("Flatten", {x}, "flatten");
  x = model.node("Relu", {dense(model, x, 400, 120, "fc1")}, "fc1.relu");
  x = model.node("Relu", {dense(model, x, 120, 84, "fc2")}, "fc2.relu");
  model.output(dense(model, x, 84, 10, "fc3"), {batch, 10});
  model.tokens(batch);
  return model.finish();
}

}  // namespace leto::zoo
