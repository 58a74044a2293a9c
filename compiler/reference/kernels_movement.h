// What moves elements. Included by compute.cpp alone.
#pragma once

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "base/int8_rows.h"
#include "compiler/ops.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference::kernel {

/// The result's elements, each read at its own offset of the operand.
template <class T>
Array<T> read_at(const Call<T>& c, const std::vector<std::int64_t>& strides, std::int64_t base) {
  Array<T> y(c.size());
  for_each(c.out.shape, strides, base, [&](std::size_t i, std::size_t offset) { y[i] = c.x()[offset]; });
  return y;
}

template <class T>
Array<T> reshape(const Call<T>& c) {
  return c.x();
}

template <class T>
Array<T> exchange(const Call<T>& c) {
  return c.x();
}

template <class T>
Array<T> transpose(const Call<T>& c) {
  const auto from = strides_of(c.shape());
  std::vector<std::int64_t> strides;
  for (const std::int64_t p : c.node.list("perm")) {
    strides.push_back(from[static_cast<std::size_t>(p)]);
  }
  return read_at(c, strides, 0);
}

/// Strides and first offset of the window that `starts` and `steps` cut out of a dense `shape`.
struct Cut {
  std::vector<std::int64_t> strides;
  std::int64_t base = 0;
  Cut(const Node& node, const std::vector<std::int64_t>& shape) : strides(strides_of(shape)) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      base += node.list("starts")[i] * strides[i];
      strides[i] *= node.list("steps")[i];
    }
  }
};

template <class T>
Array<T> slice(const Call<T>& c) {
  const Cut cut(c.node, c.shape());
  return read_at(c, cut.strides, cut.base);
}

template <class T>
Array<T> embed(const Call<T>& c) {
  const Cut cut(c.node, c.out.shape);
  Array<T> y(c.size(), static_cast<T>(c.node.number("value")));
  for_each(c.shape(), cut.strides, cut.base,
           [&](std::size_t i, std::size_t offset) { y[offset] = c.x()[i]; });
  return y;
}

template <class T>
Array<T> concat(const Call<T>& c) {
  const auto strides = strides_of(c.out.shape);
  const auto axis = static_cast<std::size_t>(c.node.integer("axis"));
  Array<T> y(c.size());
  std::int64_t base = 0;
  for (const Operand<T>& x : c.in) {
    for_each(x.type.shape, strides, base, [&](std::size_t i, std::size_t offset) { y[offset] = x.data[i]; });
    base += x.type.shape[axis] * strides[axis];
  }
  return y;
}

template <class T>
Array<T> expand(const Call<T>& c) {
  return read_at(c, broadcast_strides(c.shape(), c.out.shape), 0);
}

template <class T>
std::size_t row_index(const Node& node, T index, std::int64_t rows) {
  if (!(index >= 0 && index < static_cast<T>(rows))) {
    throw Error(
        ExitCode::bad_input,
        fmt::format("operation '{}': index {} is outside the table of {} rows", node.name, index, rows),
        "give indices in [0, rows)");
  }
  return static_cast<std::size_t>(index);
}

/// Does the index say that there is no row?
template <class T>
bool is_padding(const Node& node, T index) {
  return index < 0 && (is_bag(node.op) || node.integer("padding") != 0);
}

