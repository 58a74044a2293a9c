// Reductions, what works on rows (the last axis), losses. Included by compute.cpp alone.
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>

#include "compiler/reference/kernels_elementwise.h"

namespace leto::compiler::reference::kernel {

/// y = f(y, x) for each x along the reduced axes, ascending, from `start` on.
template <class T, class F>
Array<T> accumulate(const Call<T>& c, T start, F f) {
  Array<T> y(c.size(), start);
  Dims strides = strides_of(c.out.shape);
  for (const std::int64_t axis : c.node.list("axes")) {
    strides[static_cast<std::size_t>(axis)] = 0;  // every element along the axis meets the same result
  }
  for_each(c.shape(), strides, 0,
           [&](std::size_t i, std::size_t offset) { y[offset] = f(y[offset], c.x()[i]); });
  return y;
}

template <class T>
Array<T> reduce_sum(const Call<T>& c) {
  return accumulate(c, T(0), [](T sum, T x) { return sum + x; });
}
template <class T>
Array<T> reduce_max(const Call<T>& c) {
  return accumulate(c, -std::numeric_limits<T>::infinity(),
                    [](T top, T x) { return x > top || x != x ? x : top; });
}
template <class T>
Array<T> reduce_prod(const Call<T>& c) {
  return accumulate(c, T(1), [](T product, T x) { return product * x; });
}

/// Calls f(row of x, row of y, row length) for each row of x; y has `width` numbers a row.
template <class T, class F>
Array<T> by_rows(const Call<T>& c, std::size_t width, F f) {
  const auto columns = static_cast<std::size_t>(c.shape().back());
  Array<T> y(c.x().size() / columns * width);
  for (std::size_t row = 0; row < c.x().size() / columns; ++row) {
    f(c.x().data() + row * columns, y.data() + row * width, columns);
  }
  return y;
}

template <class T>
Array<T> arg_max(const Call<T>& c) {
  const bool last = c.node.integer("last") != 0;
  return by_rows(c, 1, [last](const T* in, T* out, std::size_t n) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < n; ++i) {
      best = in[i] > in[best] || (last && in[i] == in[best]) ? i : best;
    }
    *out = static_cast<T>(best);
  });
}

template <class T>
Array<T> order(const Call<T>& c) {
  const bool smallest = c.node.integer("smallest") != 0;
  const auto k = static_cast<std::size_t>(c.out.shape.back());
  return by_rows(c, k, [=](const T* in, T* out, std::size_t n) {
    std::vector<std::size_t> at(n);
    std::iota(at.begin(), at.end(), 0);
    std::stable_sort(at.begin(), at.end(),
                     [&](std::size_t i, std::size_t j) { return smallest ? in[i] < in[j] : in[i] > in[j]; });
    std::copy_n(at.begin(), k, out);
  });
}

template <class T>
Array<T> softmax(const Call<T>& c) {
  return by_rows(c, static_cast<std::size_t>(c.shape().back()), [](const T* in, T* out, std::size_t n) {
    const T top = *std::max_element(in, in + n);
    T sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = e_to(in[i] - top);
      sum += out[i];
    }
    const T scale = 1 / sum;
    std::transform(out, out + n, out, [scale](T v) { return v * scale; });
  });
}

template <class T>
Array<T> layernorm(const Call<T>& c) {
  const auto epsilon = static_cast<T>(c.node.number("epsilon", 1e-5));
  const Array<T>&scale = c.x(1), &bias = c.x(2);
  return by_rows(c, static_cast<std::size_t>(c.shape().back()), [&](const T* in, T* out, std::size_t n) {
    const T share = 1 / static_cast<T>(n);
    const T mean = std::accumulate(in, in + n, T(0)) * share;
    T squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      squares += (in[i] - mean) * (in[i] - mean);
    }
    const T r = 1 / std::sqrt(squares * share + epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = (in[i] - mean) * r * scale[i] + bias[i];
    }
  });
}

template <class T>
Array<T> rmsnorm(const Call<T>& c) {
  const auto epsilon = static_cast<T>(c.node.number("epsilon", 1e-5));
  return by_rows(c, static_cast<std::size_t>(c.shape().back()), [&](const T* in, T* out, std::size_t n) {
    const T squares = std::inner_product(in, in + n, in, T(0));
    const T r = 1 / std::sqrt(squares * (1 / static_cast<T>(n)) + epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = in[i] * r * c.x(1)[i];
    }
  });
}

template <class T>
Array<T> cross_entropy(const Call<T>& c) {
  const auto classes = static_cast<std::size_t>(c.shape()[1]);
  const Array<T>& labels = c.x(1);
  T total = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const T* x = c.x().data() + row * classes;
    const T top = *std::max_element(x, x + classes);
    T sum = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      sum += e_to(x[i] - top);
    }
    const bool known = labels[row] >= 0 && labels[row] < static_cast<T>(classes);
    total += log_of(sum) - (known ? x[static_cast<std::size_t>(labels[row])] - top : 0);
  }
  return {total * (1 / static_cast<T>(labels.size()))};
}

template <class T>
Array<T> mse(const Call<T>& c) {
  const Array<T>&a = c.x(0), &b = c.x(1);
  const std::size_t width = c.shape().empty() ? 1 : static_cast<std::size_t>(c.shape().back());
  T sum = 0;
  for (std::size_t row = 0; row < a.size(); row += width) {
    T of_row = 0;
    for (std::size_t i = row; i < row + width; ++i) of_row += (a[i] - b[i]) * (a[i] - b[i]);
    sum += of_row;
  }
  return {sum * (1 / static_cast<T>(a.size()))};
}

}  // namespace leto::compiler::reference::kernel
