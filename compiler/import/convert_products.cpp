// Products of matrices, and what is one: sums along an axis with known weights, Einstein's notation.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/errors.h"
#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

// A vector counts as one row on the left, as one column on the right; that dimension is dropped from the
// result.
void matmul(Importer& m, const NodeView& node) {
  ValueId a = m.value(node, 0), b = m.value(node, 1);
  const bool row = m.shape(a).size() == 1, column = m.shape(b).size() == 1;
  if (row) {
    a = m.reshape(node, a, {1, m.shape(a)[0]});
  }
  if (column) {
    b = m.reshape(node, b, {m.shape(b)[0], 1});
  }
  ValueId y = m.emit(node, Op::matmul, {a, b});
  Dims shape = m.shape(y);
  if (column) {
    shape.pop_back();
  }
  if (row) {
    shape.erase(shape.end() - (column ? 1 : 2));
  }
  m.define(node, 0, m.reshape(node, y, shape));
}

ValueId scaled(Emitter& e, ValueId x, double factor) {
  return factor == 1 ? x : e.times(x, factor);
}

void gemm(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  Importer::Attributes attributes;
  if (node.integer("transA", 0) != 0) {
    attributes["trans_a"] = std::int64_t{1};
  }
  if (node.integer("transB", 0) != 0) {
    attributes["trans_b"] = std::int64_t{1};
  }
  const ValueId a = m.value(node, 0), b = m.value(node, 1);
  ValueId y = scaled(e, e.op(Op::matmul, {a, b}, std::move(attributes)), node.number("alpha", 1));
  const double beta = node.number("beta", 1);
  if (node.has_input(2) && beta != 0) {
    y = e.add(y, scaled(e, m.value(node, 2), beta));
  }
  e.define(0, y);
}

// A product with a triangle of ones.
void cumulative_sum(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims axes = m.integers(node, 1);
  if (axes.size() != 1) {
    node.fail("the axis must be one number");
  }
  const std::size_t axis = axis_of(node, axes[0], e.rank(x));
  const std::int64_t n = e.shape(x)[axis];
  const bool exclusive = node.integer("exclusive", 0) != 0, reverse = node.integer("reverse", 0) != 0;
  if (n > (1 << 13)) {
    node.refuse(fmt::format("a sum along {} elements", n));
  }
  std::vector<double> triangle;
  for (std::int64_t j = 0; j < n; ++j) {
    for (std::int64_t i = 0; i < n; ++i) {
      const bool before = reverse ? i > j : i < j;
      triangle.push_back(before || (i == j && !exclusive) ? 1 : 0);
    }
  }
  e.define(0, e.along(x, axis, e.numbers(e.dtype(x), {n, n}, std::move(triangle))));
}

// ---- Einsum: each operand is a value whose dimensions have labels

struct Term {
  std::string labels;
  ValueId value;
};

class Einsum {
 public:
  Einsum(Importer& m, const NodeView& node) : m_(m), node_(node), e_(m, node) { parse(); }
  ValueId run();

 private:
  void parse();
  std::string labels_of(const std::string& text, std::size_t rank);
  Term diagonal(Term term);
  Term without(Term term, const std::string& keep);
  Term multiply(Term a, Term b, const std::string& keep);
  Term arranged(const Term& term, const std::string& order);
  std::string kept_after(std::size_t next) const;
  std::int64_t size(const std::string& labels) const;

  Importer& m_;
  const NodeView& node_;
  Emitter e_;
  std::vector<Term> terms_;
  std::string result_;
  std::map<char, std::int64_t> sizes_;
};

// An ellipsis stands for the dimensions that have no letter: digits, the last one '9'.
std::string Einsum::labels_of(const std::string& text, std::size_t rank) {
  const std::size_t dots = text.find("...");
  if (dots == std::string::npos) {
    return text;
  }
  const std::size_t letters = text.size() - 3;
  std::string hidden;
  for (std::size_t i = rank; i-- > letters;) {
    hidden += static_cast<char>('9' - static_cast<int>(i - letters));
  }
  return text.substr(0, dots) + hidden + text.substr(dots + 3);
}

