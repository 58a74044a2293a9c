// GPT-2 as exporters write it: learned positions, pre-norm blocks, fused QKV, exact-erf Gelu spelled out,
// tied head. The shapes are those of Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners".
#include <fmt/format.h>

#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kVocabulary = 50257;
constexpr std::int64_t kContext = 1024;
constexpr double kDeviation = 0.02;   // GPT-2's initialisation
constexpr float kMasked = -10000.0f;  // added to the scores of later tokens: e^-10000 is zero in every type

class Gpt2 {
 public:
  Gpt2(std::string_view name, const Request& request, std::int64_t width, std::int64_t heads)
      : model_(std::string(name), request.dtype, request.seed),
        batch_(request["batch"]),
        seq_(request["seq"]),
        layers_(request["layers"]),
        width_(width),
        heads_(heads) {}

  onnx::ModelProto build() {
    shared();
    auto x = embeddings();
    for (std::int64_t i = 0; i < layers_; ++i) x = block(x, fmt::format("h{}", i));
    x = norm(x, "ln_f");
    loss(x);
    model_.tokens(batch_ * seq_);
    return model_.finish();
  }

 private:
  /// What every layer uses: scalars, shapes, the causal mask.
  void shared() {
    // Residual branches start smaller with depth, so that the sum keeps its variance.
    residual_deviation_ = kDeviation / std::sqrt(2.0 * static_cast<double>(layers_));
    one_ = model_.constant("one", {}, {1.0f});
    half_ = model_.constant("half", {}, {0.5f});
    root_two_ = model_.constant("root_two", {}, {std::sqrt(2.0f)});
    scale_ = model_.constant("scale", {}, {1.0f / std::sqrt(static_cast<float>(width_ / heads_))});
    qkv_sizes_ = model_.integers("qkv_sizes", {width_, width_, width_});
    heads_shape_ = model_.integers("heads_shape", {batch_, seq_, heads_, width_ / heads_});
    merged_shape_ = model_.integers("merged_shape", {batch_, seq_, width_});
    mask_ = model_.constant("causal_mask", {1, 1, seq_, seq_}, causal_mask());
  }

  std::vector<float> causal_mask() const {
    std::vector<float> mask(static_cast<std::size_t>(seq_ * seq_), 0.0f);
    for (std::int64_t i = 0; i < seq_; ++i)
      for (std::int64_t j = i + 1; j < seq_; ++j) mask[static_cast<std::size_t>(i * seq_ + j)] = kMasked;
    return mask;
  }

  std::string embeddings() {
    const auto tokens = model_.index_input("tokens", {batch_, seq_}, kVocabulary);
    table_ = model_.weight("wte.weight", {kVocabulary, width_}, kDeviation);
    const auto positions = model_.weight("wpe.weight", {kContext, width_}, kDeviation);
    const auto used = model_.node(
        "Slice", {positions, model_.integers("wpe.start", {0}), model_.integers("wpe.end", {seq_})}, "wpe");
    return model_.node("Add", {model_.node("Gather", {table_, tokens}, "wte"), used}, "embedding");
  }

  std::string norm(const std::string& x, const std::string& name) {
    const auto scale = model_.filled(name + ".weight", {width_}, 1.0f),
               bias = model_.filled(name + ".bias", {width_}, 0.0f);
    const auto y = model_.node("LayerNormalization", {x, scale, bias}, name);
    model_.integer("axis", -1).number("epsilon", 1e-5f);
    return y;
  }

  std::string linear(const std::string& x, std::int64_t in, std::int64_t out, double deviation,
                     const std::string& name) {
    const auto product =
        model_.node("MatMul", {x, model_.weight(name + ".weight", {in, out}, deviation)}, name);
    return model_.node("Add", {product, model_.filled(name + ".bias", {out}, 0.0f)}, name + ".add");
  }

