// Reductions, normalisations, softmax, losses, convolutions and pools.
#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "compiler/import/importer.h"
#include "compiler/import/shapes.h"
#include "compiler/ops.h"

namespace leto::compiler::import {
namespace {

std::int64_t product(const Dims& dims, std::size_t begin, std::size_t end) {
  return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(begin),
                         dims.begin() + static_cast<std::ptrdiff_t>(end), std::int64_t{1},
                         std::multiplies<>());
}

// ---- reductions
// ------------------------------------------------------------------------------------------------

/// No axes = all of them (unless noop_with_empty_axes).
Dims reduced_axes(Importer& m, const NodeView& node, std::size_t rank) {
  const Dims given = node.has_input(1) ? m.integers(node, 1) : node.list("axes", {});
  if (!given.empty() || node.integer("noop_with_empty_axes", 0) != 0) {
    return axes_of(node, given, rank);
  }
  Dims all(rank);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Reduced dims dropped unless keepdims.
ValueId without_axes(Importer& m, const NodeView& node, ValueId y, const Dims& axes) {
  if (node.integer("keepdims", 1) != 0) {
    return y;
  }
  Dims to;
  for (std::size_t i = 0; i < m.shape(y).size(); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i))) {
      to.push_back(m.shape(y)[i]);
    }
  }
  return m.reshape(node, y, to);
}

ValueId mean_over(Importer& m, const NodeView& node, ValueId x, const Dims& axes) {
  std::int64_t n = 1;
  for (const std::int64_t axis : axes) {
    n *= m.shape(x)[static_cast<std::size_t>(axis)];
  }
  // The sum stays fp32 until it is divided: a sum of bf16 numbers need not fit bf16.
  const ValueId sum = m.emit(node, Op::reduce_sum, {x}, {{"axes", axes}, {"dtype", std::string("fp32")}});
  return m.emit_like(node, x, Op::mul, {sum, m.scalar(1.0 / static_cast<double>(n))});
}

void reduce_sum(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims axes = reduced_axes(m, node, m.shape(x).size());
  m.define(node, 0, without_axes(m, node, m.emit(node, Op::reduce_sum, {x}, {{"axes", axes}}), axes));
}

void reduce_max(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims axes = reduced_axes(m, node, m.shape(x).size());
  m.define(node, 0, without_axes(m, node, m.emit(node, Op::reduce_max, {x}, {{"axes", axes}}), axes));
}

void reduce_mean(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims axes = reduced_axes(m, node, m.shape(x).size());
  m.define(node, 0, without_axes(m, node, mean_over(m, node, x, axes), axes));
}

// ---- softmax and losses
// ----------------------------------------------------------------------------------------

/// Applies `f` to x with the softmax axis last: before opset 13 everything from `axis` on is one row.
template <class F>
ValueId along_axis(Importer& m, const NodeView& node, ValueId x, F f) {
  const Dims dims = m.shape(x);
  const bool flattens = m.opset() < 13;
  const std::size_t axis = axis_of(node, node.integer("axis", flattens ? 1 : -1), dims.size());
  if (axis + 1 == dims.size()) {
    return f(x);
  }
  if (flattens) {
    return m.reshape(node, f(m.reshape(node, x, {product(dims, 0, axis), product(dims, axis, dims.size())})),
                     dims);
  }
  Dims perm(dims.size());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[axis], perm.back());  // its own inverse
  const ValueId moved = m.emit(node, Op::transpose, {x}, {{"perm", perm}});
  return m.emit(node, Op::transpose, {f(moved)}, {{"perm", perm}});
}

void softmax(Importer& m, const NodeView& node) {
  m.define(node, 0,
           along_axis(m, node, m.value(node, 0), [&](ValueId x) { return m.emit(node, Op::softmax, {x}); }));
}

// x - max - log(sum e^(x - max)).
ValueId log_softmax_of(Importer& m, const NodeView& node, ValueId x) {
  const Dims last{static_cast<std::int64_t>(m.shape(x).size()) - 1};
  const ValueId shifted = m.emit(node, Op::sub, {x, m.emit(node, Op::reduce_max, {x}, {{"axes", last}})});
  const ValueId sum = m.emit(node, Op::reduce_sum, {m.emit(node, Op::exp, {shifted})},
                             {{"axes", last}, {"dtype", std::string("fp32")}});
  return m.emit(node, Op::sub, {shifted, m.emit(node, Op::log, {sum})});
}

void log_softmax(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const ValueId y = along_axis(m, node, x, [&](ValueId v) { return log_softmax_of(m, node, v); });
  m.set_scores(y, x);
  m.define(node, 0, y);
}

