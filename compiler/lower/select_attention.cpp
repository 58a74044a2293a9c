// Select: attention and its gradients.
#include "compiler/lower/attention_plan.h"
#include "compiler/lower/selector.h"

namespace leto::compiler {

template <class F>
std::optional<Place> Selector::companion(F belongs) {
  for (int n = 0; n < int(graph_.nodes.size()); ++n) {
    if (done_[std::size_t(n)] || !belongs(node(n))) continue;
    done_[std::size_t(n)] = true;
    const View view = result_view(node(n).output);
    return Place{view, type(node(n).output).dtype};
  }
  return std::nullopt;
}

AttentionTerms Selector::terms_of(const Node& x) {
  return {float(x.number("scale", 1.0)), x.integer("causal") != 0};
}

void Selector::set_terms(AttentionTerms& terms, const Node& x) {
  terms = terms_of(x);
}

std::int64_t Selector::useful_macs(const Node& x, ValueId scores_like, std::int64_t columns,
                                   std::int64_t width) const {
  const Dims& shape = type(scores_like).shape;
  const std::int64_t rows = shape[shape.size() - 2], heads = product(shape) / (rows * shape.back());
  const std::int64_t scores = x.integer("causal") != 0 ? rows * (rows + 1) / 2 : rows * columns;
  return heads * scores * width;
}

void Selector::attention(const Node& x) {
  AttentionKernel k;
  set_terms(k, x);
  k.q = dense_rows(x, x.inputs[0]);
  k.k = dense_rows(x, x.inputs[1]);
  k.v = dense_rows(x, x.inputs[2]);
  k.out = {result_view(x.output), type(x.output).dtype};
  k.lse = companion([&](const Node& y) {
    return y.op == Op::attention_lse && y.inputs[0] == x.inputs[0] && y.inputs[1] == x.inputs[1] &&
           terms_of(y).scale == k.scale && terms_of(y).causal == k.causal;
  });
  const std::int64_t width = k.q.view.shape.back() + k.v.view.shape.back();
  const auto macs = useful_macs(x, x.inputs[0], k.k.view.shape[k.k.view.shape.size() - 2], width);
  emit(x, k, std::int64_t(double(macs) * x.number("useful", 1.0)));
}

void Selector::attention_gradient(const Node& x) {
  AttentionGradientKernel k;
  set_terms(k, x);
  k.q = dense_rows(x, x.inputs[0]);
  k.k = dense_rows(x, x.inputs[1]);
  k.v = dense_rows(x, x.inputs[2]);
  k.dy = dense_rows(x, x.inputs[3]);
  k.lse = place_of(x.inputs[4]);
  k.delta = place_of(x.inputs[5]);
  const auto plan = plan_attention(AttentionStage::gradient, gradient_shape(graph_, x), chip_);
  const View tiles = dscores_view(new_storage(x.output, false), type(x.output).shape, *plan);
  out_.storages.back().elements = dscores_elements(tiles);
  views_[std::size_t(x.output)] = tiles;
  k.dscores = {tiles, type(x.output).dtype};
  const auto gradient = [&](Op op, ValueId like) {
    const auto place = companion([&](const Node& y) { return y.op == op && shares_scores(y, x); });
    return place ? *place : Place{temporary(like), type(like).dtype};
  };
  k.dk = gradient(Op::attention_dk, x.inputs[1]);
  k.dv = gradient(Op::attention_dv, x.inputs[2]);
  const std::int64_t width = k.q.view.shape.back() + 2 * k.v.view.shape.back();
  emit(x, k, useful_macs(x, x.inputs[0], k.k.view.shape[k.k.view.shape.size() - 2], width));
}

void Selector::attention_query(const Node& x) {
  AttentionQueryKernel k;
  set_terms(k, x);
  k.dscores = place_of(x.inputs[0]);
  k.k = dense_rows(x, x.inputs[1]);
  k.dq = {result_view(x.output), type(x.output).dtype};
  const Node& scores = node(producer_[std::size_t(x.inputs[0])]);
  k.value_columns = gradient_shape(graph_, scores).e;
  emit(x, k, useful_macs(x, x.output, k.k.view.shape[k.k.view.shape.size() - 2], k.k.view.shape.back()));
}

}  // namespace leto::compiler
