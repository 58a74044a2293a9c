// Attention and its gradients from their formulas, a head and a row at a time.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {
namespace {

/// An operand as matrices, one a head of its own.
struct Matrices {
  explicit Matrices(const Operand& x)
      : data(x.data.data()),
        rows(static_cast<std::size_t>(x.type.shape[x.type.shape.size() - 2])),
        columns(static_cast<std::size_t>(x.type.shape.back())),
        count(x.data.size() / (rows * columns)) {}
  const float* row(std::size_t matrix, std::size_t r) const { return data + (matrix * rows + r) * columns; }

  const float* data;
  std::size_t rows, columns, count;
};

float dot(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(float* to, const float* from, float factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

/// The scores of one row of q: as many as it may see.
class Scores {
 public:
  Scores(const Node& node, const Operand& q, const Operand& k)
      : q_(q),
        k_(k),
        scale_(static_cast<float>(node.number("scale", 1.0))),
        causal_(node.integer("causal") != 0) {}

  std::size_t heads() const { return q_.count; }
  std::size_t rows() const { return q_.rows; }
  /// The head of k and v that head `h` of q reads.
  std::size_t group(std::size_t h) const { return h / (q_.count / k_.count); }

  const Array& of(std::size_t h, std::size_t i) {
    row_.resize(causal_ ? i + 1 : k_.rows);
    for (std::size_t j = 0; j < row_.size(); ++j)
      row_[j] = scale_ * dot(q_.row(h, i), k_.row(group(h), j), q_.columns);
    return row_;
  }
  float scale() const { return scale_; }

 private:
  Matrices q_, k_;
  float scale_;
  bool causal_;
  Array row_;
};

float logarithm_of_sum(const Array& scores) {
  const float top = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (float s : scores) sum += exponential(s - top);
  return top + logarithm(sum);
}

Array forward(const Node& node, const Type& out, const std::vector<Operand>& in) {
  Scores scores(node, in[0], in[1]);
  const Matrices v(in[2]);
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  float* to = y.data();
  for (std::size_t h = 0; h < scores.heads(); ++h)
    for (std::size_t i = 0; i < scores.rows(); ++i, to += v.columns) {
      const Array& row = scores.of(h, i);
      const float lse = logarithm_of_sum(row);
      for (std::size_t j = 0; j < row.size(); ++j)
        add_scaled(to, v.row(scores.group(h), j), exponential(row[j] - lse), v.columns);
    }
  return y;
}

Array lse(const Node& node, const std::vector<Operand>& in) {
  Scores scores(node, in[0], in[1]);
  Array y;
  for (std::size_t h = 0; h < scores.heads(); ++h)
    for (std::size_t i = 0; i < scores.rows(); ++i) y.push_back(logarithm_of_sum(scores.of(h, i)));
  return y;
}

Array dscores(const Node& node, const Type& out, const std::vector<Operand>& in) {
  Scores scores(node, in[0], in[1]);
  const Matrices v(in[2]), dy(in[3]);
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  for (std::size_t h = 0; h < scores.heads(); ++h)
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      const std::size_t at = h * scores.rows() + i;
      const Array& row = scores.of(h, i);
      for (std::size_t j = 0; j < row.size(); ++j) {
        const float dp = dot(dy.row(h, i), v.row(scores.group(h), j), v.columns);
        y[(h * v.rows + j) * scores.rows() + i] =
            scores.scale() * exponential(row[j] - in[4].data[at]) * (dp - in[5].data[at]);
      }
    }
  return y;
}

Array dv(const Node& node, const Type& out, const std::vector<Operand>& in) {
  Scores scores(node, in[0], in[1]);
  const Matrices dy(in[2]);
  const auto rows = static_cast<std::size_t>(out.shape[out.shape.size() - 2]);
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  for (std::size_t h = 0; h < scores.heads(); ++h)
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      const Array& row = scores.of(h, i);
      for (std::size_t j = 0; j < row.size(); ++j)
        add_scaled(y.data() + (scores.group(h) * rows + j) * dy.columns, dy.row(h, i),
                   exponential(row[j] - in[3].data[h * scores.rows() + i]), dy.columns);
    }
  return y;
}

// dscores[n, m] q[m, d] -> [n, d], heads of one group added; dscores^T k -> [m, d].
Array scores_product(const Node& node, const Type& out, const std::vector<Operand>& in) {
  const Matrices ds(in[0]), x(in[1]);
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  const auto rows = static_cast<std::size_t>(out.shape[out.shape.size() - 2]);
  const std::size_t heads_out = y.size() / (rows * x.columns);
  const bool dk = node.op == Op::attention_dk;
  for (std::size_t h = 0; h < ds.count; ++h) {
    float* to = y.data() + h / (ds.count / heads_out) * rows * x.columns;
    for (std::size_t j = 0; j < ds.rows; ++j)
      for (std::size_t i = 0; i < ds.columns; ++i)
        add_scaled(to + (dk ? j : i) * x.columns, x.row(h / (ds.count / x.count), dk ? i : j),
                   ds.row(h, j)[i], x.columns);
  }
  return y;
}

}  // namespace

Array attention(const Node& node, const Type& out, const std::vector<Operand>& in) {
  switch (node.op) {
    case Op::attention:
      return forward(node, out, in);
    case Op::attention_lse:
      return lse(node, in);
    case Op::attention_dscores:
      return dscores(node, out, in);
    case Op::attention_dv:
      return dv(node, out, in);
    default:
      return scores_product(node, out, in);
  }
}

}  // namespace leto::compiler::reference
