#include "base/errors.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {
namespace {

using Dims = std::vector<std::int64_t>;

Array transpose(const Node& node, const Type& out, const Operand& x) {
  const Dims from = strides_of(x.type.shape);
  Dims strides;
  for (const std::int64_t p : node.list("perm")) {
    strides.push_back(from[static_cast<std::size_t>(p)]);
  }
  Array y(x.data.size());
  for_each(out.shape, strides, 0, [&](std::size_t i, std::size_t offset) { y[i] = x.data[offset]; });
  return y;
}

/// Strides and first offset of the window that `starts` and `steps` cut out of a dense `shape`.
struct Window {
  Dims strides;
  std::int64_t base = 0;
  Window(const Node& node, const Dims& shape) : strides(strides_of(shape)) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      base += node.list("starts")[i] * strides[i];
      strides[i] *= node.list("steps")[i];
    }
  }
};

Array slice(const Node& node, const Type& out, const Operand& x) {
  const Window w(node, x.type.shape);
  Array y(static_cast<std::size_t>(elements(out)));
  for_each(out.shape, w.strides, w.base, [&](std::size_t i, std::size_t offset) { y[i] = x.data[offset]; });
  return y;
}

Array embed(const Node& node, const Type& out, const Operand& x) {
  const Window w(node, out.shape);
  Array y(static_cast<std::size_t>(elements(out)), static_cast<float>(node.number("value")));
  for_each(x.type.shape, w.strides, w.base,
           [&](std::size_t i, std::size_t offset) { y[offset] = x.data[i]; });
  return y;
}

Array concat(const Node& node, const Type& out, const std::vector<Operand>& in) {
  const Dims strides = strides_of(out.shape);
  const auto axis = static_cast<std::size_t>(node.integer("axis"));
  Array y(static_cast<std::size_t>(elements(out)));
  std::int64_t base = 0;
  for (const Operand& x : in) {
    for_each(x.type.shape, strides, base, [&](std::size_t i, std::size_t offset) { y[offset] = x.data[i]; });
    base += x.type.shape[axis] * strides[axis];
  }
  return y;
}

Array expand(const Type& out, const Operand& x) {
  const Dims own = strides_of(x.type.shape);
  Dims strides(out.shape.size(), 0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    strides[strides.size() - own.size() + i] = x.type.shape[i] == 1 ? 0 : own[i];
  }
  Array y(static_cast<std::size_t>(elements(out)));
  for_each(out.shape, strides, 0, [&](std::size_t i, std::size_t offset) { y[i] = x.data[offset]; });
  return y;
}

std::size_t row_index(const Node& node, float index, std::int64_t rows) {
  if (!(index >= 0 && index < static_cast<float>(rows))) {
    throw Error(
        ExitCode::bad_input,
        fmt::format("operation '{}': index {} is outside the table of {} rows", node.name, index, rows),
        "give indices in [0, rows)");
  }
  return static_cast<std::size_t>(index);
}

Array gather(const Node& node, const Type& out, const Operand& table, const Operand& index) {
  const std::size_t width = table.data.size() / static_cast<std::size_t>(table.type.shape[0]);
  Array y;
  y.reserve(static_cast<std::size_t>(elements(out)));
  for (const float i : index.data) {
    const auto row =
        table.data.begin() + static_cast<std::ptrdiff_t>(row_index(node, i, table.type.shape[0]) * width);
    y.insert(y.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
  return y;
}

Array scatter_add(const Node& node, const Type& out, const Operand& x, const Operand& index) {
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  const std::size_t width = y.size() / static_cast<std::size_t>(out.shape[0]);
  for (std::size_t i = 0; i < index.data.size(); ++i) {
    float* row = y.data() + row_index(node, index.data[i], out.shape[0]) * width;
    for (std::size_t c = 0; c < width; ++c) {
      row[c] += x.data[i * width + c];
    }
  }
  return y;
}

/// One-hot rows. A label outside [0, classes) is an error: it would silently give a loss of no class.
Array is_class(const Node& node, const Type& out, const Operand& labels) {
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  const std::int64_t classes = out.shape.back();
  for (std::size_t i = 0; i < labels.data.size(); ++i) {
    y[i * static_cast<std::size_t>(classes) + row_index(node, labels.data[i], classes)] = 1;
  }
  return y;
}

}  // namespace

Array movement(const Node& node, const Type& out, const std::vector<Operand>& in) {
  switch (node.op) {
    case Op::transpose:
      return transpose(node, out, in[0]);
    case Op::slice:
      return slice(node, out, in[0]);
    case Op::embed:
      return embed(node, out, in[0]);
    case Op::concat:
      return concat(node, out, in);
    case Op::expand:
      return expand(out, in[0]);
    case Op::gather:
      return gather(node, out, in[0], in[1]);
    case Op::scatter_add:
      return scatter_add(node, out, in[0], in[1]);
    case Op::is_class:
      return is_class(node, out, in[0]);
    default:
      return in[0].data;  // reshape
  }
}

}  // namespace leto::compiler::reference
