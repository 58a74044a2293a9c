// What is known at import whatever the operands hold: constants, shapes, ranges, masks, tables.
#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

constexpr double kMaxLength = 1 << 26;

/// A known vector.
template <class List>
Tensor vector_of(DType type, const List& list) {
  Tensor t;
  t.data.assign(list.begin(), list.end());
  t.type = Type{type, Dims(1, static_cast<std::int64_t>(t.data.size()))};
  return t;
}

Tensor number_of(DType type, double x) {
  return {Type{type, {}}, {x}};
}

void constant(Importer& m, const NodeView& node) {
  if (const auto* value = node.find("value")) {
    return m.define(node, 0, read_tensor(value->t(), fmt::format("constant '{}'", node.name())));
  }
  if (node.has("value_float")) {
    return m.define(node, 0, number_of(DType::fp32, node.number("value_float", 0)));
  }
  if (node.has("value_int")) {
    return m.define(node, 0, number_of(DType::int64, static_cast<double>(node.integer("value_int", 0))));
  }
  if (const auto* floats = node.find("value_floats")) {
    return m.define(node, 0, vector_of(DType::fp32, floats->floats()));
  }
  if (const auto* ints = node.find("value_ints")) {
    return m.define(node, 0, vector_of(DType::int64, ints->ints()));
  }
  node.refuse("a sparse or string constant");
}

void shape(Importer& m, const NodeView& node) {
  const Dims dims = m.shape(m.value(node, 0));
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto resolved = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t begin = resolved(node.integer("start", 0));
  const std::int64_t end = std::max(begin, resolved(node.integer("end", rank)));
  m.define(node, 0, vector_of(DType::int64, Dims(dims.begin() + begin, dims.begin() + end)));
}

void size(Importer& m, const NodeView& node) {
  m.define(node, 0, number_of(DType::int64, static_cast<double>(product(m.shape(m.value(node, 0))))));
}

void range(Importer& m, const NodeView& node) {
  double limits[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const Tensor& x = m.required(node, i);
    if (x.data.size() != 1) {
      node.fail("operands must be scalars");
    }
    limits[i] = x.data[0];
  }
  const double count = std::max(0.0, std::ceil((limits[1] - limits[0]) / limits[2]));
  if (!(count <= kMaxLength)) {
    node.fail("the range is too long");
  }
  Tensor out{{m.required(node, 0).type.dtype, {static_cast<std::int64_t>(count)}}, {}};
  for (std::int64_t i = 0; i < out.type.shape[0]; ++i) {
    out.data.push_back(limits[0] + static_cast<double>(i) * limits[2]);
  }
  m.define(node, 0, std::move(out));
}

void constant_of_shape(Importer& m, const NodeView& node) {
  const auto* value = node.find("value");
  Tensor fill = value ? read_tensor(value->t(), node.name()) : number_of(DType::fp32, 0);
  if (fill.data.size() != 1) {
    node.fail("'value' must be one number");
  }
  const Dims dims = m.integers(node, 0);
  const std::int64_t n = checked_elements(dims, node.name());
  if (static_cast<double>(n) > kMaxLength) {
    node.refuse(fmt::format("a constant of {} elements", n));
  }
  m.define(node, 0,
           {{fill.type.dtype, dims}, std::vector<double>(static_cast<std::size_t>(n), fill.data[0])});
}

/// A known diagonal: one number.
std::int64_t diagonal_of(Importer& m, const NodeView& node) {
  const Dims diagonal = node.has_input(1) ? m.integers(node, 1) : Dims{0};
  if (diagonal.size() != 1) {
    node.fail("the diagonal must be one number");
  }
  return diagonal[0];
}

// x or 0: where nothing is known x * mask, since the chip has no choice element by element.
void trilu(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = e.shape(x);
  if (dims.size() < 2) {
    node.fail("needs at least two dimensions");
  }
  const std::int64_t k = diagonal_of(m, node);
  const bool upper = node.integer("upper", 1) != 0;
  const std::int64_t rows = dims[dims.size() - 2], columns = dims.back();
  const auto kept = [&](std::int64_t r, std::int64_t c) { return upper ? c - r >= k : c - r <= k; };
  if (const Tensor* numbers = m.known(x)) {
    Tensor out = *numbers;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.data.size()); ++i) {
      if (!kept(i / columns % rows, i % columns)) {
        out.data[static_cast<std::size_t>(i)] = 0;
      }
    }
    return m.define(node, 0, std::move(out));
  }
  std::vector<double> mask;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      mask.push_back(kept(r, c) ? 1 : 0);
    }
  }
  e.define(0, e.mul(x, e.numbers(e.dtype(x), {rows, columns}, std::move(mask))));
}

void eye_like(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  if (dims.size() != 2 || static_cast<double>(product(dims)) > kMaxLength) {
    node.fail("needs a matrix");
  }
  const auto to = static_cast<int>(node.integer("dtype", 0));
  const std::int64_t k = node.integer("k", 0);
  Tensor out{{to == 0 ? m.dtype(x) : dtype_of(to, node.name()), dims}, {}};
  for (std::int64_t r = 0; r < dims[0]; ++r) {
    for (std::int64_t c = 0; c < dims[1]; ++c) {
      out.data.push_back(c - r == k ? 1 : 0);
    }
  }
  m.define(node, 0, std::move(out));
}

/// Sums of cosines over a window of known length: a0 - a1 cos(x) + a2 cos(2x).
void cosine_window(Importer& m, const NodeView& node, double a0, double a1, double a2) {
  const Dims length = m.integers(node, 0);
  if (length.size() != 1 || length[0] < 1 || static_cast<double>(length[0]) > kMaxLength) {
    node.fail("the length must be one number of 1 or more");
  }
  const bool periodic = node.integer("periodic", 1) != 0;
  const double turn =
      2 * M_PI / static_cast<double>(periodic ? length[0] : std::max<std::int64_t>(1, length[0] - 1));
  Tensor out{{dtype_of(static_cast<int>(node.integer("output_datatype", 1)), node.name()), length}, {}};
  for (std::int64_t i = 0; i < length[0]; ++i) {
    const double at = turn * static_cast<double>(i);
    out.data.push_back(a0 - a1 * std::cos(at) + a2 * std::cos(2 * at));
  }
  m.define(node, 0, std::move(out));
}

void hann(Importer& m, const NodeView& node) {
  cosine_window(m, node, 0.5, 0.5, 0);
}
void hamming(Importer& m, const NodeView& node) {
  cosine_window(m, node, 25.0 / 46, 21.0 / 46, 0);
}
void blackman(Importer& m, const NodeView& node) {
  cosine_window(m, node, 0.42, 0.5, 0.08);
}

}  // namespace

const OperatorTable& constant_operators() {
  static const OperatorTable kTable = {
      {"Constant", 6, constant, "a constant; no strings, nothing sparse"},
      {"ConstantOfShape", 9, constant_of_shape, "a constant of a known shape"},
      {"Shape", 6, shape, "a constant"},
      {"Size", 6, size, "a constant"},
      {"Range", 11, range, "a constant with known limits"},
      {"Trilu", 14, trilu, "mul by a constant; known diagonal"},
      {"EyeLike", 9, eye_like, "a constant"},
      {"HannWindow", 17, hann, "a constant of known length"},
      {"HammingWindow", 17, hamming, "a constant of known length"},
      {"BlackmanWindow", 17, blackman, "a constant of known length"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
