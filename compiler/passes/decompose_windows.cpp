#include "compiler/passes/decompose_windows.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

/// The image's dimensions of [n, c, ...].
Dims image_of(const Dims& shape) {
  return Dims(shape.begin() + 2, shape.end());
}

std::int64_t element_count(const Dims& dims) {
  return elements({DType::fp32, dims});
}

/// Channels go last: a pixel's channels are one run in memory, which is what a strided window moves.
ValueId channels_last(Builder& b, ValueId x) {
  Dims perm(b.shape(x).size());
  std::iota(perm.begin(), perm.end(), 1);
  perm.front() = 0;
  std::iota(perm.begin() + 1, perm.end() - 1, 2);
  perm.back() = 1;
  return b.transpose(x, perm);
}

ValueId channels_first(Builder& b, ValueId x) {
  Dims perm(b.shape(x).size());
  std::iota(perm.begin(), perm.end(), -1);
  perm[0] = 0;
  perm[1] = static_cast<std::int64_t>(perm.size()) - 1;
  return b.transpose(x, perm);
}

/// [n, image..., c] placed at `starts` of a larger image filled with `value`, `steps` apart.
ValueId placed(Builder& b, ValueId x, const Dims& image, const Dims& starts, const Dims& steps,
               double value) {
  const Dims from = b.shape(x);
  const auto around = [&](std::int64_t first, Dims dims, std::int64_t last) {
    dims.insert(dims.begin(), first);
    dims.push_back(last);
    return dims;
  };
  const Dims shape = around(from.front(), image, from.back());
  const Dims all_starts = around(0, starts, 0), all_steps = around(1, steps, 1);
  if (shape == from) {
    return x;
  }
  return b.raw(Op::embed, {x},
               {{"shape", shape}, {"starts", all_starts}, {"steps", all_steps}, {"value", value}});
}

ValueId padded(Builder& b, ValueId x, const Dims& pads, double value) {
  Dims image = b.shape(x);
  image = Dims(image.begin() + 1, image.end() - 1);
  const std::size_t n = image.size();
  for (std::size_t d = 0; d < n; ++d) {
    image[d] += pads[d] + pads[d + n];
  }
  return placed(b, x, image, Dims(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(n)), Dims(n, 1),
                value);
}

Dims dilations_of(const Node& node, std::size_t dims) {
  return node.has("dilations") ? node.list("dilations") : Dims(dims, 1);
}

/// One kernel position after the other: the pixels of a padded image [n, image..., c] that meet it,
/// [n, out..., c].
class Taps {
 public:
  struct Grid {
    Dims kernel, dilations, strides, out;
    Dims origin;  // the pixel that the first position of the first window meets
  };
  Taps(Builder& b, ValueId image, Grid grid) : b_(b), image_(image), grid_(std::move(grid)) {}
  std::int64_t count() const { return element_count(grid_.kernel); }
  ValueId at(std::int64_t i) const {
    const Dims s = b_.shape(image_);
    Dims starts(s.size(), 0), steps(s.size(), 1), sizes = s;
    for (std::size_t d = grid_.kernel.size(); d-- > 0; i /= grid_.kernel[d]) {
      starts[d + 1] = grid_.origin[d] + i % grid_.kernel[d] * grid_.dilations[d];
      steps[d + 1] = grid_.strides[d];
      sizes[d + 1] = grid_.out[d];
    }
    return b_.slice(image_, starts, sizes, steps);
  }
  std::int64_t channels() const { return b_.shape(image_).back(); }
  bool has_inner() const { return grid_.kernel.size() > 1 && grid_.kernel.back() > 1; }
  /// The kernel's positions along the image's last dim only, for every pixel of the other dims.
  Taps inner() const {
    const Dims image = b_.shape(image_);
    Grid grid{Dims(grid_.kernel.size(), 1), grid_.dilations, Dims(grid_.kernel.size(), 1),
              Dims(image.begin() + 1, image.end() - 1), Dims(grid_.kernel.size(), 0)};
    grid.kernel.back() = grid_.kernel.back();
    grid.strides.back() = grid_.strides.back();
    grid.out.back() = grid_.out.back();
    grid.origin.back() = grid_.origin.back();
    return {b_, image_, grid};
  }
  /// The positions along the other dims, where `inner` are the windows of inner() with their positions
  /// joined.
  Taps outer(ValueId inner) const {
    Grid grid = grid_;
    grid.kernel.back() = grid.strides.back() = 1;
    grid.origin.back() = 0;
    return {b_, inner, grid};
  }

