// What several transformers of the zoo are made of, node for node as torch's exporter writes it.
#pragma once

#include <string>
#include <string_view>

#include "apps/zoo/builder.h"

namespace leto::zoo {

/// 0 where a token sees another one, minus 1e4 above the diagonal: [1, 1, seq, seq]. Computed by the file's
/// nodes, so that the file does not grow with it.
std::string causal_mask(ModelBuilder& model, std::int64_t seq);

/// Heads of scaled dot products, with or without a mask.
class DotProductAttention {
 public:
  /// `mask`: the name of what is added to the scores; none when empty.
  DotProductAttention(ModelBuilder& model, std::int64_t head_dim, std::string mask);
  /// softmax(q k^T / sqrt(head_dim) + mask) v: q and v are [batch, heads, tokens, head_dim], k is
  /// [batch, heads, head_dim, tokens].
  std::string operator()(const std::string& q, const std::string& k, const std::string& v,
                         const std::string& name) const;

 private:
  ModelBuilder& model_;
  std::string scale_, mask_;
};

/// Grouped queries: keys and values [batch, kv_heads, seq, head_dim], each repeated for its queries' heads:
/// Unsqueeze, Expand, Reshape to [batch, heads, seq, head_dim]. Nothing when every head has its own.
class RepeatedHeads {
 public:
  struct Sizes {
    std::int64_t batch, heads, kv_heads, seq, head_dim;
  };
  RepeatedHeads(ModelBuilder& model, const Sizes& sizes);
  std::string operator()(const std::string& x, const std::string& name) const;

 private:
  ModelBuilder& model_;
  bool alone_;
  std::string axis_, expanded_, shape_;
};

/// The layers of GPT-2 and BERT.
class DenseLayers {
 public:
  /// Dense weights are drawn from normal(0, deviation) unless a call says otherwise.
  DenseLayers(ModelBuilder& model, double deviation);
  /// x · weight + bias over the last dim.
  std::string linear(const std::string& x, std::int64_t in, std::int64_t out, const std::string& name) const;
  std::string linear(const std::string& x, std::int64_t in, std::int64_t out, double deviation,
                     const std::string& name) const;
  std::string norm(const std::string& x, std::int64_t width, float epsilon, const std::string& name) const;
  /// x * 0.5 * (1 + erf(x / sqrt 2)), in the order torch's exporter writes it.
  std::string gelu(const std::string& x, const std::string& name) const;

 private:
  ModelBuilder& model_;
  double deviation_;
  std::string one_, half_, root_two_;
};

/// Reshape to `shape` (the name of an initializer), then Transpose.
std::string turned(ModelBuilder& model, const std::string& x, const std::string& shape,
                   const std::vector<std::int64_t>& permutation, const std::string& name);
/// The other way round: heads [batch, heads, seq, head_dim] side by side again, as `shape`.
std::string merged_heads(ModelBuilder& model, const std::string& x, const std::string& shape,
                         const std::string& name);
/// The mean cross entropy of scores [rows, classes] against an index input "labels" of `labels` shape; the
/// model's output "loss".
void classification_loss(ModelBuilder& model, const std::string& scores, const Shape& labels,
                         std::int64_t classes);

}  // namespace leto::zoo
