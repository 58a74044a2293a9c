// HSTU, the generative recommender of Zhai et al. 2024, "Actions Speak Louder than Words" (arXiv 2402.17152):
// one projection makes u, v, q and k of a normalised sequence, each through SiLU; attention is SiLU of scores
// plus a bias of the distance, not softmax, and is divided by the sequence's length; its normalised result is
// gated with u. The next item is predicted at every place, the head is tied to the items' table. Sizes are
// ours.
#include <fmt/format.h>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"

namespace leto::zoo {
namespace {

constexpr double kDeviation = 0.02;
constexpr float kEpsilon = 1e-6f;

class Hstu {
 public:
  explicit Hstu(const Request& request)
      : model_("hstu", request.dtype, request.seed),
        ragged_(request["ragged"] != 0),
        batch_(request["batch"]),
        seq_(request["seq"]),
        layers_(request["layers"]),
        width_(request["width"]),
        items_(request["items"]),
        buckets_(request["buckets"]),
        dense_(model_, kDeviation),
        parts_(model_.integers("uvqk_sizes", std::vector<std::int64_t>(4, width_))),
        heads_shape_(
            model_.integers("heads_shape", {batch_, seq_, request["heads"], width_ / request["heads"]})),
        merged_shape_(model_.integers("merged_shape", {batch_, seq_, width_})),
        seen_(seen()) {}

  onnx::ModelProto build() {
    const auto history = model_.index_input("history", {batch_, seq_}, items_);
    const auto table = model_.weight("items.weight", {items_, width_}, kDeviation);
    auto x = model_.node("Gather", {table, history}, "items");
    if (ragged_) filled_ = filled();
    if (buckets_ > 0) times_ = model_.index_input("times", {batch_, seq_, seq_}, buckets_);
    x = places_of_history(x, "items.filled");
    for (std::int64_t i = 0; i < layers_; ++i) x = unit(x, fmt::format("layers.{}", i));
    x = places_of_history(dense_.norm(x, width_, kEpsilon, "norm"), "norm.filled");
    const auto rows =
        model_.node("Reshape", {x, model_.integers("rows_shape", {batch_ * seq_, width_})}, "rows");
    const auto scores =
        model_.node("Gemm", {rows, table, model_.filled("head.bias", {items_}, 0.0f)}, "head");
    model_.integer("transB", 1);
    classification_loss(model_, scores, {batch_, seq_}, items_);
    model_.tokens(batch_ * seq_);
    return model_.finish();
  }

 private:
  /// 1 / seq where a place sees another one, 0 behind the diagonal: [1, 1, seq, seq].
  std::string seen() {
    const auto full = model_.node("Expand",
                                  {model_.constant("seen.share", {}, {1.0f / static_cast<float>(seq_)}),
                                   model_.integers("seen.shape", {1, 1, seq_, seq_})},
                                  "seen.full");
    const auto y = model_.node("Trilu", {full}, "seen");
    model_.integer("upper", 0);
    return y;
  }

  /// 1 up to the end of each history, then 0: [batch, seq, 1].
  std::string filled() {
    const auto last = model_.index_input("last", {batch_, 1}, seq_);
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < seq_; ++i) places.push_back(i);
    const auto place = model_.node(
        "Reshape", {model_.integers("places", places), model_.integers("places_shape", {1, seq_})},
        "places.row");
    const auto y = model_.node("GreaterOrEqual", {last, place}, "filled.test");
    return model_.node("Reshape",
                       {model_.cast_to(y, onnx_type(model_.dtype()), "filled.cast"),
                        model_.integers("filled_shape", {batch_, seq_, 1})},
                       "filled");
  }

  /// x, zero behind the end of the history: there nothing has a gradient then.
  std::string places_of_history(const std::string& x, const std::string& name) {
    return ragged_ ? model_.node("Mul", {x, filled_}, name) : x;
  }

