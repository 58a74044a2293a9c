// Attention and its gradients from their formulas, a head and a row at a time. Included by compute.cpp alone.
#pragma once

#include <algorithm>

#include "compiler/reference/kernels_elementwise.h"

namespace leto::compiler::reference::kernel {

/// An operand as matrices, one a head of its own.
template <class T>
struct Matrices {
  explicit Matrices(const Operand<T>& x)
      : data(x.data.data()),
        rows(static_cast<std::size_t>(x.type.shape[x.type.shape.size() - 2])),
        columns(static_cast<std::size_t>(x.type.shape.back())),
        count(x.data.size() / (rows * columns)) {}
  const T* row(std::size_t matrix, std::size_t r) const { return data + (matrix * rows + r) * columns; }

  const T* data;
  std::size_t rows, columns, count;
};

template <class T>
T dot(const T* a, const T* b, std::size_t n) {
  T sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <class T>
void add_scaled(T* to, const T* from, T factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

/// The scores of one row of q: as many as it may see.
template <class T>
class Scores {
 public:
  explicit Scores(const Call<T>& c)
      : q_(c.in[0]),
        k_(c.in[1]),
        scale_(static_cast<T>(c.node.number("scale", 1.0))),
        causal_(c.node.integer("causal") != 0) {}

  /// The head of k and v that head `h` of q reads.
  std::size_t group(std::size_t h) const { return h / (q_.count / k_.count); }
  T scale() const { return scale_; }

  /// visit(head, row counted over all heads, scores) for each row of q.
  template <class F>
  void for_rows(F visit) {
    for (std::size_t h = 0; h < q_.count; ++h) {
      for (std::size_t i = 0; i < q_.rows; ++i) visit(h, h * q_.rows + i, of(h, i));
    }
  }

 private:
  const Array<T>& of(std::size_t h, std::size_t i) {
    row_.resize(causal_ ? i + 1 : k_.rows);
    for (std::size_t j = 0; j < row_.size(); ++j)
      row_[j] = scale_ * dot(q_.row(h, i), k_.row(group(h), j), q_.columns);
    return row_;
  }

  Matrices<T> q_, k_;
  T scale_;
  bool causal_;
  Array<T> row_;
};

template <class T>
T logarithm_of_sum(const Array<T>& scores) {
  const T top = *std::max_element(scores.begin(), scores.end());
  T sum = 0;
  for (const T s : scores) sum += e_to(s - top);
  return top + log_of(sum);
}

template <class T>
Array<T> attention(const Call<T>& c) {
  Scores<T> scores(c);
  const Matrices<T> v(c.in[2]);
  Array<T> y(c.size(), T(0));
  scores.for_rows([&](std::size_t h, std::size_t at, const Array<T>& row) {
    const T lse = logarithm_of_sum(row);
    for (std::size_t j = 0; j < row.size(); ++j)
      add_scaled(y.data() + at * v.columns, v.row(scores.group(h), j), e_to(row[j] - lse), v.columns);
  });
  return y;
}

template <class T>
Array<T> attention_lse(const Call<T>& c) {
  Array<T> y(c.size());
  Scores<T>(c).for_rows(
      [&](std::size_t, std::size_t at, const Array<T>& row) { y[at] = logarithm_of_sum(row); });
  return y;
}

template <class T>
Array<T> attention_dscores(const Call<T>& c) {
  Scores<T> scores(c);
  const Matrices<T> v(c.in[2]), dy(c.in[3]);
  Array<T> y(c.size(), T(0));
  scores.for_rows([&](std::size_t h, std::size_t at, const Array<T>& row) {
    const std::size_t i = at - h * dy.rows;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const T dp = dot(dy.row(h, i), v.row(scores.group(h), j), v.columns);
      y[(h * v.rows + j) * dy.rows + i] = scores.scale() * e_to(row[j] - c.x(4)[at]) * (dp - c.x(5)[at]);
    }
  });
  return y;
}

template <class T>
Array<T> attention_dv(const Call<T>& c) {
  Scores<T> scores(c);
  const Matrices<T> k(c.in[1]), dy(c.in[2]);
  Array<T> y(c.size(), T(0));
  scores.for_rows([&](std::size_t h, std::size_t at, const Array<T>& row) {
    for (std::size_t j = 0; j < row.size(); ++j)
      add_scaled(y.data() + (scores.group(h) * k.rows + j) * dy.columns, dy.row(h, at - h * dy.rows),
                 e_to(row[j] - c.x(3)[at]), dy.columns);
  });
  return y;
}

/// dscores[n, m] with x, over the columns (-> [n, columns of x]) or the rows (-> [m, columns of x]) of
/// dscores; heads of one group are added.
template <class T>
Array<T> scores_product(const Call<T>& c, bool over_columns) {
  const Matrices<T> ds(c.in[0]), x(c.in[1]);
  Array<T> y(c.size(), T(0));
  const std::size_t matrix = (over_columns ? ds.rows : ds.columns) * x.columns, heads = c.size() / matrix;
  for (std::size_t h = 0; h < ds.count; ++h) {
    T* to = y.data() + h / (ds.count / heads) * matrix;
    for (std::size_t j = 0; j < ds.rows; ++j)
      for (std::size_t i = 0; i < ds.columns; ++i)
        add_scaled(to + (over_columns ? j : i) * x.columns,
                   x.row(h / (ds.count / x.count), over_columns ? i : j), ds.row(h, j)[i], x.columns);
  }
  return y;
}
template <class T>
Array<T> attention_dk(const Call<T>& c) {
  return scores_product(c, true);
}
template <class T>
Array<T> attention_dq(const Call<T>& c) {
  return scores_product(c, false);
}

}  // namespace leto::compiler::reference::kernel
