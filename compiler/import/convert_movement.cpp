// Shapes, slices, gathers: what moves elements or only renames them.
#include <algorithm>

#include "base/errors.h"
#include "compiler/import/importer.h"
#include "compiler/import/shapes.h"
#include "compiler/ops.h"

namespace leto::compiler::import {
namespace {

/// Axes as an operand since opset 13, as an attribute before.
Dims axes_argument(Importer& m, const NodeView& node) {
  return node.has_input(1) ? m.integers(node, 1) : node.list("axes", {});
}

/// A known vector.
template <class List>
Tensor vector_of(DType type, const List& list) {
  Tensor t;
  t.data.assign(list.begin(), list.end());
  t.type = Type{type, Dims(1, static_cast<std::int64_t>(t.data.size()))};
  return t;
}

Tensor number_of(DType type, double x) {
  Tensor t;
  t.type.dtype = type;
  t.data.push_back(x);
  return t;
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
  const auto n = static_cast<double>(elements(m.graph().value(m.value(node, 0)).type));
  m.define(node, 0, number_of(DType::int64, n));
}

void reshape(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.reshape(node, x, reshaped(node, m.shape(x), m.integers(node, 1))));
}

void flatten(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims& dims = m.shape(x);
  std::int64_t axis = node.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(dims.size());
  if (axis < -rank || axis > rank) {
    node.fail("axis is out of range");
  }
  axis = axis < 0 ? axis + rank : axis;
  Dims to{1, 1};
  for (std::int64_t i = 0; i < rank; ++i) {
    to[i < axis ? 0 : 1] *= dims[static_cast<std::size_t>(i)];
  }
  m.define(node, 0, m.reshape(node, x, to));
}

void squeeze(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.reshape(node, x, squeezed(node, m.shape(x), axes_argument(m, node))));
}

void unsqueeze(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.reshape(node, x, unsqueezed(node, m.shape(x), axes_argument(m, node))));
}

void transpose(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.emit(node, Op::transpose, {x}, {{"perm", permutation(node, m.shape(x).size())}}));
}

ValueId cut(Importer& m, const NodeView& node, ValueId x, const SliceWindow& w) {
  for (std::size_t d = 0; d < w.sizes.size(); ++d) {
    if (w.steps[d] < 1) {
      node.refuse("a negative step");
    }
    if (w.sizes[d] < 1) {
      node.fail("the slice is empty");
    }
  }
  if (w.sizes == m.shape(x)) {
    return x;
  }
  return m.emit(node, Op::slice, {x}, {{"starts", w.starts}, {"sizes", w.sizes}, {"steps", w.steps}});
}

void slice(Importer& m, const NodeView& node) {
  SliceArguments given;
  if (node.inputs() > 1) {
    given = {m.integers(node, 1), m.integers(node, 2), {}, {}};
    given.axes = node.has_input(3) ? m.integers(node, 3) : Dims{};
    given.steps = node.has_input(4) ? m.integers(node, 4) : Dims{};
  } else {
    given = {node.list("starts", {}), node.list("ends", {}), node.list("axes", {}), {}};
  }
  const ValueId x = m.value(node, 0);
  m.define(node, 0, cut(m, node, x, slice_window(node, m.shape(x), given)));
}

/// Parts of a split: given, or as equal as the number of outputs allows.
Dims parts_of(Importer& m, const NodeView& node, std::int64_t size) {
  Dims parts = node.has_input(1) ? m.integers(node, 1) : node.list("split", {});
  const auto n = static_cast<std::int64_t>(node.outputs());
  if (parts.empty()) {
    if (n == 0 || size % n != 0) {
      node.fail(fmt::format("{} does not split into {} equal parts", size, n));
    }
    parts.assign(node.outputs(), size / n);
  }
  std::int64_t sum = 0;
  for (const std::int64_t part : parts) {
    if (part < 0 || part > size) {
      node.fail("a part is out of range");
    }
    sum += part;
  }
  if (parts.size() != node.outputs() || sum != size) {
    node.fail("the parts do not add up");
  }
  return parts;
}

void split(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  const Dims parts = parts_of(m, node, dims[axis]);
  SliceWindow w{Dims(dims.size(), 0), dims, Dims(dims.size(), 1)};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    w.sizes[axis] = parts[i];
    m.define(node, i, cut(m, node, x, w));
    w.starts[axis] += parts[i];
  }
}