  /// The bias of a place to one d before it, learned for each d and the same for all heads: [1, 1, seq, seq].
  /// Rows of 2 seq numbers, read as rows that are one shorter, are shifted by one from row to row.
  std::string distances(const std::string& name) {
    const auto full = 2 * seq_, shifted = full - 1;
    const auto integers = [&](const char* what, const std::vector<std::int64_t>& data) {
      return model_.integers(fmt::format("{}.{}", name, what), data);
    };
    const auto weight = model_.weight(name + ".weight", {full}, kDeviation);
    const auto rows = model_.node("Expand", {weight, integers("rows", {seq_, full})}, name + ".expand");
    const auto flat = model_.node("Reshape", {rows, integers("flat_shape", {seq_ * full})}, name + ".flat");
    const auto cut = model_.node("Slice", {flat, integers("start", {0}), integers("end", {seq_ * shifted})},
                                 name + ".cut");
    const auto turned = model_.node("Reshape", {cut, integers("turned", {seq_, shifted})}, name + ".shifted");
    const auto square = model_.node(
        "Slice", {turned, integers("left", {0}), integers("right", {seq_}), integers("axis", {1})},
        name + ".square");
    return model_.node("Reshape", {square, integers("shape", {1, 1, seq_, seq_})}, name);
  }

  /// The bias of the time between two events, learned for each bucket of times: [batch, 1, seq, seq].
  std::string times(const std::string& name) {
    const auto rows = model_.node(
        "Gather", {model_.weight(name + ".weight", {buckets_, 1}, kDeviation), times_}, name + ".rows");
    return model_.node("Reshape", {rows, model_.integers(name + ".shape", {batch_, 1, seq_, seq_})}, name);
  }

  std::string silu(const std::string& x, const std::string& name) {
    return model_.node("Mul", {x, model_.node("Sigmoid", {x}, name + ".sigmoid")}, name);
  }

  /// SiLU(q k^T + bias) / seq v, of what a place sees.
  std::string attention(const std::vector<std::string>& uvqk, const std::string& name) {
    const auto v = turned(model_, places_of_history(uvqk[1], name + ".v.filled"), heads_shape_, {0, 2, 1, 3},
                          name + ".v"),
               q = turned(model_, uvqk[2], heads_shape_, {0, 2, 1, 3}, name + ".q"),
               k = turned(model_, uvqk[3], heads_shape_, {0, 2, 3, 1}, name + ".k");
    auto scores =
        model_.node("Add", {model_.node("MatMul", {q, k}, name + ".product"), distances(name + ".distance")},
                    name + ".scores");
    if (buckets_ > 0) scores = model_.node("Add", {scores, times(name + ".time")}, name + ".timed");
    const auto shares = model_.node("Mul", {silu(scores, name + ".silu"), seen_}, name + ".shares");
    return merged_heads(model_, model_.node("MatMul", {shares, v}, name + ".context"), merged_shape_,
                        name + ".merge");
  }

  std::string unit(const std::string& x, const std::string& name) {
    const auto normal = dense_.norm(x, width_, kEpsilon, name + ".norm");
    const auto uvqk =
        model_.split(silu(dense_.linear(normal, width_, 4 * width_, name + ".uvqk"), name + ".uvqk.silu"), 4,
                     2, name + ".split", parts_);
    const auto mixed =
        dense_.norm(attention(uvqk, name + ".attention"), width_, kEpsilon, name + ".attention.norm");
    const auto gated = model_.node("Mul", {mixed, uvqk[0]}, name + ".gate");
    return model_.node("Add", {x, dense_.linear(gated, width_, width_, name + ".output")},
                       name + ".residual");
  }

  ModelBuilder model_;
  bool ragged_;
  std::int64_t batch_, seq_, layers_, width_, items_, buckets_;
  DenseLayers dense_;
  std::string parts_, heads_shape_, merged_shape_, seen_, filled_, times_;
};

}  // namespace

onnx::ModelProto hstu(const Request& request) {
  return Hstu(request).build();
}

}  // namespace leto::zoo