 private:
  Builder& b_;
  ValueId image_;
  Grid grid_;
};

/// The windows of a node over its operand [n, c, image...], as it pads it.
Taps taps_of(Builder& b, const Node& node, ValueId x, const Dims& kernel, const Dims& out, double padding) {
  const std::size_t dims = kernel.size();
  return {b,
          padded(b, channels_last(b, x), node.list("pads"), padding),
          {kernel, dilations_of(node, dims), node.list("strides"), out, Dims(dims, 0)}};
}

ValueId joined(Builder& b, const std::vector<ValueId>& parts) {
  const auto last = static_cast<std::int64_t>(b.shape(parts[0]).size()) - 1;
  return parts.size() == 1 ? parts[0] : b.raw(Op::concat, parts, {{"axis", last}});
}

/// [n, image..., c] as a matrix of pixels by channels, one a group: [pixels, c] or [g, pixels, c/g].
ValueId pixel_rows(Builder& b, ValueId x, std::int64_t groups) {
  const std::int64_t channels = b.shape(x).back(), pixels = elements(b.type(x)) / channels;
  if (groups == 1) {
    return b.reshape(x, {pixels, channels});
  }
  return b.transpose(b.reshape(x, {pixels, groups, channels / groups}), {1, 0, 2});
}

/// Back from pixel_rows to an image with channels first.
ValueId image_from(Builder& b, ValueId rows, std::int64_t batch, const Dims& image) {
  const Dims s = b.shape(rows);
  const std::int64_t channels = s.size() == 2 ? s[1] : s[0] * s[2];
  Dims shape = image;
  shape.insert(shape.begin(), batch);
  shape.push_back(channels);
  return b.reshape(s.size() == 2 ? rows : b.transpose(rows, {1, 0, 2}), shape);
}

// Channels of a pixel below which its run is too short for memory.
constexpr std::int64_t kShortRun = 16;

/// im2col: a row for every window, all channels of its first kernel position first; the kernel positions from
/// the last to the first if `backwards`.
ValueId columns(Builder& b, const Taps& taps, std::int64_t groups, bool backwards) {
  if (groups == 1 && taps.channels() < kShortRun && taps.has_inner()) {  // longer runs for the other dims
    const Taps inner = taps.inner();
    std::vector<ValueId> positions;
    for (std::int64_t i = 0; i < inner.count(); ++i) {
      positions.push_back(inner.at(backwards ? inner.count() - 1 - i : i));
    }
    return columns(b, taps.outer(joined(b, positions)), groups, backwards);
  }
  std::vector<ValueId> parts;
  for (std::int64_t i = 0; i < taps.count(); ++i) {
    const ValueId tap = taps.at(backwards ? taps.count() - 1 - i : i);
    const std::int64_t channels = b.shape(tap).back(), pixels = elements(b.type(tap)) / channels;
    parts.push_back(
        b.reshape(tap, groups == 1 ? Dims{pixels, channels} : Dims{pixels, groups, channels / groups}));
  }
  const ValueId all = joined(b, parts);
  return groups == 1 ? all : b.transpose(all, {1, 0, 2});
}