void concat(Importer& m, const NodeView& node) {
  std::vector<ValueId> in;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    in.push_back(m.value(node, i));
  }
  if (in.empty()) {
    node.fail("has no operands");
  }
  const std::size_t axis = axis_of(node, node.integer("axis", 0), m.shape(in[0]).size());
  m.define(node, 0, m.emit(node, Op::concat, in, {{"axis", static_cast<std::int64_t>(axis)}}));
}

void expand(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const auto to = broadcast_shapes(m.shape(x), m.integers(node, 1));
  if (!to) {
    node.fail("the shape does not broadcast");
  }
  m.define(node, 0, *to == m.shape(x) ? x : m.emit(node, Op::expand, {x}, {{"shape", *to}}));
}

// Known indices in an arithmetic progression are a slice; a scalar index also drops the dimension.
std::optional<SliceWindow> as_slice(const NodeView& node, const Dims& dims, std::size_t axis,
                                    const Tensor& index) {
  Dims at = integers(index, node);
  for (std::int64_t& i : at) {
    i += i < 0 ? dims[axis] : 0;
    if (i < 0 || i >= dims[axis]) {
      node.fail("an index is out of range");
    }
  }
  SliceWindow w{Dims(dims.size(), 0), dims, Dims(dims.size(), 1)};
  const std::int64_t step = at.size() > 1 ? at[1] - at[0] : 1;
  for (std::size_t i = 1; i < at.size(); ++i) {
    if (at[i] - at[i - 1] != step || step < 1) {
      return std::nullopt;
    }
  }
  if (at.empty()) {
    return std::nullopt;
  }
  w.starts[axis] = at[0];
  w.sizes[axis] = static_cast<std::int64_t>(at.size());
  w.steps[axis] = step;
  return w;
}

void gather(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  if (const Tensor* index = m.known(node, 1)) {
    if (const auto window = as_slice(node, dims, axis, *index)) {
      Dims to(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis));
      to.insert(to.end(), index->type.shape.begin(), index->type.shape.end());
      to.insert(to.end(), dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end());
      return m.define(node, 0, m.reshape(node, cut(m, node, x, *window), to));
    }
  }
  if (axis != 0) {
    node.refuse("an axis other than 0 with these indices");
  }
  const ValueId index = m.value(node, 1);
  m.limit_indices(index, dims[0]);
  m.define(node, 0, m.emit(node, Op::gather, {x, index}));
}

void pad(Importer& m, const NodeView& node) {
  const Tensor* fill = m.known(node, 2);
  if (node.text("mode", "constant") != "constant" || node.has_input(3) || (node.has_input(2) && !fill)) {
    node.refuse("padding other than with a known constant on every axis");
  }
  const ValueId x = m.value(node, 0);
  Dims to = m.shape(x);
  const Dims pads = node.has_input(1) ? m.integers(node, 1) : node.list("pads", {});
  if (pads.size() != 2 * to.size() ||
      std::any_of(pads.begin(), pads.end(), [](auto p) { return p < 0 || p > (1 << 30); })) {
    node.refuse("these pads");
  }
  Dims starts;
  for (std::size_t d = 0; d < to.size(); ++d) {
    starts.push_back(pads[d]);
    to[d] += pads[d] + pads[d + to.size()];
  }
  const double value = fill && !fill->data.empty() ? fill->data[0] : node.number("value", 0);
  m.define(node, 0,
           m.emit(node, Op::embed, {x},
                  {{"shape", to}, {"starts", starts}, {"steps", Dims(to.size(), 1)}, {"value", value}}));
}

}  // namespace

const ConverterTable& movement_converters() {
  static const ConverterTable kTable = {
      {"Constant", constant}, {"Shape", shape},     {"Size", size},           {"Reshape", reshape},
      {"Flatten", flatten},   {"Squeeze", squeeze}, {"Unsqueeze", unsqueeze}, {"Transpose", transpose},
      {"Slice", slice},       {"Split", split},     {"Concat", concat},       {"Expand", expand},
      {"Gather", gather},     {"Pad", pad},
  };
  return kTable;
}

}  // namespace leto::compiler::import