void Einsum::parse() {
  std::string text = node_.text("equation", "");
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < node_.inputs(); ++i) {
    const std::size_t comma = left.find(',');
    const ValueId x = m_.value(node_, i);
    const std::string own = left.substr(0, comma);
    const std::string labels = labels_of(own, e_.rank(x));
    if (labels.size() != e_.rank(x)) {
      node_.fail("the equation does not fit the operands");
    }
    for (std::size_t d = 0; d < labels.size(); ++d) {
      std::int64_t& size = sizes_.try_emplace(labels[d], 1).first->second;
      const std::int64_t here = e_.shape(x)[d];
      if (size != 1 && here != 1 && size != here) {
        node_.fail(fmt::format("the sizes of '{}' differ", labels[d]));
      }
      size = std::max(size, here);
    }
    hidden = std::max(hidden, own.find("...") == std::string::npos ? 0 : e_.rank(x) + 3 - own.size());
    terms_.push_back({labels, x});
    left = comma == std::string::npos ? "" : left.substr(comma + 1);
  }
  if (terms_.empty()) {
    node_.fail("has no operands");
  }
  if (arrow != std::string::npos) {
    const std::string right = text.substr(arrow + 2);
    result_ =
        labels_of(right, right.find("...") == std::string::npos ? right.size() : right.size() - 3 + hidden);
    return;
  }
  for (const auto& [label, size] : sizes_) {  // without an arrow: the letters that occur once, in order
    std::size_t uses = 0;
    for (const Term& term : terms_) {
      uses += static_cast<std::size_t>(std::count(term.labels.begin(), term.labels.end(), label));
    }
    if (uses == 1 || std::isdigit(static_cast<unsigned char>(label))) {
      result_ += label;
    }
  }
}

std::int64_t Einsum::size(const std::string& labels) const {
  return std::accumulate(labels.begin(), labels.end(), std::int64_t{1},
                         [&](std::int64_t n, char label) { return n * sizes_.at(label); });
}

/// A label that stands twice keeps the elements where both indices are the same.
Term Einsum::diagonal(Term term) {
  for (std::size_t i = 0; i < term.labels.size(); ++i) {
    const std::size_t j = term.labels.find(term.labels[i], i + 1);
    if (j == std::string::npos) {
      continue;
    }
    const std::string label = term.labels.substr(i, 1);
    term.labels.erase(j, 1).erase(i, 1);
    Dims perm{static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)};
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(term.labels.size()) + 2; ++d) {
      if (d != perm[0] && d != perm[1]) {
        perm.push_back(d);
      }
    }
    const ValueId front = e_.transpose(term.value, perm);
    Dims dims = e_.shape(front);
    const std::int64_t n = dims[0];
    dims.erase(dims.begin());
    dims[0] *= n;
    term = diagonal({label + term.labels, e_.take(e_.reshape(front, dims), 0, progression(0, n, n + 1))});
  }
  return term;
}

/// Labels that nobody else needs are summed.
Term Einsum::without(Term term, const std::string& keep) {
  Dims axes, to;
  std::string labels;
  for (std::size_t d = 0; d < term.labels.size(); ++d) {
    if (keep.find(term.labels[d]) == std::string::npos) {
      axes.push_back(static_cast<std::int64_t>(d));
    } else {
      labels += term.labels[d];
      to.push_back(e_.shape(term.value)[d]);
    }
  }
  return axes.empty() ? term : Term{labels, e_.reshape(e_.sum(term.value, axes), to)};
}

/// The term with its dimensions in this order, its missing ones as size 1, broadcast where it has size 1.
Term Einsum::arranged(const Term& term, const std::string& order) {
  Dims perm, to, whole;
  for (const char label : order) {
    const std::size_t d = term.labels.find(label);
    if (d != std::string::npos) {
      perm.push_back(static_cast<std::int64_t>(d));
      to.push_back(e_.shape(term.value)[d]);
      whole.push_back(sizes_.at(label));
    } else {
      to.push_back(1);
      whole.push_back(1);
    }
  }
  return {order, e_.expand(e_.reshape(e_.transpose(term.value, perm), to), whole)};
}

