// ResNet-50, "v1.5": bottlenecks of He et al. 2015 with the stride in the 3x3 convolution, batch statistics
// as in training, a global average pool and one dense layer.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"

namespace leto::zoo {
namespace {

constexpr std::array<std::int64_t, 4> kBlocks{3, 4, 6, 3};  // bottlenecks of a stage
constexpr std::int64_t kExpansion = 4;                      // of a bottleneck's width, at its end
constexpr float kEpsilon = 1e-5f, kMomentum = 0.9f;

class ResNet {
 public:
  explicit ResNet(const Request& request)
      : model_("resnet50", request.dtype, request.seed),
        batch_(request["batch"]),
        image_(request["image"]),
        width_(request["width"]),
        classes_(request["classes"]) {}

  onnx::ModelProto build() {
    auto x =
        relu(normalised(model_.input("x", {batch_, 3, image_, image_}), {3, width_, 7, 2}, "conv1"), "conv1");
    x = model_.node("MaxPool", {x}, "maxpool");
    model_.list("kernel_shape", {3, 3}).list("strides", {2, 2}).list("pads", {1, 1, 1, 1});
    std::int64_t channels = width_, width = width_;
    for (std::size_t stage = 0; stage < kBlocks.size(); ++stage, width *= 2)
      for (std::int64_t i = 0; i < kBlocks[stage]; ++i) {
        const std::int64_t stride = i == 0 && stage > 0 ? 2 : 1;
        x = bottleneck(x, channels, width, stride, fmt::format("layer{}.{}", stage + 1, i));
        channels = kExpansion * width;
      }
    const auto pooled = model_.node("GlobalAveragePool", {x}, "avgpool");
    const auto rows = model_.node("Flatten", {pooled}, "flatten");
    const auto weight =
        model_.weight("fc.weight", {classes_, channels}, std::sqrt(1.0 / static_cast<double>(channels)));
    const auto scores = model_.node("Gemm", {rows, weight, model_.filled("fc.bias", {classes_}, 0.0f)}, "fc");
    model_.integer("transB", 1);
    classification_loss(model_, scores, {batch_}, classes_);
    model_.tokens(batch_);
    return model_.finish();
  }

 private:
  struct Convolution {
    std::int64_t in, out, kernel, stride;
  };

  /// Convolution and batch normalisation.
  std::string normalised(const std::string& x, const Convolution& c, const std::string& name) {
    const double fan_out = static_cast<double>(c.out * c.kernel * c.kernel);
    const auto weight =
        model_.weight(name + ".weight", {c.out, c.in, c.kernel, c.kernel}, std::sqrt(2.0 / fan_out));
    const auto y = model_.node("Conv", {x, weight}, name);
    const std::int64_t pad = c.kernel / 2;
    model_.list("kernel_shape", {c.kernel, c.kernel}).list("strides", {c.stride, c.stride});
    model_.list("pads", {pad, pad, pad, pad});
    return batch_norm(y, c.out, name + ".bn");
  }

  std::string batch_norm(const std::string& x, std::int64_t channels, const std::string& name) {
    const auto y = model_.node("BatchNormalization",
                               {x, model_.filled(name + ".weight", {channels}, 1.0f),
                                model_.filled(name + ".bias", {channels}, 0.0f),
                                model_.filled(name + ".running_mean", {channels}, 0.0f),
                                model_.filled(name + ".running_var", {channels}, 1.0f)},
                               name);
    model_.number("epsilon", kEpsilon).number("momentum", kMomentum).integer("training_mode", 1);
    model_.further_output(name + ".new_mean").further_output(name + ".new_var");
    return y;
  }

  std::string relu(const std::string& x, const std::string& name) {
    return model_.node("Relu", {x}, name + ".relu");
  }

  std::string bottleneck(const std::string& x, std::int64_t in, std::int64_t width, std::int64_t stride,
                         const std::string& name) {
    const std::int64_t out = kExpansion * width;
    auto y = relu(normalised(x, {in, width, 1, 1}, name + ".conv1"), name + ".conv1");
    y = relu(normalised(y, {width, width, 3, stride}, name + ".conv2"), name + ".conv2");
    y = normalised(y, {width, out, 1, 1}, name + ".conv3");
    const auto identity =
        stride == 1 && in == out ? x : normalised(x, {in, out, 1, stride}, name + ".downsample");
    return relu(model_.node("Add", {y, identity}, name + ".add"), name);
  }

  ModelBuilder model_;
  std::int64_t batch_, image_, width_, classes_;
};

}  // namespace

onnx::ModelProto resnet50(const Request& request) {
  return ResNet(request).build();
}

}  // namespace leto::zoo