/// Weights [o, c/g, kernel...] as the matrix that columns of x are multiplied with, [taps * c/g, o/g], or
/// columns of y, [taps * o/g, c/g]; one a group.
ValueId kernel_matrix(Builder& b, ValueId w, std::int64_t groups, bool of_result) {
  Dims shape = b.shape(w);
  const std::int64_t filters = shape[0] / groups, channels = shape[1],
                     taps = element_count(Dims(shape.begin() + 2, shape.end()));
  const std::int64_t depth = taps * (of_result ? filters : channels), width = of_result ? channels : filters;
  if (groups == 1 && taps == 1) {  // as it lies, or transposed: a view
    const ValueId matrix = b.reshape(w, {filters, channels});
    return of_result ? matrix : b.swap_last_two(matrix);
  }
  const ValueId split = b.reshape(w, {groups, filters, channels, taps});
  const ValueId ordered = b.transpose(split, of_result ? Dims{0, 3, 1, 2} : Dims{0, 3, 2, 1});
  return b.reshape(ordered, groups == 1 ? Dims{depth, width} : Dims{groups, depth, width});
}

ValueId product_of(Builder& b, ValueId x, ValueId y, DType out, Builder::Attributes attributes = {}) {
  attributes["dtype"] = std::string(name_of(out));
  return b.raw(Op::matmul, {x, y}, std::move(attributes));
}

// y[pixels, o] = columns[pixels, taps * c] · w[taps * c, o], by groups.
ValueId conv(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
  const Dims image = image_of(out.shape);
  const std::int64_t groups = node.integer("group", 1);
  const Taps taps = taps_of(b, node, in[0], image_of(b.shape(in[1])), image, 0);
  const ValueId y =
      product_of(b, columns(b, taps, groups, false), kernel_matrix(b, in[1], groups, false), out.dtype);
  return channels_first(b, image_from(b, y, out.shape[0], image));
}

ValueId max_pool(Builder& b, const Node& node, ValueId x, const Type& out) {
  const Taps taps =
      taps_of(b, node, x, node.list("kernel"), image_of(out.shape), -std::numeric_limits<double>::infinity());
  ValueId y = taps.at(0);
  for (std::int64_t i = 1; i < taps.count(); ++i) {
    y = b.op(Op::max, {y, taps.at(i)}, out.dtype);
  }
  return channels_first(b, y);
}

/// How many kernel positions lie inside the image, for each output position along dimension d.
std::vector<std::int64_t> inside(const Node& node, const Dims& image, const Dims& out, std::size_t d) {
  const std::int64_t dilation = node.has("dilations") ? node.list("dilations")[d] : 1;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(out[d]), 0);
  for (std::int64_t o = 0; o < out[d]; ++o) {
    for (std::int64_t i = 0; i < node.list("kernel")[d]; ++i) {
      const std::int64_t at = o * node.list("strides")[d] - node.list("pads")[d] + i * dilation;
      counts[static_cast<std::size_t>(o)] += at >= 0 && at < image[d] ? 1 : 0;
    }
  }
  return counts;
}

/// 1 / (elements counted), one number when it is the same everywhere.
ValueId shares(Builder& b, const Node& node, const Dims& image, const Dims& out) {
  const Dims& kernel = node.list("kernel");
  if (node.integer("include_pad") != 0 || node.list("pads") == Dims(2 * kernel.size(), 0)) {
    return b.scalar(1.0 / static_cast<double>(element_count(kernel)));
  }
  std::vector<std::int64_t> counts{1};
  for (std::size_t d = 0; d < kernel.size(); ++d) {
    std::vector<std::int64_t> finer;
    for (const std::int64_t outer : counts) {
      for (const std::int64_t here : inside(node, image, out, d)) {
        finer.push_back(outer * here);
      }
    }
    counts = std::move(finer);
  }
  std::vector<float> data;
  for (const std::int64_t count : counts) {
    data.push_back(1.0F / static_cast<float>(count));
  }
  return b.graph().constant(node.name + ".shares", {DType::fp32, out}, std::move(data));
}

