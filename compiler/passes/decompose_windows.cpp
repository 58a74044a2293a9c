#include "compiler/passes/decompose_windows.h"

#include <limits>
#include <numeric>

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

/// The image's dimensions of [n, c, ...].
Dims image_of(const Dims& shape) {
  return Dims(shape.begin() + 2, shape.end());
}

Dims with_image(std::int64_t first, std::int64_t second, const Dims& image) {
  Dims out{first, second};
  out.insert(out.end(), image.begin(), image.end());
  return out;
}

std::int64_t product(const Dims& dims) {
  return elements({DType::fp32, dims});
}

/// The first two dimensions swapped.
ValueId swapped(Builder& b, ValueId x) {
  Dims perm(b.shape(x).size());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[0], perm[1]);
  return b.transpose(x, perm);
}

/// One kernel position after the other: the pixels of an image [_, _, ...] that meet it, [_, _, out...].
class Taps {
 public:
  Taps(Builder& b, const Node& node, ValueId image, Dims kernel, Dims out, double padding)
      : b_(b),
        kernel_(std::move(kernel)),
        out_(std::move(out)),
        dilations_(node.has("dilations") ? node.list("dilations") : Dims(kernel_.size(), 1)),
        strides_(with_image(1, 1, node.list("strides"))) {
    padded_ = pad(image, node.list("pads"), padding);
  }
  std::int64_t count() const { return product(kernel_); }
  ValueId at(std::int64_t i) const {
    const Dims& s = b_.shape(padded_);
    Dims starts(s.size(), 0);
    for (std::size_t d = kernel_.size(); d-- > 0; i /= kernel_[d]) {
      starts[d + 2] = i % kernel_[d] * dilations_[d];
    }
    return b_.slice(padded_, starts, with_image(s[0], s[1], out_), strides_);
  }

 private:
  ValueId pad(ValueId x, const Dims& pads, double value) {
    const std::size_t n = kernel_.size();
    if (pads == Dims(2 * n, 0)) {
      return x;
    }
    Dims shape = b_.shape(x), starts(shape.size(), 0);
    for (std::size_t d = 0; d < n; ++d) {
      starts[d + 2] = pads[d];
      shape[d + 2] += pads[d] + pads[d + n];
    }
    return b_.raw(Op::embed, {x},
                  {{"shape", shape}, {"starts", starts}, {"steps", Dims(shape.size(), 1)}, {"value", value}});
  }

  Builder& b_;
  Dims kernel_, out_, dilations_, strides_;
  ValueId padded_ = -1;
};

ValueId joined(Builder& b, const std::vector<ValueId>& parts, std::int64_t axis) {
  return parts.size() == 1 ? parts[0] : b.raw(Op::concat, parts, {{"axis", axis}});
}

// im2col with channels first, so that the weight gradient is one product over all pixels of the batch:
// y[g, o/g, n*pixels] = w[g, o/g, taps*c/g] · columns[g, taps*c/g, n*pixels].
ValueId conv(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
  const Dims w = b.shape(in[1]), image = image_of(out.shape);
  const std::int64_t g = node.integer("group", 1), channels = w[1], filters = w[0] / g;
  const std::int64_t pixels = out.shape[0] * product(image);
  const Taps taps(b, node, swapped(b, in[0]), image_of(w), image, 0);
  std::vector<ValueId> columns;
  for (std::int64_t i = 0; i < taps.count(); ++i) {
    columns.push_back(b.reshape(taps.at(i), g == 1 ? Dims{channels, pixels} : Dims{g, channels, pixels}));
  }
  const std::int64_t depth = taps.count() * channels;
  Dims channels_last(w.size());
  std::iota(channels_last.begin(), channels_last.end(), 1);
  channels_last.front() = 0;
  std::iota(channels_last.begin() + 1, channels_last.end() - 1, 2);
  channels_last.back() = 1;
  const ValueId by_tap = b.transpose(in[1], channels_last);
  const ValueId weights = b.reshape(by_tap, g == 1 ? Dims{filters, depth} : Dims{g, filters, depth});
  const ValueId y = b.raw(Op::matmul, {weights, joined(b, columns, g == 1 ? 0 : 1)},
                          {{"dtype", std::string(name_of(out.dtype))}});
  return swapped(b, b.reshape(y, with_image(out.shape[1], out.shape[0], image)));
}

ValueId max_pool(Builder& b, const Node& node, ValueId x, const Type& out) {
  const Taps taps(b, node, x, node.list("kernel"), image_of(out.shape),
                  -std::numeric_limits<double>::infinity());
  ValueId y = taps.at(0);
  for (std::int64_t i = 1; i < taps.count(); ++i) {
    y = b.op(Op::max, {y, taps.at(i)}, out.dtype);
  }
  return y;
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
    return b.scalar(1.0 / static_cast<double>(product(kernel)));
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
  const Taps taps(b, node, x, kernel, image_of(out.shape), 0);
  ValueId sum = taps.at(0);
  for (std::int64_t i = 1; i < taps.count(); ++i) {
    sum = b.add(sum, taps.at(i));
  }
  return b.op(Op::mul, {sum, share}, out.dtype);
}

}  // namespace

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
