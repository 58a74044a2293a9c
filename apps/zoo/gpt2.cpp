// GPT-2 as exporters write it: learned positions, pre-norm blocks, fused QKV, exact-erf Gelu spelled out,
// tied head. The shapes are those of Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners".
#include <fmt/format.h>

#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kContext = 1024;
constexpr double kDeviation = 0.02;  // GPT-2's initialisation
constexpr float kEpsilon = 1e-5f;

class Gpt2 {
 public:
  Gpt2(std::string_view name, const Request& request)
      : model_(std::string(name), request.dtype, request.seed),
        batch_(request["batch"]),
        seq_(request["seq"]),
        layers_(request["layers"]),
        width_(request["width"]),
        vocabulary_(request["vocabulary"]),
        residual_deviation_(kDeviation / std::sqrt(2.0 * static_cast<double>(layers_))),
        dense_(model_, kDeviation),
        qkv_sizes_(model_.integers("qkv_sizes", {width_, width_, width_})),
        heads_shape_(
            model_.integers("heads_shape", {batch_, seq_, request["heads"], width_ / request["heads"]})),
        merged_shape_(model_.integers("merged_shape", {batch_, seq_, width_})),
        attend_(model_, width_ / request["heads"], causal_mask(model_, seq_)) {}

  onnx::ModelProto build() {
    auto x = embeddings();
    for (std::int64_t i = 0; i < layers_; ++i) x = block(x, fmt::format("h{}", i));
    loss(norm(x, "ln_f"));
    model_.tokens(batch_ * seq_);
    return model_.finish();
  }

 private:
  std::string embeddings() {
    const auto tokens = model_.index_input("tokens", {batch_, seq_}, vocabulary_);
    table_ = model_.weight("wte.weight", {vocabulary_, width_}, kDeviation);
    const auto positions = model_.weight("wpe.weight", {kContext, width_}, kDeviation);
    const auto used = model_.node(
        "Slice", {positions, model_.integers("wpe.start", {0}), model_.integers("wpe.end", {seq_})}, "wpe");
    return model_.node("Add", {model_.node("Gather", {table_, tokens}, "wte"), used}, "embedding");
  }

  std::string norm(const std::string& x, const std::string& name) const {
    return dense_.norm(x, width_, kEpsilon, name);
  }

  std::string attention(const std::string& x, const std::string& name) {
    const auto qkv = dense_.linear(x, width_, 3 * width_, name + ".qkv");
    const auto part = model_.split(qkv, 3, 2, name + ".split", qkv_sizes_);
    const auto q = turned(model_, part[0], heads_shape_, {0, 2, 1, 3}, name + ".q"),
               k = turned(model_, part[1], heads_shape_, {0, 2, 3, 1}, name + ".k"),
               v = turned(model_, part[2], heads_shape_, {0, 2, 1, 3}, name + ".v");
    const auto merged = merged_heads(model_, attend_(q, k, v, name), merged_shape_, name + ".merge");
    return dense_.linear(merged, width_, width_, residual_deviation_, name + ".proj");
  }

  std::string block(const std::string& x, const std::string& name) {
    const auto mixed = attention(norm(x, name + ".ln_1"), name + ".attn");
    const auto middle = model_.node("Add", {x, mixed}, name + ".attn.residual");
    const auto wide = dense_.linear(norm(middle, name + ".ln_2"), width_, 4 * width_, name + ".mlp.fc");
    const auto narrow = dense_.linear(dense_.gelu(wide, name + ".mlp.gelu"), 4 * width_, width_,
                                      residual_deviation_, name + ".mlp.proj");
    return model_.node("Add", {middle, narrow}, name + ".mlp.residual");
  }

  void loss(const std::string& x) {
    const auto rows =
        model_.node("Reshape", {x, model_.integers("rows_shape", {batch_ * seq_, width_})}, "rows");
    const auto logits =
        model_.node("Gemm", {rows, table_}, "lm_head");  // a linear layer on two dims, tied to wte
    model_.integer("transB", 1);
    classification_loss(model_, logits, {batch_, seq_}, vocabulary_);
  }

  ModelBuilder model_;
  std::int64_t batch_, seq_, layers_, width_, vocabulary_;
  double residual_deviation_;  // residual branches start smaller with depth: their sum keeps its variance
  DenseLayers dense_;
  std::string qkv_sizes_, heads_shape_, merged_shape_;
  DotProductAttention attend_;
  std::string table_;
};

}  // namespace

onnx::ModelProto gpt2_small(const Request& request) {
  return Gpt2("gpt2-small", request).build();
}
onnx::ModelProto gpt2_medium(const Request& request) {
  return Gpt2("gpt2-medium", request).build();
}
onnx::ModelProto gpt2_large(const Request& request) {
  return Gpt2("gpt2-large", request).build();
}
onnx::ModelProto gpt2_xl(const Request& request) {
  return Gpt2("gpt2-xl", request).build();
}

}  // namespace leto::zoo
