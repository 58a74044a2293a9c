// Softmax and losses.
#include <algorithm>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// Applies `f` to x with the softmax axis last: before opset 13 everything from `axis` on is one row.
template <class F>
ValueId along_axis(Importer& m, const NodeView& node, ValueId x, F f) {
  Emitter e(m, node);
  const Dims dims = m.shape(x);
  const bool flattens = m.opset() < 13;
  const std::size_t axis = axis_of(node, node.integer("axis", flattens ? 1 : -1), dims.size());
  if (axis + 1 == dims.size()) {
    return f(x);
  }
  if (flattens) {
    return e.reshape(f(e.reshape(x, {product(dims, 0, axis), product(dims, axis, dims.size())})), dims);
  }
  Dims perm = progression(0, static_cast<std::int64_t>(dims.size()));
  std::swap(perm[axis], perm.back());
  return e.transpose(f(e.transpose(x, perm)), perm);
}

void softmax(Importer& m, const NodeView& node) {
  m.define(node, 0,
           along_axis(m, node, m.value(node, 0), [&](ValueId x) { return m.emit(node, Op::softmax, {x}); }));
}

// x - max - log(sum e^(x - max)).
ValueId log_softmax_of(Importer& m, const NodeView& node, ValueId x) {
  Emitter e(m, node);
  const Dims last{static_cast<std::int64_t>(e.rank(x)) - 1};
  const ValueId shifted = e.sub(x, e.reduce(Op::reduce_max, x, last));
  const ValueId sum = e.typed(Op::reduce_sum, DType::fp32, {e.exp(shifted)}, {{"axes", last}});
  return e.sub(shifted, e.log(sum));
}

void log_softmax(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const ValueId y = along_axis(m, node, x, [&](ValueId v) { return log_softmax_of(m, node, v); });
  m.set_scores(y, x);
  m.define(node, 0, y);
}

/// Scores [n, classes, …] as rows of classes, and back.
ValueId class_rows(Emitter& e, const NodeView& node, ValueId scores) {
  const Dims dims = e.shape(scores);
  if (dims.size() < 2) {
    node.fail("needs scores [n, classes, …]");
  }
  return e.reshape(e.axis_last(scores, 1), {product(dims) / dims[1], dims[1]});
}
ValueId from_rows(Emitter& e, ValueId rows, const Dims& dims) {
  Dims last = dims;
  std::rotate(last.begin() + 1, last.begin() + 2, last.end());
  return e.axis_back(e.reshape(rows, last), 1);
}

/// PyTorch writes -100 where nobody asked to ignore a label.
constexpr std::int64_t kIgnoreNone = -100;
bool ignores(const NodeView& node) {
  return node.integer("ignore_index", kIgnoreNone) != kIgnoreNone;
}

/// Do operand 2 and the attributes ask for nothing but the mean over all labels?
bool is_plain_mean(const NodeView& node) {
  return !node.has_input(2) && node.text("reduction", "mean") == "mean" && !ignores(node);
}

/// The common case as the composite operation.
ValueId mean_cross_entropy(Importer& m, const NodeView& node, ValueId scores, ValueId labels) {
  Emitter e(m, node);
  const ValueId rows = class_rows(e, node, scores);
  m.limit_indices(labels, e.shape(rows)[1]);
  return e.op(Op::cross_entropy, {rows, e.reshape(labels, {e.shape(rows)[0]})});
}

/// -log p[label] of each row, times its label's weight; labels to ignore weigh nothing.
struct WeighedLosses {
  ValueId losses, weights;  // [rows, 1]
};
WeighedLosses weighed_losses(Importer& m, const NodeView& node, ValueId log_rows, ValueId labels) {
  Emitter e(m, node);
  const Dims dims = e.shape(log_rows);
  labels = e.reshape(labels, {dims[0]});
  ValueId counts =
      e.numbers(e.dtype(log_rows), {dims[0], 1}, std::vector<double>(static_cast<std::size_t>(dims[0]), 1));
  if (ignores(node)) {
    const ValueId ignored = e.scalar(static_cast<double>(node.integer("ignore_index", 0)));
    const ValueId counted = e.negated(e.test(Op::eq, {labels, ignored}));
    labels = e.select(counted, labels, e.numbers(e.dtype(labels), {}, {0}));
    counts = e.cast(e.reshape(counted, {dims[0], 1}), e.dtype(log_rows));
  }
  m.limit_indices(labels, dims[1]);
  const ValueId hot = e.typed(Op::is_class, e.dtype(log_rows), {labels}, {{"classes", dims[1]}});
  if (node.has_input(2)) {
    counts = e.mul(e.sum_last(e.mul(hot, m.value(node, 2))), counts);
  }
  return {e.neg(e.mul(e.sum_last(e.mul(log_rows, hot)), counts)), counts};
}

/// The attribute `reduction` applied: one number, or one for each label.
ValueId reduced(Importer& m, const NodeView& node, const WeighedLosses& w, const Dims& labels) {
  Emitter e(m, node);
  const std::string how = node.text("reduction", "mean");
  if (how == "none") {
    return e.reshape(w.losses, labels);
  }
  const ValueId total = e.reshape(e.sum(w.losses, {0, 1}), {});
  return how == "sum" ? total : e.div(total, e.reshape(e.sum(w.weights, {0, 1}), {}));
}

void softmax_cross_entropy(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId scores = m.value(node, 0), labels = m.value(node, 1);
  const Dims dims = e.shape(scores), label_dims = e.shape(labels);
  const bool plain = is_plain_mean(node);
  if (plain) {
    e.define(0, mean_cross_entropy(m, node, scores, labels));
  }
  if (plain && !m.is_used(node.output(1))) {
    return;
  }
  const ValueId rows = log_softmax_of(m, node, class_rows(e, node, scores));
  if (!plain) {
    e.define(0, reduced(m, node, weighed_losses(m, node, rows, labels), label_dims));
  }
  if (m.is_used(node.output(1))) {
    e.define(1, from_rows(e, rows, dims));
  }
}

void negative_log_likelihood(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0), labels = m.value(node, 1);
  const ValueId scores = m.scores_of(x);
  const Dims label_dims = e.shape(labels);
  if (scores >= 0 && is_plain_mean(node) && e.rank(x) == 2) {
    return e.define(0, mean_cross_entropy(m, node, scores, labels));
  }
  e.define(0, reduced(m, node, weighed_losses(m, node, class_rows(e, node, x), labels), label_dims));
}

}  // namespace

const OperatorTable& loss_operators() {
  static const OperatorTable kTable = {
      {"Softmax", 6, softmax, "softmax"},
      {"LogSoftmax", 6, log_softmax, "reduce_max, sub, exp, reduce_sum, log"},
      {"SoftmaxCrossEntropyLoss", 12, softmax_cross_entropy,
       "the plain mean: cross_entropy; else as LogSoftmax and NegativeLogLikelihoodLoss"},
      {"NegativeLogLikelihoodLoss", 12, negative_log_likelihood,
       "of a LogSoftmax, the plain mean: cross_entropy; else is_class, mul, reduce_sum, div"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