/// Scores [n, classes, …] as rows of classes.
ValueId class_rows(Importer& m, const NodeView& node, ValueId scores) {
  const Dims dims = m.shape(scores);
  if (dims.size() < 2) {
    node.fail("needs scores [n, classes, …]");
  }
  if (dims.size() > 2) {
    Dims perm{0};
    for (std::size_t d = 2; d < dims.size(); ++d) {
      perm.push_back(static_cast<std::int64_t>(d));
    }
    perm.push_back(1);
    scores = m.emit(node, Op::transpose, {scores}, {{"perm", perm}});
  }
  return m.reshape(node, scores, {product(dims, 0, dims.size()) / dims[1], dims[1]});
}

ValueId mean_cross_entropy(Importer& m, const NodeView& node, ValueId scores, ValueId labels) {
  if (node.has_input(2) || node.text("reduction", "mean") != "mean") {
    node.refuse("a weighted loss, or a reduction other than the mean");
  }
  if (node.integer("ignore_index", -100) >= 0) {
    node.refuse("ignore_index");
  }
  const ValueId rows = class_rows(m, node, scores);
  m.limit_indices(labels, m.shape(rows)[1]);
  return m.emit(node, Op::cross_entropy, {rows, m.reshape(node, labels, {m.shape(rows)[0]})});
}

void softmax_cross_entropy(Importer& m, const NodeView& node) {
  const ValueId scores = m.value(node, 0);
  m.define(node, 0, mean_cross_entropy(m, node, scores, m.value(node, 1)));
  if (!m.is_used(node.output(1))) {
    return;
  }
  if (m.shape(scores).size() != 2) {
    node.refuse("the log probabilities of more than two dimensions");
  }
  m.define(node, 1, log_softmax_of(m, node, scores));
}

void negative_log_likelihood(Importer& m, const NodeView& node) {
  const ValueId scores = m.scores_of(m.value(node, 0));
  if (scores < 0) {
    node.refuse("an operand that is not a LogSoftmax");
  }
  m.define(node, 0, mean_cross_entropy(m, node, scores, m.value(node, 1)));
}

// ---- normalisation
// ---------------------------------------------------------------------------------------------

ValueId zeros(Importer& m, const NodeView& node, const Type& type) {
  return m.graph().constant(node.name() + ".zero", type,
                            std::vector<float>(static_cast<std::size_t>(elements(type)), 0));
}

// Over all dimensions from `axis` on: as one dimension.
void layer_normalization(Importer& m, const NodeView& node) {
  if (m.is_used(node.output(1)) || m.is_used(node.output(2))) {
    node.refuse("the mean or deviation output");
  }
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", -1), dims.size());
  const std::int64_t width = product(dims, axis, dims.size());
  Dims rows(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis));
  rows.push_back(width);
  const ValueId scale = m.reshape(node, m.value(node, 1), {width});
  const ValueId bias =
      node.has_input(2) ? m.reshape(node, m.value(node, 2), {width}) : zeros(m, node, {m.dtype(x), {width}});
  const ValueId y = m.emit(node, Op::layernorm, {m.reshape(node, x, rows), scale, bias},
                           {{"epsilon", node.number("epsilon", 1e-5)}});
  m.define(node, 0, m.reshape(node, y, dims));
}

/// The mean over everything but the channels, [1, c, 1, …].
ValueId channel_mean(Importer& m, const NodeView& node, ValueId x) {
  Dims axes;
  for (std::size_t d = 0; d < m.shape(x).size(); ++d)
    if (d != 1) axes.push_back(static_cast<std::int64_t>(d));
  return mean_over(m, node, x, axes);
}

// (x - mean) / sqrt(variance + epsilon) * scale + bias. Training: the statistics of this batch; the running
// ones, which no training step reads, are left alone. Inference: the running statistics are constants.
void batch_normalization(Importer& m, const NodeView& node) {
  const bool training = node.integer("training_mode", 0) != 0;
  if (m.is_used(node.output(1)) || m.is_used(node.output(2))) {
    node.refuse("an output of running statistics");
  }
  const ValueId x = m.value(node, 0);
  Dims channels(m.shape(x).size(), 1);
  if (channels.size() < 2) {
    node.fail("needs at least two dimensions");
  }
  channels[1] = m.shape(x)[1];
  const auto per_channel = [&](ValueId v) { return m.reshape(node, v, channels); };
  const ValueId mean = training ? channel_mean(m, node, x) : per_channel(m.frozen(node, 3));
  const ValueId shifted = m.emit(node, Op::sub, {x, mean});
  ValueId variance = training ? channel_mean(m, node, m.emit(node, Op::mul, {shifted, shifted}))
                              : per_channel(m.frozen(node, 4));
  variance = m.emit(node, Op::add, {variance, m.scalar(node.number("epsilon", 1e-5))});
  const ValueId normal = m.emit(node, Op::mul, {shifted, m.emit(node, Op::rsqrt, {variance})});
  const ValueId scaled = m.emit(node, Op::mul, {normal, per_channel(m.value(node, 1))});
  m.define(node, 0, m.emit(node, Op::add, {scaled, per_channel(m.value(node, 2))}));
}