template <class T>
Array<T> gather(const Call<T>& c) {
  const std::int64_t rows = c.shape()[0];
  const std::size_t width = rows == 0 ? 0 : c.x().size() / static_cast<std::size_t>(rows);
  Array<T> y;
  y.reserve(c.size());
  for (const T i : c.x(1)) {
    if (is_padding(c.node, i)) {
      y.resize(y.size() + width, T(0));
      continue;
    }
    const auto row = c.x().begin() + static_cast<std::ptrdiff_t>(row_index(c.node, i, rows) * width);
    y.insert(y.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
  return y;
}

template <class T>
Array<T> embedding_bag(const Call<T>& c) {
  const auto width = static_cast<std::size_t>(c.shape()[1]);
  const auto bag = static_cast<std::size_t>(c.shape(1).back());
  Array<T> y(c.size(), T(0));
  // Where a lookup's row is, in operand `table`; nothing where index list `table + 1` names none.
  const auto row_of = [&](std::size_t i, std::size_t table) -> const T* {
    const T index = c.x(table + 1)[i];
    if (is_padding(c.node, index)) return nullptr;
    return c.x(table).data() + row_index(c.node, index, c.shape(table)[0]) * width;
  };
  for (std::size_t i = 0; i < c.x(1).size(); ++i) {
    const T* row = row_of(i, 0);
    if (row == nullptr && c.node.op == Op::pinned_bag) row = row_of(i, 2);
    T* sum = y.data() + i / bag * width;
    for (std::size_t k = 0; k < width; ++k) {
      T x = row == nullptr ? T(0) : row[k];
      if (c.node.op == Op::weighted_bag) x *= c.x(2)[i];
      sum[k] = i % bag == 0 ? x : sum[k] + x;
    }
  }
  return y;
}

template <class T>
Array<T> pinned_bag(const Call<T>& c) {
  return embedding_bag(c);
}

template <class T>
Array<T> weighted_bag(const Call<T>& c) {
  return embedding_bag(c);
}

template <class T>
Array<T> quantised_bag(const Call<T>& c) {
  const auto pitch = static_cast<std::size_t>(c.shape()[1]);
  const auto width = pitch - static_cast<std::size_t>(kInt8RowTail);
  const auto bag = static_cast<std::size_t>(c.shape(1).back());
  Array<T> y(c.size(), T(0));
  for (std::size_t i = 0; i < c.x(1).size(); ++i) {
    const bool none = is_padding(c.node, c.x(1)[i]);
    const T* row = none ? nullptr : c.x().data() + row_index(c.node, c.x(1)[i], c.shape()[0]) * pitch;
    const Int8RowTail tail = none ? Int8RowTail{} : int8_row_tail(row, static_cast<std::int64_t>(width));
    for (std::size_t k = 0; k < width; ++k) {
      T& sum = y[i / bag * width + k];
      const T x = none ? T(0) : row[k] * static_cast<T>(tail.scale) + static_cast<T>(tail.bias);
      sum = i % bag == 0 ? x : sum + x;
    }
  }
  return y;
}

template <class T>
Array<T> weighted_rows(const Call<T>& c) {
  const auto width = static_cast<std::size_t>(c.shape()[1]);
  const std::size_t each = c.x(1).size() / static_cast<std::size_t>(c.shape()[0]);
  Array<T> y;
  y.reserve(c.size());
  for (std::size_t i = 0; i < c.x(1).size(); ++i)
    for (std::size_t k = 0; k < width; ++k) y.push_back(c.x()[i / each * width + k] * c.x(1)[i]);
  return y;
}

template <class T>
Array<T> scatter_add(const Call<T>& c) {
  Array<T> y(c.size(), T(0));
  const std::int64_t rows = c.out.shape[0];
  const std::size_t width = rows == 0 ? 0 : y.size() / static_cast<std::size_t>(rows);
  for (std::size_t i = 0; i < c.x(1).size(); ++i) {
    if (is_padding(c.node, c.x(1)[i])) {
      continue;
    }
    T* row = y.data() + row_index(c.node, c.x(1)[i], rows) * width;
    for (std::size_t k = 0; k < width; ++k) {
      row[k] += c.x()[i * width + k];
    }
  }
  return y;
}

template <class T>
Array<T> sort_lookups(const Call<T>& c) {
  const auto share = static_cast<std::size_t>(c.node.integer("share"));
  const Array<T>& lookups = c.x();
  std::vector<std::size_t> order(lookups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto none = [&](std::size_t i) { return lookups[i] < 0; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return none(a) != none(b) ? none(b) : !none(a) && lookups[a] < lookups[b];
  });
  Array<T> y;
  for (const std::size_t i : order) {
    y.push_back(none(i) ? T(-1) : lookups[i]);
    y.push_back(static_cast<T>(i / share));
  }
  return y;
}

/// One-hot rows. A label outside [0, classes) is an error: it would silently give a loss of no class.
template <class T>
Array<T> is_class(const Call<T>& c) {
  Array<T> y(c.size(), T(0));
  const std::int64_t classes = c.out.shape.back();
  for (std::size_t i = 0; i < c.x().size(); ++i) {
    y[i * static_cast<std::size_t>(classes) + row_index(c.node, c.x()[i], classes)] = 1;
  }
  return y;
}

}  // namespace leto::compiler::reference::kernel