// A window over the whole image is a reduction; others are a chain of additions.
ValueId average_pool(Builder& b, const Node& node, ValueId x, const Type& out) {
  const Dims image = image_of(b.shape(x)), kernel = node.list("kernel");
  const ValueId share = shares(b, node, image, image_of(out.shape));
  if (node.list("pads") == Dims(2 * kernel.size(), 0) && kernel == image) {
    Dims axes(kernel.size());
    std::iota(axes.begin(), axes.end(), 2);
    return b.op(Op::mul, {b.reduce(Op::reduce_sum, x, axes), share}, out.dtype);
  }
  const Taps taps = taps_of(b, node, x, kernel, image_of(out.shape), 0);
  ValueId sum = taps.at(0);
  for (std::int64_t i = 1; i < taps.count(); ++i) {
    sum = b.add(sum, taps.at(i));
  }
  return b.op(Op::mul, {channels_first(b, sum), share}, out.dtype);
}

}  // namespace

// Every pixel of x gets what the windows that it is in give it: a convolution of dy, its pixels `strides`
// apart between zeros, with the kernel's positions from the last to the first. One position needs no window:
// each window's gradient goes to its pixel.
ValueId conv_image_gradient(Builder& b, const Node& node, ValueId dy) {
  const Dims x = b.shape(node.inputs[0]), kernel = image_of(b.shape(node.inputs[1])), image = image_of(x);
  const Dims &strides = node.list("strides"), &pads = node.list("pads");
  const std::int64_t groups = node.integer("group", 1);
  const std::size_t dims = kernel.size();
  const Dims dilations = dilations_of(node, dims), ones(dims, 1), out = image_of(b.shape(dy));
  const ValueId weights = kernel_matrix(b, node.inputs[1], groups, true);
  const ValueId dy_last = channels_last(b, dy);
  if (element_count(kernel) == 1 && pads == Dims(2 * dims, 0)) {
    const ValueId dx = product_of(b, pixel_rows(b, dy_last, groups), weights, DType::fp32);
    return channels_first(b, placed(b, image_from(b, dx, x[0], out), image, Dims(dims, 0), strides, 0));
  }
  Dims starts(dims), origin(dims), wide(dims);
  for (std::size_t d = 0; d < dims; ++d) {
    const std::int64_t reach = dilations[d] * (kernel[d] - 1);
    starts[d] = std::max<std::int64_t>(0, reach - pads[d]);
    origin[d] = starts[d] - (reach - pads[d]);
    wide[d] = std::max(origin[d] + image[d] + reach, starts[d] + strides[d] * (out[d] - 1) + 1);
  }
  const Taps taps(b, placed(b, dy_last, wide, starts, strides, 0), {kernel, dilations, ones, image, origin});
  const ValueId dx = product_of(b, columns(b, taps, groups, true), weights, DType::fp32);
  return channels_first(b, image_from(b, dx, x[0], image));
}

// dw[o, taps * c] = dy[pixels, o]^T · columns[pixels, taps * c], by groups.
ValueId conv_weight_gradient(Builder& b, const Node& node, ValueId dy) {
  const Dims w = b.shape(node.inputs[1]), kernel = image_of(w), image = image_of(b.shape(dy));
  const std::int64_t groups = node.integer("group", 1), filters = w[0] / groups;
  const Taps taps = taps_of(b, node, node.inputs[0], kernel, image, 0);
  const ValueId dw = product_of(b, pixel_rows(b, channels_last(b, dy), groups),
                                columns(b, taps, groups, false), DType::fp32, {{"trans_a", std::int64_t{1}}});
  const ValueId split = b.reshape(dw, {groups, filters, element_count(kernel), w[1]});
  return b.reshape(b.transpose(split, {0, 1, 3, 2}), w);
}

ValueId lower_window(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
  switch (node.op) {
    case Op::conv:
      return conv(b, node, in, out);
    case Op::max_pool:
      return max_pool(b, node, in[0], out);
    default:
      return average_pool(b, node, in[0], out);
  }
}

}  // namespace leto::compiler
