// DLRM, the recommender: embedding bags and a bottom MLP, their interaction, a top MLP, one click or none.
// Sizes are those of MLPerf's "DLRM dcnv2" (mlcommons/training, recommendation_v2/torchrec_dlrm): Criteo's 26
// features with multi-hot bags, a low-rank cross network. --dot has the pairwise products of Naumov et al.
// 2019, "Deep Learning Recommendation Model for Personalization and Recommendation Systems", instead.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"

namespace leto::zoo {
namespace {

struct Feature {
  std::int64_t rows, bag;
};
constexpr Feature kFeatures[] = {
    {40000000, 3},  {39060, 2},   {17295, 1},    {7424, 2},    {20265, 6},  {3, 1},         {7122, 1},
    {1543, 1},      {63, 1},      {40000000, 7}, {3067956, 3}, {405282, 8}, {10, 1},        {2209, 6},
    {11938, 9},     {155, 5},     {4, 1},        {976, 1},     {14, 1},     {40000000, 12}, {40000000, 100},
    {40000000, 27}, {590152, 10}, {12973, 3},    {108, 1},     {36, 1}};
constexpr std::int64_t kDense = 13, kCrossLayers = 3, kRank = 512;

class Dlrm {
 public:
  explicit Dlrm(const Request& request)
      : model_("dlrm", request.dtype, request.seed),
        request_(request),
        batch_(request["batch"]),
        dim_(request["dim"]) {}

  onnx::ModelProto build() {
    const auto dense = model_.input("dense", {batch_, kDense});
    std::vector<std::string> features = {mlp(dense, kDense, {512, 256}, dim_, "bottom")};
    for (std::int64_t i = 0; i < request_["tables"]; ++i) features.push_back(bag(i));
    const auto mixed = request_["dot"] != 0 ? dot(features) : cross(features);
    const auto top = mlp(mixed, width_, {1024, 1024, 512}, narrow(256), "top");
    const auto score = linear(top, narrow(256), 1, "top.score");
    model_.output(score, {batch_, 1});
    loss(model_.widened(score, "score.wide"));
    model_.tokens(batch_);
    return model_.finish();
  }

 private:
  /// A layer's width, divided as the request says.
  std::int64_t narrow(std::int64_t width) const {
    return std::max<std::int64_t>(1, width / request_["narrow"]);
  }

  std::string linear(const std::string& x, std::int64_t in, std::int64_t out, const std::string& name) {
    const auto weight =
        model_.weight(name + ".weight", {out, in}, std::sqrt(2.0 / static_cast<double>(in + out)));
    const auto y = model_.node("Gemm", {x, weight, model_.filled(name + ".bias", {out}, 0.0f)}, name);
    model_.integer("transB", 1);
    return y;
  }

  /// Layers of the widths in `hidden` and one of `out`, each followed by relu.
  std::string mlp(std::string x, std::int64_t in, const std::vector<std::int64_t>& hidden, std::int64_t out,
                  const std::string& name) {
    for (std::size_t i = 0; i <= hidden.size(); ++i) {
      const auto width = i < hidden.size() ? narrow(hidden[i]) : out;
      const auto layer = fmt::format("{}.{}", name, i);
      x = model_.node("Relu", {linear(x, in, width, layer)}, layer + ".relu");
      in = width;
    }
    return x;
  }

  std::string bag(std::int64_t i) {
    const auto& feature = kFeatures[i];
    const auto rows = std::min(feature.rows, request_["rows"]), many = std::min(feature.bag, request_["bag"]);
    const auto name = fmt::format("table.{}", i);
    const auto table =
        model_.weight(name + ".weight", {rows, dim_}, std::sqrt(1.0 / (3.0 * static_cast<double>(rows))));
    const auto index = model_.index_input(fmt::format("index.{}", i), {batch_, many}, rows);
    const auto chosen = model_.node("Gather", {table, index}, name);
    if (bag_axis_.empty()) bag_axis_ = model_.integers("bag_axis", {1});
    const auto sum = model_.node("ReduceSum", {chosen, bag_axis_}, name + ".sum");
    model_.integer("keepdims", 0);
    return sum;
  }

  /// x' = x0 * (W (V x) + b) + x, three times over all features side by side.
  std::string cross(const std::vector<std::string>& features) {
    width_ = static_cast<std::int64_t>(features.size()) * dim_;
    const auto first = model_.node("Concat", features, "features");
    model_.integer("axis", 1);
    auto x = first;
    for (std::int64_t i = 0; i < kCrossLayers; ++i) {
      const auto name = fmt::format("cross.{}", i);
      const auto rank = narrow(kRank);
      const auto down =
          model_.weight(name + ".v", {width_, rank}, std::sqrt(2.0 / static_cast<double>(width_ + rank)));
      const auto low = model_.node("MatMul", {x, down}, name + ".low");
      const auto high = linear(low, rank, width_, name + ".high");
      x = model_.node("Add", {model_.node("Mul", {first, high}, name + ".times"), x}, name);
    }
    return x;
  }

  /// The products of every two features, beside the bottom MLP's result.
  std::string dot(const std::vector<std::string>& features) {
    const auto count = static_cast<std::int64_t>(features.size());
    const auto side_by_side = model_.node("Concat", features, "features");
    model_.integer("axis", 1);
    const auto rows = model_.node(
        "Reshape", {side_by_side, model_.integers("features_shape", {batch_, count, dim_})}, "features.rows");
    const auto columns = model_.node("Transpose", {rows}, "features.columns");
    model_.list("perm", {0, 2, 1});
    const auto products = model_.node("MatMul", {rows, columns}, "products");
    const auto flat = model_.node(
        "Reshape", {products, model_.integers("products_shape", {batch_, count * count})}, "products.flat");
    std::vector<std::int64_t> below;  // the diagonal
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < i; ++j) below.push_back(i * count + j);
    width_ = dim_ + std::ssize(below);
    const auto pairs = model_.node("Gather", {flat, model_.integers("pairs", below)}, "products.pairs");
    model_.integer("axis", 1);
    const auto mixed = model_.node("Concat", {features[0], pairs}, "interaction");
    model_.integer("axis", 1);
    return mixed;
  }

  /// The mean over samples of log(1 + e^x) - x click, x the score, in the form that does not overflow.
  void loss(const std::string& x) {
    const auto click = model_.widened(model_.input("clicks", {batch_, 1}), "clicks.wide");
    const auto small = model_.node(
        "Exp", {model_.node("Neg", {model_.node("Abs", {x}, "loss.abs")}, "loss.neg")}, "loss.exp");
    const auto rest = model_.node(
        "Log", {model_.node("Add", {small, model_.wide_constant("one", {}, {1.0f})}, "loss.plus")},
        "loss.log");
    const auto linear_part = model_.node(
        "Sub", {model_.node("Relu", {x}, "loss.relu"), model_.node("Mul", {x, click}, "loss.click")},
        "loss.linear");
    const auto each = model_.node("Add", {linear_part, rest}, "loss.each");
    const auto mean = model_.node("ReduceMean", {each}, "loss.mean");
    model_.integer("keepdims", 0);
    model_.output(model_.narrowed(mean, "loss"), {});
  }

  ModelBuilder model_;
  const Request& request_;
  std::int64_t batch_, dim_, width_ = 0;  // of what goes into the top MLP
  std::string bag_axis_;
};

}  // namespace

onnx::ModelProto dlrm(const Request& request) {
  return Dlrm(request).build();
}

}  // namespace leto::zoo
