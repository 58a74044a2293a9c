// Llama 3 as torch's exporter writes Hugging Face's module: RMSNorm in fp32 and spelled out, rotary positions
// by rotate-half, grouped keys and values repeated by Expand, SwiGLU, an untied head, no biases. The shapes
// are those of torchtitan's models/llama3 (github:pytorch/torchtitan@b5bcd76c6).
#include <fmt/format.h>

#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"

namespace leto::zoo {
namespace {

constexpr double kRopeTheta = 500000;
constexpr double kDeviation = 0.02;
constexpr float kEpsilon = 1e-5f;

/// Rotary positions: y = x cos + rotate_half(x) sin, over heads [batch, heads, seq, head_dim].
class RotaryPositions {
 public:
  RotaryPositions(ModelBuilder& model, std::int64_t seq, std::int64_t head_dim) : model_(model) {
    const auto half = head_dim / 2;
    std::vector<float> frequencies;
    for (std::int64_t i = 0; i < half; ++i)
      frequencies.push_back(static_cast<float>(
          std::pow(kRopeTheta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim))));
    const auto limit = [&](const char* name, std::int64_t x) {
      return model_.wide_constant(name, {}, {static_cast<float>(x)});
    };
    const auto positions = model_.node(
        "Range", {limit("rope.first", 0), limit("rope.end", seq), limit("rope.step", 1)}, "rope.positions");
    const auto column =
        model_.node("Unsqueeze", {positions, model_.integers("rope.axis", {1})}, "rope.column");
    const auto angles = model_.node(
        "Mul", {column, model_.wide_constant("rope.frequencies", {1, half}, frequencies)}, "rope.angles");
    const auto both = model_.node("Concat", {angles, angles}, "rope.both");
    model_.integer("axis", -1);
    cos_ = model_.narrowed(model_.node("Cos", {both}, "rope.cos.fp32"), "rope.cos");
    sin_ = model_.narrowed(model_.node("Sin", {both}, "rope.sin.fp32"), "rope.sin");
    start_ = model_.integers("rope.start", {0});
    half_ = model_.integers("rope.half", {half});
    stop_ = model_.integers("rope.stop", {head_dim});
    last_ = model_.integers("rope.last", {3});
  }

  std::string operator()(const std::string& x, const std::string& name) const {
    const auto low = model_.node("Slice", {x, start_, half_, last_}, name + ".low");
    const auto high = model_.node("Slice", {x, half_, stop_, last_}, name + ".high");
    const auto rotated =
        model_.node("Concat", {model_.node("Neg", {high}, name + ".neg"), low}, name + ".rotated");
    model_.integer("axis", -1);
    return model_.node(
        "Add",
        {model_.node("Mul", {x, cos_}, name + ".even"), model_.node("Mul", {rotated, sin_}, name + ".odd")},
        name);
  }

 private:
  ModelBuilder& model_;
  std::string cos_, sin_, start_, half_, stop_, last_;
};

class Llama {
 public:
  Llama(std::string_view name, const Request& request)
      : model_(std::string(name), request.dtype, request.seed),
        batch_(request["batch"]),
        seq_(request["seq"]),
        layers_(request["layers"]),
        width_(request["width"]),
        heads_(request["heads"]),
        kv_heads_(request["kv-heads"]),
        head_dim_(width_ / heads_),
        ffn_(request["ffn"]),
        vocabulary_(request["vocabulary"]),
        two_(model_.wide_constant("two", {}, {2.0f})),
        one_(model_.wide_constant("one", {}, {1.0f})),
        epsilon_(model_.wide_constant("epsilon", {}, {kEpsilon})),
        heads_shape_(model_.integers("heads_shape", {batch_, seq_, heads_, head_dim_})),
        kv_shape_(model_.integers("kv_shape", {batch_, seq_, kv_heads_, head_dim_})),
        merged_shape_(model_.integers("merged_shape", {batch_, seq_, width_})),
        rotate_(model_, seq_, head_dim_),
        repeat_(model_, {batch_, heads_, kv_heads_, seq_, head_dim_}),
        attend_(model_, head_dim_, causal_mask(model_, seq_)) {}

