// The composite operations, straight from their formulas: an oracle for decompose.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {
namespace {

/// Calls f(row of x, row of y) for rows of `columns` numbers.
template <class F>
Array by_rows(const Operand& x, F f) {
  Array y(x.data.size());
  const auto columns = static_cast<std::size_t>(x.type.shape.back());
  for (std::size_t at = 0; at < x.data.size(); at += columns) {
    f(x.data.data() + at, y.data() + at, columns);
  }
  return y;
}

Array softmax(const Operand& x) {
  return by_rows(x, [](const float* in, float* out, std::size_t n) {
    const float top = *std::max_element(in, in + n);
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = exponential(in[i] - top);
      sum += out[i];
    }
    const float scale = 1 / sum;
    std::transform(out, out + n, out, [scale](float v) { return v * scale; });
  });
}

Array layernorm(const Node& node, const Operand& x, const Operand& scale, const Operand& bias) {
  const auto epsilon = static_cast<float>(node.number("epsilon", 1e-5));
  return by_rows(x, [&](const float* in, float* out, std::size_t n) {
    const float share = 1 / static_cast<float>(n);
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += in[i];
    }
    const float mean = sum * share;
    float squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      squares += (in[i] - mean) * (in[i] - mean);
    }
    const float r = 1 / std::sqrt(squares * share + epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = (in[i] - mean) * r * scale.data[i] + bias.data[i];
    }
  });
}

Array cross_entropy(const Operand& scores, const Operand& labels) {
  const auto classes = static_cast<std::size_t>(scores.type.shape[1]);
  float total = 0;
  for (std::size_t row = 0; row < labels.data.size(); ++row) {
    const float* x = scores.data.data() + row * classes;
    const float top = *std::max_element(x, x + classes);
    float sum = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      sum += exponential(x[i] - top);
    }
    const float label = labels.data[row];
    const bool known = label >= 0 && label < static_cast<float>(classes);
    total += logarithm(sum) - (known ? x[static_cast<std::size_t>(label)] - top : 0);
  }
  return {total * (1 / static_cast<float>(labels.data.size()))};
}

Array mse(const Operand& a, const Operand& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    sum += (a.data[i] - b.data[i]) * (a.data[i] - b.data[i]);
  }
  return {sum * (1 / static_cast<float>(a.data.size()))};
}

/// The windows of a convolution or a pool over images of height x width.
struct Windows {
  std::vector<std::int64_t> kernel, strides, pads, dilations;
  std::int64_t height, width;

  /// visit(kernel row, kernel column, element) for the window of output position (r, c).
  template <class F>
  void each(const float* image, std::int64_t r, std::int64_t c, F visit) const {
    for (std::int64_t i = 0; i < kernel[0]; ++i) {
      for (std::int64_t j = 0; j < kernel[1]; ++j) {
        const std::int64_t y = r * strides[0] - pads[0] + i * dilations[0];
        const std::int64_t x = c * strides[1] - pads[1] + j * dilations[1];
        if (y >= 0 && y < height && x >= 0 && x < width) {
          visit(i, j, image[y * width + x]);
        }
      }
    }
  }
};

/// One convolution output: over the input channels of the group.
float conv_at(const Windows& w, const float* images, const float* filter, std::int64_t channels,
              std::int64_t r, std::int64_t c) {
  float sum = 0;
  for (std::int64_t k = 0; k < channels; ++k) {
    const float* taps = filter + k * w.kernel[0] * w.kernel[1];
    w.each(images + k * w.height * w.width, r, c,
           [&](std::int64_t i, std::int64_t j, float v) { sum += v * taps[i * w.kernel[1] + j]; });
  }
  return sum;
}

Array conv(const Node& node, const Type& out, const Operand& x, const Operand& filters) {
  const auto& xs = x.type.shape;
  const auto& fs = filters.type.shape;
  const Windows w{{fs[2], fs[3]}, node.list("strides"), node.list("pads"), node.list("dilations"), xs[2],
                  xs[3]};
  const std::int64_t per_group = fs[0] / node.integer("group", 1), area = xs[2] * xs[3];
  Array y;
  for (std::int64_t n = 0; n < xs[0]; ++n) {
    for (std::int64_t o = 0; o < fs[0]; ++o) {
      const float* images = x.data.data() + (n * xs[1] + o / per_group * fs[1]) * area;
      const float* filter = filters.data.data() + o * fs[1] * fs[2] * fs[3];
      for (std::int64_t r = 0; r < out.shape[2]; ++r) {
        for (std::int64_t c = 0; c < out.shape[3]; ++c) {
          y.push_back(conv_at(w, images, filter, fs[1], r, c));
        }
      }
    }
  }
  return y;
}

float pool_at(const Node& node, const Windows& w, const float* image, std::int64_t r, std::int64_t c) {
  const bool top = node.op == Op::max_pool;
  float acc = top ? -std::numeric_limits<float>::infinity() : 0;
  std::int64_t count = 0;
  w.each(image, r, c, [&](std::int64_t, std::int64_t, float v) {
    acc = top ? std::max(acc, v) : acc + v;
    ++count;
  });
  if (top) {
    return acc;
  }
  count = node.integer("include_pad") != 0 ? w.kernel[0] * w.kernel[1] : count;
  return acc * (1 / static_cast<float>(count));
}

Array pool(const Node& node, const Type& out, const Operand& x) {
  const auto& xs = x.type.shape;
  const Windows w{node.list("kernel"), node.list("strides"), node.list("pads"), {1, 1}, xs[2], xs[3]};
  Array y;
  for (std::int64_t image = 0; image < xs[0] * xs[1]; ++image) {
    const float* from = x.data.data() + image * xs[2] * xs[3];
    for (std::int64_t r = 0; r < out.shape[2]; ++r) {
      for (std::int64_t c = 0; c < out.shape[3]; ++c) {
        y.push_back(pool_at(node, w, from, r, c));
      }
    }
  }
  return y;
}

}  // namespace

Array composite(const Node& node, const Type& out, const std::vector<Operand>& in) {
  switch (node.op) {
    case Op::softmax:
      return softmax(in[0]);
    case Op::layernorm:
      return layernorm(node, in[0], in[1], in[2]);
    case Op::cross_entropy:
      return cross_entropy(in[0], in[1]);
    case Op::mse:
      return mse(in[0], in[1]);
    case Op::conv:
      return conv(node, out, in[0], in[1]);
    case Op::max_pool:
    case Op::average_pool:
      return pool(node, out, in[0]);
    default:
      return elementwise(node, out, in);  // div, pow, gelu
  }
}

}  // namespace leto::compiler::reference
