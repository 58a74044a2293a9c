// Normalisations.
#include <algorithm>
#include <cmath>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// x - mean, and the mean of its square, over these axes.
struct Moments {
  ValueId mean, centred, variance;
};
Moments moments(Emitter& e, ValueId x, const Dims& axes) {
  const ValueId mean = e.mean(x, axes), centred = e.sub(x, mean);
  return {mean, centred, e.mean(e.mul(centred, centred), axes)};
}

// Over all dimensions from `axis` on: as one dimension.
void layer_normalization(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = e.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", -1), dims.size());
  const std::int64_t width = product(dims, axis, dims.size());
  const double epsilon = node.number("epsilon", 1e-5);
  Dims rows(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis));
  rows.push_back(width);
  const ValueId scale = e.reshape(m.value(node, 1), {width});
  const ValueId bias = node.has_input(2) ? e.reshape(m.value(node, 2), {width})
                                         : e.numbers(e.dtype(x), {width},
                                                     std::vector<double>(static_cast<std::size_t>(width), 0));
  const ValueId flat = e.reshape(x, rows);
  const ValueId y = e.op(Op::layernorm, {flat, scale, bias}, {{"epsilon", epsilon}});
  e.define(0, e.reshape(y, dims));
  if (m.is_used(node.output(1)) || m.is_used(node.output(2))) {
    Dims kept = dims;
    std::fill(kept.begin() + static_cast<std::ptrdiff_t>(axis), kept.end(), 1);
    const Moments rest = moments(e, flat, {static_cast<std::int64_t>(axis)});
    e.define(1, e.reshape(rest.mean, kept));
    e.define(2, e.reshape(e.rsqrt(e.plus(rest.variance, epsilon)), kept));
  }
}

/// Everything but the channels.
Dims pixel_axes(std::size_t rank) {
  Dims axes = progression(1, static_cast<std::int64_t>(rank) - 1);
  axes[0] = 0;
  return axes;
}

/// Output `i`, the statistic that inference reads: input `at` and this batch's, in the ratio of `momentum`.
void running_statistic(Importer& m, const NodeView& node, std::size_t i, std::size_t at, ValueId now) {
  if (!m.is_used(node.output(i))) {
    return;  // a training step does not read it
  }
  Emitter e(m, node);
  const double momentum = node.number("momentum", 0.9);
  const ValueId old = m.frozen(node, at);
  e.define(i, e.add(e.times(old, momentum), e.times(e.reshape(now, e.shape(old)), 1 - momentum)));
}

// (x - mean) / sqrt(variance + epsilon) * scale + bias: scale and bias are parameters; the statistics are
// those of the batch in training mode, else constants.
void batch_normalization(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  Dims channels(e.rank(x), 1);
  if (channels.size() < 2) {
    node.fail("needs at least two dimensions");
  }
  channels[1] = e.shape(x)[1];
  const auto per_channel = [&](ValueId v) { return e.reshape(v, channels); };
  const auto finish = [&](ValueId centred, ValueId variance) {
    const ValueId normal = e.mul(centred, e.rsqrt(e.plus(variance, node.number("epsilon", 1e-5))));
    const ValueId scaled = e.mul(normal, per_channel(m.value(node, 1)));
    e.define(0, e.add(scaled, per_channel(m.value(node, 2))));
  };
  if (m.opset() >= 14 && node.integer("training_mode", 0) != 0) {
    const Moments batch = moments(e, x, pixel_axes(channels.size()));
    running_statistic(m, node, 1, 3, batch.mean);
    running_statistic(m, node, 2, 4, batch.variance);
    finish(batch.centred, batch.variance);
    return;
  }
  if (m.is_used(node.output(1))) {
    node.refuse("the statistics as outputs");
  }
  finish(e.sub(x, per_channel(m.frozen(node, 3))), per_channel(m.frozen(node, 4)));
}

void instance_normalization(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Moments image = moments(e, x, image_axes(node, e.rank(x)));
  Dims channels(e.rank(x) - 1, 1);
  channels[0] = e.shape(x)[1];
  const ValueId normal = e.mul(image.centred, e.rsqrt(e.plus(image.variance, node.number("epsilon", 1e-5))));
  e.define(
      0, e.add(e.mul(normal, e.reshape(m.value(node, 1), channels)), e.reshape(m.value(node, 2), channels)));
}

void mean_variance_normalization(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Moments own = moments(e, x, axes_of(node, node.list("axes", {0, 2, 3}), e.rank(x)));
  e.define(0, e.div(own.centred, e.plus(e.sqrt(own.variance), 1e-9)));
}

// x / (bias + alpha / size * sum of squares of the neighbouring channels) ^ beta. The sum is a product with a
// band of ones; its power is taken through the logarithm, which the chip has.
void local_response(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const std::int64_t size = node.integer("size", 0);
  if (e.rank(x) < 3 || size < 1 || e.shape(x)[1] > (1 << 13)) {
    node.fail("needs x[n,c,...] and a size of 1 or more");
  }
  const std::int64_t channels = e.shape(x)[1], before = (size - 1) / 2, after = size - 1 - before;
  std::vector<double> band;
  for (std::int64_t j = 0; j < channels; ++j) {
    for (std::int64_t i = 0; i < channels; ++i) {
      band.push_back(i >= j - before && i <= j + after ? 1 : 0);
    }
  }
  const ValueId squares =
      e.along(e.mul(x, x), 1, e.numbers(e.dtype(x), {channels, channels}, std::move(band)));
  const double share = node.number("alpha", 1e-4) / static_cast<double>(size);
  const ValueId base = e.plus(e.times(squares, share), node.number("bias", 1));
  e.define(0, e.mul(x, e.exp(e.times(e.log(base), -node.number("beta", 0.75)))));
}

}  // namespace

const OperatorTable& normalisation_operators() {
  static const OperatorTable kTable = {
      {"LayerNormalization", 17, layer_normalization, "layernorm"},
      {"BatchNormalization", 6, batch_normalization,
       "sub, rsqrt, mul, add; statistics are constants unless training"},
      {"InstanceNormalization", 6, instance_normalization, "reduce_sum, sub, rsqrt, mul, add"},
      {"MeanVarianceNormalization", 9, mean_variance_normalization, "reduce_sum, sub, sqrt, div"},
      {"LRN", 6, local_response, "matmul, log, exp, mul"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
