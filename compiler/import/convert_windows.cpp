// Convolutions and pools.
#include <algorithm>
#include <limits>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"
#include "compiler/import/window.h"

namespace leto::compiler::import {
namespace {

Dims image_of(const Dims& shape) {
  return shape.size() < 2 ? Dims{} : Dims(shape.begin() + 2, shape.end());
}

Importer::Attributes attributes_of(const Window& w) {
  return {{"strides", w.strides}, {"pads", w.pads}, {"dilations", w.dilations}};
}

/// One number a channel, in front of the image's dimensions.
ValueId per_channel(Emitter& e, ValueId v, std::size_t rank) {
  Dims to(rank - 1, 1);
  to[0] = product(e.shape(v));
  return e.reshape(v, to);
}

ValueId with_bias(Importer& m, const NodeView& node, ValueId y) {
  Emitter e(m, node);
  return node.has_input(2) ? e.add(y, per_channel(e, m.value(node, 2), e.rank(y))) : y;
}

void conv(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0), filters = m.value(node, 1);
  const Window w = window_of(node, m.shape(x), image_of(m.shape(filters)));
  Importer::Attributes attributes = attributes_of(w);
  attributes["group"] = node.integer("group", 1);
  m.define(node, 0, with_bias(m, node, m.emit(node, Op::conv, {x, filters}, std::move(attributes))));
}

// ---- transposed convolution

/// Pads of the output: given, or what makes the output as large as asked.
void transposed_pads(const NodeView& node, const Dims& x, const Dims& more, Window& w) {
  const std::size_t n = w.kernel.size();
  const Dims asked = node.list("output_shape", {});
  const std::string how = node.text("auto_pad", "NOTSET");
  if (asked.empty() && !how.starts_with("SAME")) {
    return;
  }
  if (!asked.empty() && asked.size() < n) {
    node.fail("'output_shape' does not fit the image");
  }
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t full =
        (x[d + 2] - 1) * w.strides[d] + more[d] + (w.kernel[d] - 1) * w.dilations[d] + 1;
    const std::int64_t want = asked.empty() ? x[d + 2] * w.strides[d] : asked[asked.size() - n + d];
    const std::int64_t total = full - want;  // below 0: the output has room beyond the image
    w.pads[d] = how == "SAME_LOWER" ? total - total / 2 : total / 2;
    w.pads[d + n] = total - w.pads[d];
  }
}

/// Filters [c, o/g, ...] as those of the convolution that the transposed one is: [o, c/g, ...], turned
/// around.
ValueId turned_filters(Emitter& e, ValueId filters, std::int64_t group) {
  const Dims f = e.shape(filters);
  Dims grouped{group, f[0] / group}, perm = progression(0, static_cast<std::int64_t>(f.size()) + 1);
  grouped.insert(grouped.end(), f.begin() + 1, f.end());
  std::swap(perm[1], perm[2]);
  ValueId y = e.transpose(e.reshape(filters, grouped), perm);
  Dims to{f[1] * group, f[0] / group};
  to.insert(to.end(), f.begin() + 2, f.end());
  y = e.reshape(y, to);
  for (std::size_t d = 2; d < to.size(); ++d) {
    y = e.take(y, d, progression(to[d] - 1, to[d], -1));
  }
  return y;
}

// The image with zeros between its pixels, convolved with the filters turned around.
void conv_transpose(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0), filters = m.value(node, 1);
  const Dims dims = e.shape(x), kernel = image_of(e.shape(filters));
  Window w = window_of(node, dims, kernel);
  const std::size_t n = kernel.size();
  const std::int64_t group = node.integer("group", 1);
  Dims more = node.list("output_padding", Dims(n, 0));
  if (more.size() != n || group < 1 || e.shape(filters)[0] % group != 0) {
    node.fail("'output_padding' or 'group' does not fit");
  }
  if (!node.text("auto_pad", "NOTSET").starts_with("SAME")) {
    w.pads = node.list("pads", Dims(2 * n, 0));
  }
  transposed_pads(node, dims, more, w);
  Dims to = dims, starts(dims.size(), 0), steps(dims.size(), 1), pads(2 * n, 0), before(dims.size(), 0),
       after = before;
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t reach = (w.kernel[d] - 1) * w.dilations[d];
    to[d + 2] = (dims[d + 2] - 1) * w.strides[d] + 1;
    steps[d + 2] = w.strides[d];
    pads[d] = reach - w.pads[d];
    pads[d + n] = reach - w.pads[d + n] + more[d];
  }
  ValueId spaced =
      to == dims ? x : e.op(Op::embed, {x}, {{"shape", to}, {"starts", starts}, {"steps", steps}});
  for (std::size_t d = 0; d < n; ++d) {  // pads past the kernel cut the image
    const std::int64_t first = std::max<std::int64_t>(0, -pads[d]),
                       last = std::max<std::int64_t>(0, -pads[d + n]);
    spaced = e.slice(spaced, d + 2, first, to[d + 2] - first - last);
    pads[d] += first;
    pads[d + n] += last;
  }
  const ValueId y =
      e.op(Op::conv, {spaced, turned_filters(e, filters, group)},
           {{"strides", Dims(n, 1)}, {"pads", pads}, {"dilations", w.dilations}, {"group", group}});
  e.define(0, with_bias(m, node, y));
}

// ---- pools