  std::string heads(const std::string& x, const std::vector<std::int64_t>& permutation,
                    const std::string& name) {
    const auto y =
        model_.node("Transpose", {model_.node("Reshape", {x, heads_shape_}, name + ".reshape")}, name);
    model_.list("perm", permutation);
    return y;
  }

  std::string attention(const std::string& x, const std::string& name) {
    const auto qkv = linear(x, width_, 3 * width_, kDeviation, name + ".qkv");
    const auto part = model_.split(qkv, 3, 2, name + ".split", qkv_sizes_);
    const auto q = heads(part[0], {0, 2, 1, 3}, name + ".q"), k = heads(part[1], {0, 2, 3, 1}, name + ".k");
    const auto scores =
        model_.node("Mul", {model_.node("MatMul", {q, k}, name + ".scores"), scale_}, name + ".scale");
    const auto shares =
        model_.node("Softmax", {model_.node("Add", {scores, mask_}, name + ".mask")}, name + ".softmax");
    model_.integer("axis", -1);
    const auto mixed =
        model_.node("MatMul", {shares, heads(part[2], {0, 2, 1, 3}, name + ".v")}, name + ".context");
    const auto turned = model_.node("Transpose", {mixed}, name + ".merge");
    model_.list("perm", {0, 2, 1, 3});
    const auto merged = model_.node("Reshape", {turned, merged_shape_}, name + ".merged");
    return linear(merged, width_, width_, residual_deviation_, name + ".proj");
  }

  /// x * 0.5 * (1 + erf(x / sqrt 2)), in the order torch's exporter writes it.
  std::string gelu(const std::string& x, const std::string& name) {
    const auto erf = model_.node("Erf", {model_.node("Div", {x, root_two_}, name + ".div")}, name + ".erf");
    const auto product =
        model_.node("Mul", {x, model_.node("Add", {erf, one_}, name + ".plus")}, name + ".mul");
    return model_.node("Mul", {product, half_}, name);
  }

  std::string block(const std::string& x, const std::string& name) {
    const auto mixed = attention(norm(x, name + ".ln_1"), name + ".attn");
    const auto middle = model_.node("Add", {x, mixed}, name + ".attn.residual");
    const auto wide = linear(norm(middle, name + ".ln_2"), width_, 4 * width_, kDeviation, name + ".mlp.fc");
    const auto narrow =
        linear(gelu(wide, name + ".mlp.gelu"), 4 * width_, width_, residual_deviation_, name + ".mlp.proj");
    return model_.node("Add", {middle, narrow}, name + ".mlp.residual");
  }

  void loss(const std::string& x) {
    const auto labels = model_.index_input("labels", {batch_, seq_}, kVocabulary);
    const auto rows =
        model_.node("Reshape", {x, model_.integers("rows_shape", {batch_ * seq_, width_})}, "rows");
    const auto logits =
        model_.node("Gemm", {rows, table_}, "lm_head");  // a linear layer on two dims, tied to wte
    model_.integer("transB", 1);
    const auto flat =
        model_.node("Reshape", {labels, model_.integers("labels_shape", {batch_ * seq_})}, "labels.flat");
    model_.output(model_.node("SoftmaxCrossEntropyLoss", {logits, flat}, "loss"), {});
  }

  ModelBuilder model_;
  std::int64_t batch_, seq_, layers_, width_, heads_;
  double residual_deviation_ = 0;
  std::string one_, half_, root_two_, scale_, qkv_sizes_, heads_shape_, merged_shape_, mask_, table_;
};

}  // namespace

onnx::ModelProto gpt2_small(const Request& request) {
  return Gpt2("gpt2-small", request, 768, 12).build();
}
onnx::ModelProto gpt2_medium(const Request& request) {
  return Gpt2("gpt2-medium", request, 1024, 16).build();
}
onnx::ModelProto gpt2_large(const Request& request) {
  return Gpt2("gpt2-large", request, 1280, 20).build();
}
onnx::ModelProto gpt2_xl(const Request& request) {
  return Gpt2("gpt2-xl", request, 1600, 25).build();
}

}  // namespace leto::zoo
