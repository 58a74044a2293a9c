// BERT as torch's exporter writes Hugging Face's BertForMaskedLM: three embeddings, post-norm blocks,
// separate q, k and v, a head tied to the word embeddings. Sequences are full, so there is no attention mask,
// and every position is predicted. The shapes are those of Devlin et al. 2018, "BERT: Pre-training of Deep
// Bidirectional Transformers".
#include <fmt/format.h>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kContext = 512;
constexpr std::int64_t kSegments = 2;
constexpr double kDeviation = 0.02;
constexpr float kEpsilon = 1e-12f;

class Bert {
 public:
  explicit Bert(const Request& request)
      : model_("bert-base", request.dtype, request.seed),
        batch_(request["batch"]),
        seq_(request["seq"]),
        layers_(request["layers"]),
        width_(request["width"]),
        ffn_(request["ffn"]),
        vocabulary_(request["vocabulary"]),
        dense_(model_, kDeviation),
        heads_shape_(
            model_.integers("heads_shape", {batch_, seq_, request["heads"], width_ / request["heads"]})),
        merged_shape_(model_.integers("merged_shape", {batch_, seq_, width_})),
        attend_(model_, width_ / request["heads"], "") {}

  onnx::ModelProto build() {
    auto x = embeddings();
    for (std::int64_t i = 0; i < layers_; ++i) x = block(x, fmt::format("layer.{}", i));
    loss(x);
    model_.tokens(batch_ * seq_);
    return model_.finish();
  }

 private:
  std::string norm(const std::string& x, const std::string& name) {
    return dense_.norm(x, width_, kEpsilon, name);
  }

  std::string embeddings() {
    const auto words = model_.index_input("tokens", {batch_, seq_}, vocabulary_),
               segments = model_.index_input("segments", {batch_, seq_}, kSegments);
    table_ = model_.weight("word_embeddings.weight", {vocabulary_, width_}, kDeviation);
    const auto word = model_.node("Gather", {table_, words}, "word_embeddings");
    const auto segment = model_.node(
        "Gather", {model_.weight("token_type_embeddings.weight", {kSegments, width_}, kDeviation), segments},
        "token_type_embeddings");
    const auto position =
        model_.node("Slice",
                    {model_.weight("position_embeddings.weight", {kContext, width_}, kDeviation),
                     model_.integers("position.start", {0}), model_.integers("position.end", {seq_})},
                    "position_embeddings");
    const auto sum = model_.node("Add", {model_.node("Add", {word, segment}, "embeddings.add"), position},
                                 "embeddings.sum");
    return norm(sum, "embeddings.norm");
  }

  std::string attention(const std::string& x, const std::string& name) {
    const auto heads = [&](const char* part, const std::vector<std::int64_t>& permutation) {
      const auto full = fmt::format("{}.{}", name, part);
      return turned(model_, dense_.linear(x, width_, width_, full), heads_shape_, permutation,
                    full + ".heads");
    };
    const auto q = heads("query", {0, 2, 1, 3}), k = heads("key", {0, 2, 3, 1}),
               v = heads("value", {0, 2, 1, 3});
    const auto merged = merged_heads(model_, attend_(q, k, v, name), merged_shape_, name + ".merge");
    return dense_.linear(merged, width_, width_, name + ".output");
  }

  std::string block(const std::string& x, const std::string& name) {
    const auto mixed = attention(x, name + ".attention");
    const auto middle =
        norm(model_.node("Add", {mixed, x}, name + ".attention.residual"), name + ".attention.norm");
    const auto wide =
        dense_.gelu(dense_.linear(middle, width_, ffn_, name + ".intermediate"), name + ".gelu");
    const auto narrow = dense_.linear(wide, ffn_, width_, name + ".output");
    return norm(model_.node("Add", {narrow, middle}, name + ".residual"), name + ".norm");
  }

  void loss(const std::string& x) {
    const auto changed = dense_.gelu(dense_.linear(x, width_, width_, "transform"), "transform.gelu");
    const auto rows = model_.node(
        "Reshape", {norm(changed, "transform.norm"), model_.integers("rows_shape", {batch_ * seq_, width_})},
        "rows");
    const auto logits =
        model_.node("Gemm", {rows, table_, model_.filled("decoder.bias", {vocabulary_}, 0.0f)}, "decoder");
    model_.integer("transB", 1);
    classification_loss(model_, logits, {batch_, seq_}, vocabulary_);
  }

  ModelBuilder model_;
  std::int64_t batch_, seq_, layers_, width_, ffn_, vocabulary_;
  DenseLayers dense_;
  std::string heads_shape_, merged_shape_;
  DotProductAttention attend_;
  std::string table_;
};

}  // namespace

onnx::ModelProto bert_base(const Request& request) {
  return Bert(request).build();
}

}  // namespace leto::zoo
