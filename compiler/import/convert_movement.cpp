// What moves elements or only renames them.
#include <algorithm>

#include "base/errors.h"
#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"
#include "compiler/ops.h"

namespace leto::compiler::import {
namespace {

/// Axes as an operand since opset 13, as an attribute before.
Dims axes_argument(Importer& m, const NodeView& node) {
  return node.has_input(1) ? m.integers(node, 1) : node.list("axes", {});
}

void reshape(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  m.define(node, 0, m.reshape(node, x, reshaped(node, m.shape(x), m.integers(node, 1))));
}

void flatten(Importer& m, const NodeView& node) {
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  std::int64_t axis = node.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(dims.size());
  if (axis < -rank || axis > rank) {
    node.fail("axis is out of range");
  }
  const auto cut = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  m.define(node, 0, m.reshape(node, x, {product(dims, 0, cut), product(dims, cut, dims.size())}));
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

/// A window with steps of 1 or more is one slice; other axes are taken position by position.
ValueId cut(Emitter& e, ValueId x, SliceWindow w) {
  for (std::size_t d = 0; d < w.sizes.size(); ++d) {
    if (w.steps[d] < 1 || w.sizes[d] < 1) {
      x = e.take(x, d, progression(w.starts[d], w.sizes[d], w.steps[d]));
      w.starts[d] = 0;
      w.steps[d] = 1;
    }
  }
  const bool empty = std::find(w.sizes.begin(), w.sizes.end(), 0) != w.sizes.end();
  if (w.sizes == e.shape(x) || empty) {
    return empty ? e.reshape(x, w.sizes) : x;
  }
  return e.op(Op::slice, {x}, {{"starts", w.starts}, {"sizes", w.sizes}, {"steps", w.steps}});
}

void slice(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  SliceArguments given;
  if (node.inputs() > 1) {
    given = {m.integers(node, 1), m.integers(node, 2), {}, {}};
    given.axes = node.has_input(3) ? m.integers(node, 3) : Dims{};
    given.steps = node.has_input(4) ? m.integers(node, 4) : Dims{};
  } else {
    given = {node.list("starts", {}), node.list("ends", {}), node.list("axes", {}), {}};
  }
  const ValueId x = m.value(node, 0);
  e.define(0, cut(e, x, slice_window(node, m.shape(x), given)));
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
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  const Dims parts = parts_of(m, node, dims[axis]);
  SliceWindow w{Dims(dims.size(), 0), dims, Dims(dims.size(), 1)};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    w.sizes[axis] = parts[i];
    e.define(i, cut(e, x, w));
    w.starts[axis] += parts[i];
  }
}

void concat(Importer& m, const NodeView& node) {
  std::vector<ValueId> all, parts;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    all.push_back(m.value(node, i));
  }
  std::copy_if(all.begin(), all.end(), std::back_inserter(parts),
               [&](ValueId id) { return product(m.shape(id)) != 0; });
  if (all.empty()) {
    node.fail("has no operands");
  }
  const std::size_t axis =
      axis_of(node, node.integer("axis", m.opset() < 11 ? 1 : 0), m.shape(all[0]).size());
  m.define(
      node, 0,
      m.emit(node, Op::concat, parts.empty() ? all : parts, {{"axis", static_cast<std::int64_t>(axis)}}));
}

void expand(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const auto to = broadcast_shapes(m.shape(x), m.integers(node, 1));
  if (!to) {
    node.fail("the shape does not broadcast");
  }
  e.define(0, e.expand(x, *to));
}

// One axis after the other: [before, size, after] to [before, times, size * after].
void tile(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  ValueId x = m.value(node, 0);
  const Dims times = m.integers(node, 1);
  Dims to = m.shape(x);
  if (times.size() != to.size() || std::any_of(times.begin(), times.end(), [](auto t) { return t < 0; })) {
    node.fail("needs a number of repetitions for each dimension");
  }
  for (std::size_t d = 0; d < to.size(); ++d) {
    if (times[d] != 1) {
      const std::int64_t before = product(to, 0, d), after = product(to, d, to.size());
      x = e.expand(e.reshape(x, {before, 1, after}), {before, times[d], after});
      if (times[d] > (std::int64_t{1} << 40)) {
        node.fail("too many repetitions");
      }
      to[d] *= times[d];
      x = e.reshape(x, to);
    }
  }
  e.define(0, x);
}

std::int64_t block_size(const NodeView& node, const Dims& dims) {
  const std::int64_t block = node.integer("blocksize", 0);
  if (dims.size() != 4 || block < 1 || block > (1 << 20)) {
    node.fail("needs x[n,c,h,w] and a block size of 1 or more");
  }
  return block;
}

void depth_to_space(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims d = m.shape(x);
  const std::int64_t b = block_size(node, d), c = d[1] / (b * b);
  const bool columns_first = node.text("mode", "DCR") == "CRD";
  const ValueId blocks = columns_first
                             ? e.transpose(e.reshape(x, {d[0], c, b, b, d[2], d[3]}), {0, 1, 4, 2, 5, 3})
                             : e.transpose(e.reshape(x, {d[0], b, b, c, d[2], d[3]}), {0, 3, 4, 1, 5, 2});
  e.define(0, e.reshape(blocks, {d[0], c, d[2] * b, d[3] * b}));
}

void space_to_depth(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims d = m.shape(x);
  const std::int64_t b = block_size(node, d);
  const ValueId blocks = e.reshape(x, {d[0], d[1], d[2] / b, b, d[3] / b, b});
  e.define(0, e.reshape(e.transpose(blocks, {0, 3, 5, 1, 2, 4}), {d[0], d[1] * b * b, d[2] / b, d[3] / b}));
}

/// Where position i of a padded axis reads from: mirrored at the ends, or the nearest end.
std::int64_t source_of(std::int64_t i, std::int64_t size, bool mirror) {
  if (!mirror || size == 1) {
    return std::clamp<std::int64_t>(i, 0, size - 1);
  }
  const std::int64_t period = 2 * (size - 1), at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

/// Negative pads cut.
ValueId cropped(Emitter& e, ValueId x, Dims& before, Dims& after) {
  for (std::size_t d = 0; d < before.size(); ++d) {
    const std::int64_t first = std::max<std::int64_t>(0, -before[d]),
                       last = std::max<std::int64_t>(0, -after[d]);
    x = e.slice(x, d, first, e.shape(x)[d] - first - last);
    before[d] = std::max<std::int64_t>(0, before[d]);
    after[d] = std::max<std::int64_t>(0, after[d]);
  }
  return x;
}

void pad(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  ValueId x = m.value(node, 0);
  const std::size_t rank = e.rank(x);
  const Dims pads = node.has_input(1) ? m.integers(node, 1) : node.list("pads", {});
  if (node.has_input(3) || pads.size() != 2 * rank ||
      std::any_of(pads.begin(), pads.end(), [](auto p) { return p < -(1 << 30) || p > (1 << 30); })) {
    node.refuse("a choice of axes, or these pads");
  }
  Dims before(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank)),
      after(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  x = cropped(e, x, before, after);
  const std::string mode = node.text("mode", "constant");
  if (mode == "constant") {
    const double value = node.has_input(2) ? m.required(node, 2).data.at(0) : node.number("value", 0);
    return e.define(0, e.pad(x, before, after, value));
  }
  for (std::size_t d = 0; d < rank; ++d) {
    Dims positions = progression(-before[d], e.shape(x)[d] + before[d] + after[d]);
    for (std::int64_t& p : positions) {
      p = source_of(p, e.shape(x)[d], mode == "reflect");
    }
    x = e.take(x, d, positions);
  }
  e.define(0, x);
}

// Each sequence of the batch is reversed up to its own length: a permutation of the (time, batch) rows.
void reverse_sequence(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x), lengths = m.integers(node, 1);
  const bool batch_first = node.integer("batch_axis", 1) == 0;
  if (dims.size() < 2 || static_cast<std::int64_t>(lengths.size()) != dims[batch_first ? 0 : 1]) {
    node.fail("needs a length for each sequence");
  }
  Dims from;
  for (std::int64_t i = 0; i < dims[0]; ++i) {
    for (std::int64_t j = 0; j < dims[1]; ++j) {
      const std::int64_t length = lengths[static_cast<std::size_t>(batch_first ? i : j)];
      const std::int64_t time = batch_first ? j : i, source = time < length ? length - 1 - time : time;
      from.push_back(batch_first ? i * dims[1] + source : source * dims[1] + j);
    }
  }
  Dims rows{dims[0] * dims[1]};
  rows.insert(rows.end(), dims.begin() + 2, dims.end());
  e.define(0, e.reshape(e.rows(e.reshape(x, rows), e.integers(from)), dims));
}

}  // namespace

const OperatorTable& movement_operators() {
  static const OperatorTable kTable = {
      {"Reshape", 6, reshape, "reshape to a known shape"},
      {"Flatten", 6, flatten, "reshape"},
      {"Squeeze", 6, squeeze, "reshape"},
      {"Unsqueeze", 6, unsqueeze, "reshape"},
      {"Transpose", 6, transpose, "transpose"},
      {"Slice", 6, slice, "slice; gather for negative steps"},
      {"Split", 6, split, "slice"},
      {"Concat", 6, concat, "concat"},
      {"Expand", 8, expand, "expand to a known shape"},
      {"Tile", 6, tile, "reshape, expand; known repetitions"},
      {"DepthToSpace", 6, depth_to_space, "reshape, transpose"},
      {"SpaceToDepth", 6, space_to_depth, "reshape, transpose"},
      {"Pad", 6, pad, "embed; gather to reflect and for edges; known pads and value"},
      {"ReverseSequence", 10, reverse_sequence, "gather; known lengths"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