  onnx::ModelProto build() {
    const auto tokens = model_.index_input("tokens", {batch_, seq_}, vocabulary_);
    auto x = model_.node("Gather",
                         {model_.weight("embed_tokens.weight", {vocabulary_, width_}, kDeviation), tokens},
                         "embed_tokens");
    for (std::int64_t i = 0; i < layers_; ++i) x = block(x, fmt::format("layers.{}", i));
    const auto logits = project(norm(x, "norm"), width_, vocabulary_, "lm_head");
    const auto rows = model_.node(
        "Reshape", {logits, model_.integers("rows_shape", {batch_ * seq_, vocabulary_})}, "lm_head.rows");
    classification_loss(model_, rows, {batch_, seq_}, vocabulary_);
    model_.tokens(batch_ * seq_);
    return model_.finish();
  }

 private:
  std::string project(const std::string& x, std::int64_t in, std::int64_t out, const std::string& name) {
    return model_.node("MatMul", {x, model_.weight(name + ".weight", {in, out}, kDeviation)}, name);
  }

  /// x / sqrt(mean(x^2) + epsilon) * weight; all but the last product in fp32.
  std::string norm(const std::string& x, const std::string& name) {
    const auto wide = model_.widened(x, name + ".fp32");
    const auto mean =
        model_.node("ReduceMean", {model_.node("Pow", {wide, two_}, name + ".pow")}, name + ".mean");
    model_.list("axes", {-1}).integer("keepdims", 1);
    const auto root =
        model_.node("Sqrt", {model_.node("Add", {mean, epsilon_}, name + ".add")}, name + ".sqrt");
    const auto normal =
        model_.node("Mul", {wide, model_.node("Div", {one_, root}, name + ".rsqrt")}, name + ".mul");
    return model_.node(
        "Mul", {model_.filled(name + ".weight", {width_}, 1.0f), model_.narrowed(normal, name + ".cast")},
        name);
  }

  std::string attention(const std::string& x, const std::string& name) {
    const auto kv_width = kv_heads_ * head_dim_;
    const auto heads = [&](const std::string& part, std::int64_t width, const std::string& shape) {
      return turned(model_, project(x, width_, width, name + "." + part + "_proj"), shape, {0, 2, 1, 3},
                    name + "." + part);
    };
    const auto q = rotate_(heads("q", width_, heads_shape_), name + ".q_rope"),
               k = rotate_(heads("k", kv_width, kv_shape_), name + ".k_rope"),
               v = heads("v", kv_width, kv_shape_);
    const auto k_turned = model_.node("Transpose", {repeat_(k, name + ".k_repeat")}, name + ".k_transpose");
    model_.list("perm", {0, 1, 3, 2});
    const auto mixed = attend_(q, k_turned, repeat_(v, name + ".v_repeat"), name);
    return project(merged_heads(model_, mixed, merged_shape_, name + ".merge"), width_, width_,
                   name + ".o_proj");
  }

  /// (gate * sigmoid(gate)) * up, then down again.
  std::string mlp(const std::string& x, const std::string& name) {
    const auto gate = project(x, width_, ffn_, name + ".gate_proj");
    const auto activated =
        model_.node("Mul", {gate, model_.node("Sigmoid", {gate}, name + ".sigmoid")}, name + ".silu");
    const auto up = project(x, width_, ffn_, name + ".up_proj");
    return project(model_.node("Mul", {activated, up}, name + ".gated"), ffn_, width_, name + ".down_proj");
  }

  std::string block(const std::string& x, const std::string& name) {
    const auto mixed = attention(norm(x, name + ".input_layernorm"), name + ".self_attn");
    const auto middle = model_.node("Add", {x, mixed}, name + ".residual");
    const auto widened = mlp(norm(middle, name + ".post_attention_layernorm"), name + ".mlp");
    return model_.node("Add", {middle, widened}, name + ".mlp.residual");
  }

  ModelBuilder model_;
  std::int64_t batch_, seq_, layers_, width_, heads_, kv_heads_, head_dim_, ffn_, vocabulary_;
  std::string two_, one_, epsilon_, heads_shape_, kv_shape_, merged_shape_;
  RotaryPositions rotate_;
  RepeatedHeads repeat_;
  DotProductAttention attend_;
};

}  // namespace

onnx::ModelProto llama3_8b(const Request& request) {
  return Llama("llama3-8b", request).build();
}
onnx::ModelProto llama3_70b(const Request& request) {
  return Llama("llama3-70b", request).build();
}

}  // namespace leto::zoo