// ---- convolution and pools
// -------------------------------------------------------------------------------------

struct Window {
  Dims kernel, strides, dilations, pads;
};

/// SAME pads so that the output is ceil(size / stride); the odd pixel goes to the end (UPPER) or the
/// beginning.
void pad_same(const NodeView& node, const Dims& image, Window& w) {
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t out = (image[i + 2] + w.strides[i] - 1) / w.strides[i];
    const std::int64_t reach = (out - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1;
    const std::int64_t total = std::max<std::int64_t>(0, reach - image[i + 2]);
    const bool upper = node.text("auto_pad", "") == "SAME_UPPER";
    w.pads[i] = upper ? total / 2 : total - total / 2;
    w.pads[i + 2] = total - w.pads[i];
  }
}

Window window_of(const NodeView& node, const Dims& image, const Dims& kernel) {
  if (image.size() != 4 || kernel.size() != 2) {
    node.refuse("anything but two-dimensional images");
  }
  Window w{kernel, node.list("strides", {1, 1}), node.list("dilations", {1, 1}),
           node.list("pads", {0, 0, 0, 0})};
  const auto small = [](std::int64_t x) { return x >= 1 && x < (1 << 20); };
  for (const Dims* list : {&w.kernel, &w.strides, &w.dilations}) {
    if (list->size() != 2 || !std::all_of(list->begin(), list->end(), small)) {
      node.fail("kernel, strides or dilations out of range");
    }
  }
  if (node.text("auto_pad", "NOTSET").starts_with("SAME")) {
    pad_same(node, image, w);
  }
  return w;
}

void conv(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0), filters = m.value(node, 1);
  const Dims& f = m.shape(filters);
  const Window w = window_of(node, m.shape(x), f.size() == 4 ? Dims{f[2], f[3]} : Dims{});
  ValueId y = m.emit(node, Op::conv, {x, filters},
                     {{"strides", w.strides},
                      {"pads", w.pads},
                      {"dilations", w.dilations},
                      {"group", node.integer("group", 1)}});
  if (node.has_input(2)) {
    y = m.emit(node, Op::add, {y, m.reshape(node, m.value(node, 2), {m.shape(y)[1], 1, 1})});
  }
  m.define(node, 0, y);
}

/// ceil_mode with a remainder would need windows that stick out.
bool rounds_up(const NodeView& node, const Dims& image, const Window& w) {
  for (std::size_t i = 0; i < 2 && node.integer("ceil_mode", 0) != 0; ++i) {
    if ((image[i + 2] + w.pads[i] + w.pads[i + 2] - w.kernel[i]) % w.strides[i] != 0) {
      return true;
    }
  }
  return false;
}

template <Op kOp>
void pool(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Window w = window_of(node, m.shape(x), node.list("kernel_shape", {}));
  if (w.dilations != Dims{1, 1} || m.is_used(node.output(1)) || rounds_up(node, m.shape(x), w)) {
    node.refuse("a dilated or ceil_mode pool, or one with indices");
  }
  Importer::Attributes attributes{{"kernel", w.kernel}, {"strides", w.strides}, {"pads", w.pads}};
  if (kOp == Op::average_pool) {
    attributes["include_pad"] = node.integer("count_include_pad", 0);
  }
  m.define(node, 0, m.emit(node, kOp, {x}, std::move(attributes)));
}

Dims spatial_axes(const NodeView& node, std::size_t rank) {
  if (rank < 3) {
    node.fail("needs at least three dimensions");
  }
  Dims axes(rank - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

void global_average_pool(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, mean_over(m, node, x, spatial_axes(node, m.shape(x).size())));
}

void global_max_pool(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.emit(node, Op::reduce_max, {x}, {{"axes", spatial_axes(node, m.shape(x).size())}}));
}

}  // namespace

const ConverterTable& network_converters() {
  static const ConverterTable kTable = {
      {"ReduceSum", reduce_sum},
      {"ReduceMax", reduce_max},
      {"ReduceMean", reduce_mean},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
      {"SoftmaxCrossEntropyLoss", softmax_cross_entropy},
      {"NegativeLogLikelihoodLoss", negative_log_likelihood},
      {"LayerNormalization", layer_normalization},
      {"BatchNormalization", batch_normalization},
      {"Conv", conv},
      {"MaxPool", pool<Op::max_pool>},
      {"AveragePool", pool<Op::average_pool>},
      {"GlobalAveragePool", global_average_pool},
      {"GlobalMaxPool", global_max_pool},
  };
  return kTable;
}

}  // namespace leto::compiler::import
