#include "compiler/passes/decompose_windows.h"

#include <limits>

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

/// One kernel position after the other: the pixels of a [_, _, h, w] image that meet it, [_, _, oh, ow].
class Taps {
 public:
  Taps(Builder& b, const Node& node, ValueId image, Dims kernel, Dims dilations, const Type& out,
       double padding)
      : b_(b), kernel_(std::move(kernel)), dilations_(std::move(dilations)), strides_(node.list("strides")) {
    height_ = out.shape[2];
    width_ = out.shape[3];
    padded_ = pad(image, node.list("pads"), padding);
  }
  std::int64_t count() const { return kernel_[0] * kernel_[1]; }
  ValueId at(std::int64_t i) const {
    const Dims& s = b_.shape(padded_);
    return b_.slice(padded_, {0, 0, i / kernel_[1] * dilations_[0], i % kernel_[1] * dilations_[1]},
                    {s[0], s[1], height_, width_}, {1, 1, strides_[0], strides_[1]});
  }

 private:
  ValueId pad(ValueId x, const Dims& pads, double value) {
    if (pads == Dims{0, 0, 0, 0}) {
      return x;
    }
    const Dims s = b_.shape(x);
    return b_.raw(Op::embed, {x},
                  {{"shape", Dims{s[0], s[1], s[2] + pads[0] + pads[2], s[3] + pads[1] + pads[3]}},
                   {"starts", Dims{0, 0, pads[0], pads[1]}},
                   {"steps", Dims{1, 1, 1, 1}},
                   {"value", value}});
  }

  Builder& b_;
  Dims kernel_, dilations_, strides_;
  std::int64_t height_ = 0, width_ = 0;
  ValueId padded_ = -1;
};

ValueId joined(Builder& b, const std::vector<ValueId>& parts, std::int64_t axis) {
  return parts.size() == 1 ? parts[0] : b.raw(Op::concat, parts, {{"axis", axis}});
}

// im2col with channels first, so that the weight gradient is one product over all pixels of the batch:
// y[g, o/g, n*oh*ow] = w[g, o/g, taps*c/g] · columns[g, taps*c/g, n*oh*ow].
ValueId conv(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
  const Dims w = b.shape(in[1]);
  const std::int64_t g = node.integer("group", 1), channels = w[1], filters = w[0] / g;
  const std::int64_t pixels = out.shape[0] * out.shape[2] * out.shape[3];
  const Taps taps(b, node, b.transpose(in[0], {1, 0, 2, 3}), {w[2], w[3]}, node.list("dilations"),
                  {out.dtype, {0, 0, out.shape[2], out.shape[3]}}, 0);
  std::vector<ValueId> columns;
  for (std::int64_t i = 0; i < taps.count(); ++i) {
    columns.push_back(b.reshape(taps.at(i), g == 1 ? Dims{channels, pixels} : Dims{g, channels, pixels}));
  }
  const std::int64_t depth = taps.count() * channels;
  const ValueId by_tap = b.transpose(in[1], {0, 2, 3, 1});
  const ValueId weights = b.reshape(by_tap, g == 1 ? Dims{filters, depth} : Dims{g, filters, depth});
  const ValueId y = b.raw(Op::matmul, {weights, joined(b, columns, g == 1 ? 0 : 1)},
                          {{"dtype", std::string(name_of(out.dtype))}});
  return b.transpose(b.reshape(y, {out.shape[1], out.shape[0], out.shape[2], out.shape[3]}), {1, 0, 2, 3});
}

ValueId max_pool(Builder& b, const Node& node, ValueId x, const Type& out) {
  const Taps taps(b, node, x, node.list("kernel"), {1, 1}, out, -std::numeric_limits<double>::infinity());
  ValueId y = taps.at(0);
  for (std::int64_t i = 1; i < taps.count(); ++i) {
    y = b.op(Op::max, {y, taps.at(i)}, out.dtype);
  }
  return y;
}

/// How many kernel positions lie inside the image, for each output position along one dimension.
std::vector<std::int64_t> inside(std::int64_t size, std::int64_t out, std::int64_t kernel,
                                 std::int64_t stride, std::int64_t pad) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(out), 0);
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < kernel; ++i) {
      const std::int64_t at = o * stride - pad + i;
      counts[static_cast<std::size_t>(o)] += at >= 0 && at < size ? 1 : 0;
    }
  }
  return counts;
}

/// 1 / (elements counted), one number when it is the same everywhere.
ValueId shares(Builder& b, const Node& node, const Dims& image, const Type& out) {
  const Dims &kernel = node.list("kernel"), &strides = node.list("strides"), &pads = node.list("pads");
  if (node.integer("include_pad") != 0 || pads == Dims{0, 0, 0, 0}) {
    return b.scalar(1.0 / static_cast<double>(kernel[0] * kernel[1]));
  }
  std::vector<float> data;
  const auto columns = inside(image[3], out.shape[3], kernel[1], strides[1], pads[1]);
  for (const std::int64_t rows : inside(image[2], out.shape[2], kernel[0], strides[0], pads[0])) {
    for (const std::int64_t c : columns) {
      data.push_back(1.0F / static_cast<float>(rows * c));
    }
  }
  return b.graph().constant(node.name + ".shares", {DType::fp32, {out.shape[2], out.shape[3]}},
                            std::move(data));
}

// A window over the whole image is a reduction; others are a chain of additions.
ValueId average_pool(Builder& b, const Node& node, ValueId x, const Type& out) {
  const Dims image = b.shape(x);
  const ValueId share = shares(b, node, image, out);
  const Dims& kernel = node.list("kernel");
  if (node.list("pads") == Dims{0, 0, 0, 0} && kernel == Dims{image[2], image[3]}) {
    return b.op(Op::mul, {b.reduce(Op::reduce_sum, x, {2, 3}), share}, out.dtype);
  }
  const Taps taps(b, node, x, kernel, {1, 1}, out, 0);
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