/// For each pixel of the output and kernel position, the flat index of the image's pixel, in [n, c, h, w] or
/// with the last two dimensions swapped; -1 outside.
class PoolIndices {
 public:
  PoolIndices(const Dims& x, const Dims& out, const Window& w, bool column_major)
      : image_(image_of(x)), out_(image_of(out)), w_(w), steps_(image_.size(), 1) {
    if (column_major) {
      for (std::size_t d = 1; d < steps_.size(); ++d) {
        steps_[d] = steps_[d - 1] * image_[d - 1];
      }
    } else {
      for (std::size_t d = steps_.size(); d-- > 1;) {
        steps_[d - 1] = steps_[d] * image_[d];
      }
    }
  }
  std::int64_t at(std::int64_t pixel, std::int64_t tap) const {
    std::int64_t flat = 0;
    for (std::size_t d = image_.size(); d-- > 0; pixel /= out_[d], tap /= w_.kernel[d]) {
      const std::int64_t p =
          pixel % out_[d] * w_.strides[d] - w_.pads[d] + tap % w_.kernel[d] * w_.dilations[d];
      if (p < 0 || p >= image_[d]) {
        return -1;
      }
      flat += p * steps_[d];
    }
    return flat;
  }

 private:
  Dims image_, out_;
  const Window& w_;
  Dims steps_;
};

// Each window's pixels as one row: where the maximum is in it says which pixel of the image that was.
ValueId pool_indices(Emitter& e, ValueId x, const Dims& out, const Window& w, bool column_major) {
  const Dims dims = e.shape(x);
  const PoolIndices index(dims, out, w, false), named(dims, out, w, column_major);
  const std::int64_t planes = dims[0] * dims[1], area = product(image_of(dims)),
                     pixels = product(image_of(out)), taps = product(w.kernel);
  // One more column of minus infinity stands for everything outside.
  const ValueId flat = e.reshape(x, {planes, area});
  const ValueId padded = e.pad(flat, {0, 0}, {0, 1}, -std::numeric_limits<double>::infinity());
  Dims read;
  std::vector<double> name;
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t t = 0; t < taps; ++t) {
      const std::int64_t at = index.at(p, t);
      read.push_back(at < 0 ? area : at);
      name.push_back(static_cast<double>(std::max<std::int64_t>(0, named.at(p, t))));
    }
  }
  const ValueId windows = e.reshape(e.take(padded, 1, read), {planes, pixels, taps});
  const ValueId best = e.reshape(e.op(Op::arg_max, {windows}), {planes, pixels});  // which tap
  const Dims row = progression(0, pixels, taps), plane = progression(0, planes, area);
  const ValueId entry = e.add(best, e.numbers(DType::int64, {pixels}, {row.begin(), row.end()}));
  const ValueId in_plane = e.rows(e.numbers(DType::int64, {pixels * taps}, std::move(name)), entry);
  return e.reshape(e.add(in_plane, e.numbers(DType::int64, {planes, 1}, {plane.begin(), plane.end()})), out);
}

void max_pool(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  Window w = window_of(node, e.shape(x), node.list("kernel_shape", {}));
  extend_for_ceil(node, e.shape(x), w);
  Importer::Attributes attributes = attributes_of(w);
  attributes["kernel"] = w.kernel;
  const ValueId y = e.op(Op::max_pool, {x}, std::move(attributes));
  e.define(0, y);
  if (m.is_used(node.output(1))) {
    const Dims out = e.shape(y);
    if (product(image_of(out)) > (std::int64_t{1} << 24) / product(w.kernel)) {
      node.refuse("the indices of an image of this size");
    }
    e.define(1, pool_indices(e, x, out, w, node.integer("storage_order", 0) != 0));
  }
}

// With ceil_mode the room beyond the pads does not count: there only what lies in the padded image does.
void average_pool(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  ValueId x = m.value(node, 0);
  Window w = window_of(node, e.shape(x), node.list("kernel_shape", {}));
  const std::size_t n = w.kernel.size();
  const Dims own = w.pads, extra = extend_for_ceil(node, e.shape(x), w);
  bool include = node.integer("count_include_pad", 0) != 0;
  if (include && std::any_of(extra.begin(), extra.end(), [](auto d) { return d > 0; })) {
    Dims before{0, 0}, after{0, 0};
    before.insert(before.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(n));
    after.insert(after.end(), own.begin() + static_cast<std::ptrdiff_t>(n), own.end());
    x = e.pad(x, before, after, 0);
    w.pads = Dims(n, 0);
    w.pads.insert(w.pads.end(), extra.begin(), extra.end());
    include = false;
  }
  Importer::Attributes attributes = attributes_of(w);
  attributes["kernel"] = w.kernel;
  attributes["include_pad"] = std::int64_t{include};
  e.define(0, e.op(Op::average_pool, {x}, std::move(attributes)));
}

void global_average_pool(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  e.define(0, e.mean(x, image_axes(node, e.rank(x))));
}

void global_max_pool(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  e.define(0, e.reduce(Op::reduce_max, x, image_axes(node, e.rank(x))));
}

}  // namespace

const OperatorTable& window_operators() {
  static const OperatorTable kTable = {
      {"Conv", 6, conv, "conv, add"},
      {"ConvTranspose", 6, conv_transpose, "embed, conv, add"},
      {"MaxPool", 6, max_pool, "max_pool; indices: gather, arg_max"},
      {"AveragePool", 6, average_pool, "average_pool"},
      {"GlobalAveragePool", 1, global_average_pool, "reduce_sum, mul"},
      {"GlobalMaxPool", 1, global_max_pool, "reduce_max"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
