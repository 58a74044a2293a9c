#include "apps/zoo/layers.h"

#include <cmath>
#include <functional>
#include <numeric>

namespace leto::zoo {
namespace {

constexpr float kMasked = -10000.0f;  // e^-10000 is zero in every type

}  // namespace

std::string causal_mask(ModelBuilder& model, std::int64_t seq) {
  const auto filled = model.node(
      "Expand",
      {model.constant("masked", {}, {kMasked}), model.integers("causal_mask.shape", {1, 1, seq, seq})},
      "causal_mask.filled");
  const auto mask =
      model.node("Trilu", {filled, model.integer_scalar("causal_mask.diagonal", 1)}, "causal_mask");
  model.integer("upper", 1);
  return mask;
}

DotProductAttention::DotProductAttention(ModelBuilder& model, std::int64_t head_dim, std::string mask)
    : model_(model),
      scale_(model.constant("scale", {}, {1.0f / std::sqrt(static_cast<float>(head_dim))})),
      mask_(std::move(mask)) {}

std::string DotProductAttention::operator()(const std::string& q, const std::string& k, const std::string& v,
                                            const std::string& name) const {
  auto scores =
      model_.node("Mul", {model_.node("MatMul", {q, k}, name + ".scores"), scale_}, name + ".scale");
  if (!mask_.empty()) scores = model_.node("Add", {scores, mask_}, name + ".mask");
  const auto shares = model_.node("Softmax", {scores}, name + ".softmax");
  model_.integer("axis", -1);
  return model_.node("MatMul", {shares, v}, name + ".context");
}

RepeatedHeads::RepeatedHeads(ModelBuilder& model, const Sizes& sizes)
    : model_(model), alone_(sizes.heads == sizes.kv_heads) {
  if (alone_) return;
  const auto [batch, heads, kv_heads, seq, head_dim] = sizes;
  axis_ = model.integers("repeat.axis", {2});
  expanded_ = model.integers("repeat.expanded", {batch, kv_heads, heads / kv_heads, seq, head_dim});
  shape_ = model.integers("repeat.shape", {batch, heads, seq, head_dim});
}

std::string RepeatedHeads::operator()(const std::string& x, const std::string& name) const {
  if (alone_) return x;
  const auto grouped = model_.node("Unsqueeze", {x, axis_}, name + ".unsqueeze");
  const auto expanded = model_.node("Expand", {grouped, expanded_}, name + ".expand");
  return model_.node("Reshape", {expanded, shape_}, name);
}

DenseLayers::DenseLayers(ModelBuilder& model, double deviation)
    : model_(model),
      deviation_(deviation),
      one_(model.constant("one", {}, {1.0f})),
      half_(model.constant("half", {}, {0.5f})),
      root_two_(model.constant("root_two", {}, {std::sqrt(2.0f)})) {}

std::string DenseLayers::linear(const std::string& x, std::int64_t in, std::int64_t out,
                                const std::string& name) const {
  return linear(x, in, out, deviation_, name);
}

std::string DenseLayers::linear(const std::string& x, std::int64_t in, std::int64_t out, double deviation,
                                const std::string& name) const {
  const auto product =
      model_.node("MatMul", {x, model_.weight(name + ".weight", {in, out}, deviation)}, name);
  return model_.node("Add", {product, model_.filled(name + ".bias", {out}, 0.0f)}, name + ".add");
}

std::string DenseLayers::norm(const std::string& x, std::int64_t width, float epsilon,
                              const std::string& name) const {
  const auto scale = model_.filled(name + ".weight", {width}, 1.0f),
             bias = model_.filled(name + ".bias", {width}, 0.0f);
  const auto y = model_.node("LayerNormalization", {x, scale, bias}, name);
  model_.integer("axis", -1).number("epsilon", epsilon);
  return y;
}

std::string DenseLayers::gelu(const std::string& x, const std::string& name) const {
  const auto erf = model_.node("Erf", {model_.node("Div", {x, root_two_}, name + ".div")}, name + ".erf");
  const auto product =
      model_.node("Mul", {x, model_.node("Add", {erf, one_}, name + ".plus")}, name + ".mul");
  return model_.node("Mul", {product, half_}, name);
}

std::string turned(ModelBuilder& model, const std::string& x, const std::string& shape,
                   const std::vector<std::int64_t>& permutation, const std::string& name) {
  const auto y = model.node("Transpose", {model.node("Reshape", {x, shape}, name + ".reshape")}, name);
  model.list("perm", permutation);
  return y;
}

std::string merged_heads(ModelBuilder& model, const std::string& x, const std::string& shape,
                         const std::string& name) {
  const auto y = model.node("Transpose", {x}, name);
  model.list("perm", {0, 2, 1, 3});
  return model.node("Reshape", {y, shape}, name + "d");
}

void classification_loss(ModelBuilder& model, const std::string& scores, const Shape& labels,
                         std::int64_t classes) {
  auto rows = model.index_input("labels", labels, classes);
  if (labels.size() > 1) {
    const auto count = std::accumulate(labels.begin(), labels.end(), std::int64_t{1}, std::multiplies<>());
    rows = model.node("Reshape", {rows, model.integers("labels_shape", {count})}, "labels.flat");
  }
  model.output(model.node("SoftmaxCrossEntropyLoss", {scores, rows}, "loss"), {});
}

}  // namespace leto::zoo
