// Convolution and pools over images of any number of dimensions. Included by compute.cpp alone.
#pragma once

#include <array>
#include <limits>

#include "compiler/reference/kernels.h"

namespace leto::compiler::reference::kernel {

constexpr std::size_t kMaxRank = 8;  // of any value: infer.cpp
using Index = std::array<std::int64_t, kMaxRank>;

/// The next index of `shape` in row-major order.
inline void advance(Index& index, const std::vector<std::int64_t>& shape) {
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (++index[d] < shape[d]) {
      return;
    }
    index[d] = 0;
  }
}

/// The windows of a convolution or a pool over one image.
struct Windows {
  std::vector<std::int64_t> kernel, strides, pads, dilations, image;

  Windows(const Node& node, std::vector<std::int64_t> k, const std::vector<std::int64_t>& x)
      : kernel(std::move(k)),
        strides(node.list("strides")),
        pads(node.list("pads")),
        dilations(node.has("dilations") ? node.list("dilations")
                                        : std::vector<std::int64_t>(kernel.size(), 1)),
        image(x.begin() + 2, x.end()) {}

  /// visit(tap, pixel) for every kernel position of the window at `at` that meets the image.
  template <class F>
  void each(const Index& at, F visit) const {
    const auto taps = static_cast<std::size_t>(elements({DType::fp32, kernel}));
    Index tap{};
    for (std::size_t i = 0; i < taps; ++i) {
      std::int64_t pixel = 0;
      bool inside = true;
      for (std::size_t d = 0; d < kernel.size(); ++d) {
        const std::int64_t p = at[d] * strides[d] - pads[d] + tap[d] * dilations[d];
        inside = inside && p >= 0 && p < image[d];
        pixel = pixel * image[d] + p;
      }
      if (inside) {
        visit(i, static_cast<std::size_t>(pixel));
      }
      advance(tap, kernel);
    }
  }
};

/// Calls f(plane, index of the window) for every output of [n, c, ...]: plane = n * c's.
template <class T, class F>
Array<T> each_output(const Call<T>& c, F f) {
  const std::vector<std::int64_t> positions(c.out.shape.begin() + 2, c.out.shape.end());
  const std::int64_t planes = c.out.shape[0] * c.out.shape[1];
  Array<T> y;
  y.reserve(c.size());
  Index at{};
  const std::size_t count = planes == 0 ? 0 : c.size() / static_cast<std::size_t>(planes);
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::size_t i = 0; i < count; ++i) {
      y.push_back(f(plane, at));
      advance(at, positions);
    }
  }
  return y;
}

template <class T>
Array<T> conv(const Call<T>& c) {
  const auto& fs = c.shape(1);
  const Windows w(c.node, {fs.begin() + 2, fs.end()}, c.shape());
  const std::int64_t filters = fs[0], channels = fs[1], per_group = filters / c.node.integer("group", 1);
  const std::int64_t taps = elements({DType::fp32, w.kernel}), pixels = elements({DType::fp32, w.image});
  return each_output(c, [&](std::int64_t plane, const Index& at) {
    const std::int64_t n = plane / filters, o = plane % filters;
    const T* images = c.x().data() + (n * c.shape()[1] + o / per_group * channels) * pixels;
    const T* filter = c.x(1).data() + o * channels * taps;
    T sum = 0;
    for (std::int64_t k = 0; k < channels; ++k, images += pixels, filter += taps) {
      w.each(at, [&](std::size_t tap, std::size_t pixel) { sum += images[pixel] * filter[tap]; });
    }
    return sum;
  });
}

template <class T>
Array<T> max_pool(const Call<T>& c) {
  const Windows w(c.node, c.node.list("kernel"), c.shape());
  const std::int64_t pixels = elements({DType::fp32, w.image});
  return each_output(c, [&](std::int64_t plane, const Index& at) {
    const T* image = c.x().data() + plane * pixels;
    T top = -std::numeric_limits<T>::infinity();
    w.each(at, [&](std::size_t, std::size_t pixel) { top = std::max(top, image[pixel]); });
    return top;
  });
}

template <class T>
Array<T> average_pool(const Call<T>& c) {
  const Windows w(c.node, c.node.list("kernel"), c.shape());
  const std::int64_t pixels = elements({DType::fp32, w.image});
  const std::int64_t whole = c.node.integer("include_pad") != 0 ? elements({DType::fp32, w.kernel}) : 0;
  return each_output(c, [&](std::int64_t plane, const Index& at) {
    const T* image = c.x().data() + plane * pixels;
    T sum = 0;
    std::int64_t count = 0;
    w.each(at, [&](std::size_t, std::size_t pixel) {
      sum += image[pixel];
      ++count;
    });
    return sum * (1 / static_cast<T>(whole > 0 ? whole : count));
  });
}

}  // namespace leto::compiler::reference::kernel
