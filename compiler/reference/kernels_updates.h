// Updates of a table's rows by sorted lookups.
#pragma once

#include <cmath>

#include "compiler/reference/kernels_movement.h"

namespace leto::compiler::reference::kernel {

/// Rows and the sum of each one's gradients, in any order.
template <class T>
struct RowSums {
  std::vector<std::int64_t> rows;
  Array<T> sums;  // [rows, width]
};

/// Sorted lookups: row (negative: none) and where its gradient is, of `gradients`.
template <class T>
struct SortedLookups {
  std::vector<std::int64_t> rows;
  std::vector<std::size_t> from;
  Array<T> gradients;
};

/// One level: the rows of one block only go to `done`. For the next level every block leaves two lookups:
/// what it has of the row that began before it, and of the one that goes on behind it.
template <class T>
SortedLookups<T> merge_blocks(const SortedLookups<T>& in, std::size_t width, std::size_t block,
                              RowSums<T>& done) {
  SortedLookups<T> seams;
  const std::size_t n = in.rows.size();
  for (std::size_t begin = 0; begin < n; begin += block) {
    const std::size_t end = std::min(n, begin + block), first = seams.rows.size();
    const auto shared = [&](std::size_t at, bool with_other, std::size_t other) {
      return with_other && in.rows[other] == in.rows[at] ? in.rows[at] : -1;
    };
    seams.rows.push_back(shared(begin, begin > 0, begin - 1));
    seams.rows.push_back(shared(end - 1, end < n, end));
    seams.from.insert(seams.from.end(), {first, first + 1});
    seams.gradients.resize((first + 2) * width, T(0));
    for (std::size_t i = begin; i < end;) {
      const std::int64_t row = in.rows[i];
      Array<T> sum(width, T(0));
      for (; i < end && in.rows[i] == row; ++i)
        for (std::size_t k = 0; k < width; ++k) sum[k] += in.gradients[in.from[i] * width + k];
      if (row < 0) continue;
      const auto seam = std::find(seams.rows.begin() + std::ptrdiff_t(first), seams.rows.end(), row);
      if (seam == seams.rows.end()) {
        done.rows.push_back(row);
        done.sums.insert(done.sums.end(), sum.begin(), sum.end());
      } else {
        std::copy(sum.begin(), sum.end(),
                  seams.gradients.begin() + (seam - seams.rows.begin()) * std::ptrdiff_t(width));
      }
    }
  }
  return seams;
}

template <class T>
RowSums<T> row_sums(const Call<T>& c) {
  const auto width = static_cast<std::size_t>(c.shape(1)[1]);
  const auto block = static_cast<std::size_t>(c.node.integer("block"));
  SortedLookups<T> lookups;
  lookups.gradients.assign(c.x(1).begin(), c.x(1).end());
  for (std::size_t i = 0; i < c.x(2).size(); i += 2) {
    const bool none = c.x(2)[i] < 0;
    lookups.rows.push_back(none ? -1 : std::int64_t(row_index(c.node, c.x(2)[i], c.shape()[0])));
    lookups.from.push_back(row_index(c.node, c.x(2)[i + 1], c.shape(1)[0]));
  }
  RowSums<T> done;
  for (;;) {
    const bool last = lookups.rows.size() <= block;
    lookups = merge_blocks(lookups, width, block, done);
    if (last) return done;
  }
}

template <class T>
T mean_square(const RowSums<T>& sums, std::size_t i, std::size_t width) {
  T square = sums.sums[i * width] * sums.sums[i * width];
  for (std::size_t k = 1; k < width; ++k) square += sums.sums[i * width + k] * sums.sums[i * width + k];
  return square * static_cast<T>(1.0 / static_cast<double>(width));
}

/// Adds rate(i) times the sum of row i of `sums` to its row.
template <class T, class Rate>
Array<T> changed(const Call<T>& c, const RowSums<T>& sums, Rate rate) {
  Array<T> y(c.x().begin(), c.x().end());
  const auto width = static_cast<std::size_t>(c.shape()[1]);
  for (std::size_t i = 0; i < sums.rows.size(); ++i) {
    const T factor = rate(i);
    T* row = y.data() + static_cast<std::size_t>(sums.rows[i]) * width;
    for (std::size_t k = 0; k < width; ++k) row[k] += sums.sums[i * width + k] * factor;
  }
  return y;
}

template <class T>
Array<T> sgd_rows(const Call<T>& c) {
  const T rate = -static_cast<T>(c.node.number("lr"));
  return changed(c, row_sums(c), [&](std::size_t) { return rate; });
}

template <class T>
Array<T> adagrad_sums(const Call<T>& c) {
  Array<T> y(c.x().begin(), c.x().end());
  const RowSums<T> sums = row_sums(c);
  const auto width = static_cast<std::size_t>(c.shape(1)[1]);
  for (std::size_t i = 0; i < sums.rows.size(); ++i)
    y[static_cast<std::size_t>(sums.rows[i])] += mean_square(sums, i, width);
  return y;
}

template <class T>
Array<T> adagrad_rows(const Call<T>& c) {
  const RowSums<T> sums = row_sums(c);
  const auto width = static_cast<std::size_t>(c.shape(1)[1]);
  const T rate = -static_cast<T>(c.node.number("lr")), epsilon = static_cast<T>(c.node.number("epsilon"));
  return changed(c, sums, [&](std::size_t i) {
    const T sum = c.x(3)[static_cast<std::size_t>(sums.rows[i])] + mean_square(sums, i, width);
    return 1 / (std::sqrt(sum) + epsilon) * rate;
  });
}

/// An element of a moment of the gradient's element g, moved towards it.
template <class T>
T moved(T moment, T target, T share) {
  return moment + (target - moment) * share;
}

template <class T>
Array<T> moment_rows(const Call<T>& c) {
  Array<T> y(c.x().begin(), c.x().end());
  const RowSums<T> sums = row_sums(c);
  const auto width = static_cast<std::size_t>(c.shape()[1]);
  const T share = static_cast<T>(c.node.number("share"));
  const bool square = c.node.integer("square") != 0;
  for (std::size_t i = 0; i < sums.sums.size(); ++i) {
    const T g = sums.sums[i];
    T& x = y[static_cast<std::size_t>(sums.rows[i / width]) * width + i % width];
    x = moved(x, square ? g * g : g, share);
  }
  return y;
}

template <class T>
Array<T> adam_rows(const Call<T>& c) {
  Array<T> y(c.x().begin(), c.x().end());
  const RowSums<T> sums = row_sums(c);
  const auto width = static_cast<std::size_t>(c.shape()[1]);
  const T mean_share = static_cast<T>(c.node.number("mean_share")),
          square_share = static_cast<T>(c.node.number("square_share")),
          epsilon = static_cast<T>(c.node.number("epsilon")), rate = c.x(5)[0], root = c.x(6)[0];
  for (std::size_t i = 0; i < sums.sums.size(); ++i) {
    const std::size_t at = static_cast<std::size_t>(sums.rows[i / width]) * width + i % width;
    const T g = sums.sums[i], mean = moved(c.x(3)[at], g, mean_share),
            square = moved(c.x(4)[at], g * g, square_share);
    y[at] += 1 / (std::sqrt(square) * root + epsilon) * mean * rate;
  }
  return y;
}

}  // namespace leto::compiler::reference::kernel