// batch labels are in both and in the result, inner ones in both and not in the result.
Term Einsum::multiply(Term a, Term b, const std::string& keep) {
  a = without(a, keep + b.labels);
  b = without(b, keep + a.labels);
  std::string batch, inner, rows, columns;
  for (const char label : a.labels) {
    const bool both = b.labels.find(label) != std::string::npos, kept = keep.find(label) != std::string::npos;
    (both ? (kept ? batch : inner) : rows) += label;
  }
  for (const char label : b.labels) {
    if (a.labels.find(label) == std::string::npos) {
      columns += label;
    }
  }
  const ValueId left =
      e_.reshape(arranged(a, batch + rows + inner).value, {size(batch), size(rows), size(inner)});
  const ValueId right =
      e_.reshape(arranged(b, batch + inner + columns).value, {size(batch), size(inner), size(columns)});
  Dims to;
  for (const char label : batch + rows + columns) {
    to.push_back(sizes_.at(label));
  }
  return {batch + rows + columns, e_.reshape(e_.op(Op::matmul, {left, right}), to)};
}

/// What the result and the terms from `next` on still need.
std::string Einsum::kept_after(std::size_t next) const {
  std::string keep = result_;
  for (std::size_t i = next; i < terms_.size(); ++i) {
    keep += terms_[i].labels;
  }
  return keep;
}

ValueId Einsum::run() {
  Term y = diagonal(terms_[0]);
  for (std::size_t i = 1; i < terms_.size(); ++i) {
    y = multiply(y, diagonal(terms_[i]), kept_after(i + 1));
  }
  y = without(y, result_);
  for (const char label : result_) {
    if (y.labels.find(label) == std::string::npos) {
      node_.fail(fmt::format("the result's '{}' is in no operand", label));
    }
  }
  return arranged(y, result_).value;
}

void einsum(Importer& m, const NodeView& node) {
  m.define(node, 0, Einsum(m, node).run());
}

// ---- discrete Fourier transforms

/// The transform of one axis of complex numbers [..., 2] as two products: real and imaginary parts by the
/// cosines and sines.
void fourier(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const std::size_t rank = e.rank(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 1), rank);
  const std::int64_t parts = e.shape(x).back();
  if (axis + 1 == rank || parts < 1 || parts > 2) {
    node.fail("needs real numbers [..., 1] or complex ones [..., 2]");
  }
  const std::int64_t n = node.has_input(1) ? m.integers(node, 1).at(0) : e.shape(x)[axis];
  const std::int64_t out = node.integer("onesided", 0) != 0 ? n / 2 + 1 : n;
  if (n != e.shape(x)[axis] || n > (1 << 13)) {
    node.refuse("a transform that pads or cuts, or one of more than 8192 elements");
  }
  const bool inverse = node.integer("inverse", 0) != 0;
  std::vector<double> cosines, sines;
  for (std::int64_t j = 0; j < out; ++j) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double turn = 2 * M_PI * static_cast<double>(i * j % n) / static_cast<double>(n);
      cosines.push_back(std::cos(turn) / static_cast<double>(inverse ? n : 1));
      sines.push_back(std::sin(inverse ? turn : -turn) / static_cast<double>(inverse ? n : 1));
    }
  }
  const ValueId c = e.numbers(e.dtype(x), {out, n}, cosines), s = e.numbers(e.dtype(x), {out, n}, sines);
  const ValueId re = e.slice(x, rank - 1, 0, 1);
  ValueId real = e.along(re, axis, c), imaginary = e.along(re, axis, s);
  if (parts == 2) {
    const ValueId im = e.slice(x, rank - 1, 1, 1);
    real = e.sub(real, e.along(im, axis, s));
    imaginary = e.add(imaginary, e.along(im, axis, c));
  }
  e.define(0, e.concat({real, imaginary}, rank - 1));
}

}  // namespace

const OperatorTable& product_operators() {
  static const OperatorTable kTable = {
      {"MatMul", 6, matmul, "matmul"},
      {"Gemm", 6, gemm, "matmul, mul, add"},
      {"CumSum", 11, cumulative_sum, "matmul; known axis of up to 8192 elements"},
      {"Einsum", 12, einsum, "transpose, reshape, matmul, reduce_sum"},
      {"DFT", 17, fourier, "matmul; up to 8192 elements, no padding"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
