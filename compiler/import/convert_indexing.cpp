// Reading and writing by index, order and choice. Everything by index comes down to gather and scatter_add of
// rows: the flat row number is computed from the indices.
#include <algorithm>
#include <optional>

#include "base/errors.h"
#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::import {
namespace {

/// Known positions, counted from the front.
Dims positions(const NodeView& node, const Tensor& index, std::int64_t size) {
  Dims at = integers(index, node);
  for (std::int64_t& i : at) {
    i += i < 0 ? size : 0;
    if (i < 0 || i >= size) {
      node.fail("an index is out of range");
    }
  }
  return at;
}

// Known indices are taken (a slice where they are one). Others are rows of the axis moved to the front; they
// must not be negative, since a table of a million rows is nothing to compute two masks for.
void gather(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = m.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  const Dims index_shape = m.shape(m.value(node, 1));
  Dims to(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis));
  to.insert(to.end(), index_shape.begin(), index_shape.end());
  to.insert(to.end(), dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end());
  if (const Tensor* index = m.known(node, 1)) {
    return e.define(0, e.reshape(e.take(x, axis, positions(node, *index, dims[axis])), to));
  }
  const ValueId index = m.value(node, 1);
  m.limit_indices(index, dims[axis]);
  if (axis == 0) {
    return e.define(0, e.rows(x, index));
  }
  Dims front = progression(0, static_cast<std::int64_t>(dims.size()));
  std::rotate(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(axis),
              front.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  const ValueId rows = e.rows(e.transpose(x, front), e.reshape(index, {product(index_shape)}));
  Dims back = progression(0, static_cast<std::int64_t>(dims.size()));
  std::rotate(back.begin(), back.begin() + 1, back.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  e.define(0, e.reshape(e.transpose(rows, back), to));
}

/// For each element of `index`, the flat position in a tensor of shape `dims` that has the element's own
/// coordinates but for `axis`, where it has the index.
ValueId flat_positions(Emitter& e, ValueId index, const Dims& dims, std::size_t axis) {
  const Dims strides = reference::strides_of(dims), shape = e.shape(index);
  Dims others = strides;
  others[axis] = 0;
  std::vector<double> offset;
  reference::for_each(shape, others, 0,
                      [&](std::size_t, std::size_t at) { offset.push_back(static_cast<double>(at)); });
  const ValueId along = e.times(e.cast(index, DType::int64), static_cast<double>(strides[axis]));
  return e.add(along, e.numbers(DType::int64, shape, std::move(offset)));
}

/// Elements of x at the positions of `index` (not negative) along an axis.
ValueId elements_at(Emitter& e, ValueId x, ValueId index, std::size_t axis) {
  const ValueId flat = flat_positions(e, index, e.shape(x), axis);
  const ValueId rows = e.rows(e.reshape(x, {product(e.shape(x)), 1}), flat);
  return e.reshape(rows, e.shape(index));
}

void check_same_rank(const Emitter& e, const NodeView& node, ValueId x, ValueId index) {
  if (e.rank(x) != e.rank(index) || e.rank(x) == 0) {
    node.fail("the indices need as many dimensions as the data");
  }
}

void gather_elements(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0), index = m.value(node, 1);
  check_same_rank(e, node, x, index);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), e.rank(x));
  const ValueId at = e.wrapped(index, e.scalar(static_cast<double>(e.shape(x)[axis])));
  e.define(0, elements_at(e, x, at, axis));
}

enum class Writing { replace, add };

Writing writing_of(const NodeView& node) {
  const std::string how = node.text("reduction", "none");
  if (how != "none" && how != "add") {
    node.refuse(fmt::format("the reduction '{}'", how));
  }
  return how == "add" ? Writing::add : Writing::replace;
}

/// x[rows, ...] with rows of `updates` written, or added, at the flat index.
ValueId written(Emitter& e, ValueId x, ValueId index, ValueId updates, Writing how) {
  const std::int64_t rows = e.shape(x)[0];
  const ValueId sums = e.cast(e.op(Op::scatter_add, {updates, index}, {{"rows", rows}}), e.dtype(x));
  if (how == Writing::add) {
    return e.add(x, sums);
  }
  Dims one(e.rank(x), 1);
  one[0] = product(e.shape(index));
  const ValueId ones = e.numbers(DType::fp32, one, std::vector<double>(static_cast<std::size_t>(one[0]), 1));
  const ValueId hits = e.op(Op::scatter_add, {ones, e.reshape(index, {one[0]})}, {{"rows", rows}});
  return e.select(e.test(Op::gt, {hits, e.scalar(0)}), sums, x);
}

void scatter_elements(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0), index = m.value(node, 1), updates = m.value(node, 2);
  check_same_rank(e, node, x, index);
  const Dims dims = e.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  const ValueId at = e.wrapped(index, e.scalar(static_cast<double>(dims[axis])));
  const std::int64_t n = product(e.shape(index));
  const ValueId flat = e.reshape(flat_positions(e, at, dims, axis), {n});
  const ValueId y =
      written(e, e.reshape(x, {product(dims), 1}), flat, e.reshape(updates, {n, 1}), writing_of(node));
  e.define(0, e.reshape(y, dims));
}

/// Indices [..., k] into the first dimensions of x (after `batch` shared ones) as flat row numbers [...], and
/// x as a table of those rows.
struct Addressed {
  ValueId table, rows;
};
Addressed addressed(Emitter& e, const NodeView& node, ValueId x, ValueId index, std::size_t batch) {
  const Dims dims = e.shape(x), index_shape = e.shape(index);
  const auto k = static_cast<std::size_t>(index_shape.empty() ? 0 : index_shape.back());
  const std::size_t depth = batch + k;
  if (k < 1 || depth > dims.size() || index_shape.size() <= batch) {
    node.fail("the indices do not fit the data");
  }
  const Dims strides =
      reference::strides_of(Dims(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(depth)));
  const auto inner = [&](const Dims& from) {
    return e.integers(Dims(from.begin() + static_cast<std::ptrdiff_t>(batch),
                           from.begin() + static_cast<std::ptrdiff_t>(depth)));
  };
  const ValueId at = e.wrapped(e.cast(index, DType::int64), inner(dims));
  Dims to(index_shape.begin(), index_shape.end() - 1);
  ValueId rows = e.reshape(e.sum_last(e.mul(at, inner(strides))), to);
  if (batch > 0) {
    const std::int64_t items = product(dims, 0, batch), stride = strides[batch - 1];
    Dims each(to.size(), 1);
    std::copy_n(dims.begin(), batch, each.begin());
    const Dims bases = progression(0, items, stride);
    rows = e.add(rows, e.numbers(DType::int64, each, {bases.begin(), bases.end()}));
  }
  Dims table{product(dims, 0, depth)};
  table.insert(table.end(), dims.begin() + static_cast<std::ptrdiff_t>(depth), dims.end());
  return {e.reshape(x, table), rows};
}

void gather_nd(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const std::int64_t batch = node.integer("batch_dims", 0);
  if (batch < 0 || batch > 8) {
    node.fail("'batch_dims' is out of range");
  }
  const Addressed a = addressed(e, node, m.value(node, 0), m.value(node, 1), static_cast<std::size_t>(batch));
  e.define(0, e.rows(a.table, a.rows));
}

void scatter_nd(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = e.shape(x);
  const Addressed a = addressed(e, node, x, m.value(node, 1), 0);
  const std::int64_t n = product(e.shape(a.rows));
  Dims updates = e.shape(a.table);
  updates[0] = n;
  const ValueId y =
      written(e, a.table, e.reshape(a.rows, {n}), e.reshape(m.value(node, 2), updates), writing_of(node));
  e.define(0, e.reshape(y, dims));
}

void compress(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  ValueId x = m.value(node, 0);
  if (!node.has("axis")) {
    x = e.reshape(x, {product(e.shape(x))});
  }
  const std::size_t axis = axis_of(node, node.integer("axis", 0), e.rank(x));
  const Tensor& keep = m.required(node, 1);
  Dims at;
  for (std::size_t i = 0; i < keep.data.size(); ++i) {
    if (keep.data[i] != 0) {
      at.push_back(static_cast<std::int64_t>(i));
    }
  }
  if (!at.empty() && at.back() >= e.shape(x)[axis]) {
    node.fail("the condition is longer than the axis");
  }
  e.define(0, e.take(x, axis, at));
}

// An index out of range gives a row of nothing but "off": compared with each position rather than looked up.
void one_hot(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const Tensor& given = m.required(node, 1);
  if (given.data.size() != 1 || !(given.data[0] >= 1 && given.data[0] < (1 << 26))) {
    node.fail("the depth must be one number of 1 or more");
  }
  const auto depth = static_cast<std::int64_t>(given.data[0]);
  const ValueId index = m.value(node, 0), values = m.value(node, 2);
  Dims column = e.shape(index);
  column.push_back(1);
  const std::size_t axis = axis_of(node, node.integer("axis", -1), column.size());
  const ValueId at = e.reshape(e.wrapped(index, e.scalar(static_cast<double>(depth))), column);
  const ValueId hot = e.test(Op::eq, {at, e.integers(progression(0, depth))});
  const auto value = [&](std::int64_t i) { return e.reshape(e.slice(values, 0, i, 1), {}); };
  e.define(0, e.axis_back(e.select(hot, value(1), value(0)), axis));
}

template <bool kMax>
void arg_extremum(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = e.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), dims.size());
  const ValueId rows = e.axis_last(kMax ? x : e.neg(x), axis);
  const ValueId at = e.op(Op::arg_max, {rows}, {{"last", node.integer("select_last_index", 0)}});
  Dims to = dims;
  to[axis] = 1;
  if (node.integer("keepdims", 1) == 0) {
    to.erase(to.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  e.define(0, e.reshape(at, to));
}

void top_k(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const std::size_t axis = axis_of(node, node.integer("axis", -1), e.rank(x));
  const Dims count = node.has_input(1) ? m.integers(node, 1) : Dims{node.integer("k", 0)};
  if (count.size() != 1) {
    node.fail("k must be one number");
  }
  const std::int64_t smallest = node.integer("largest", 1) == 0 ? 1 : 0;
  const ValueId rows = e.axis_last(x, axis);
  const ValueId at = e.op(Op::order, {rows}, {{"k", count[0]}, {"smallest", smallest}});
  e.define(0, e.axis_back(elements_at(e, rows, at, e.rank(rows) - 1), axis));
  e.define(1, e.axis_back(at, axis));
}

/// 1 at the first maximum of each row, else 0.
void hardmax(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0);
  const Dims dims = e.shape(x);
  const std::size_t axis = axis_of(node, node.integer("axis", m.opset() < 13 ? 1 : -1), dims.size());
  const ValueId rows = m.opset() < 13
                           ? e.reshape(x, {product(dims, 0, axis), product(dims, axis, dims.size())})
                           : e.axis_last(x, axis);
  Dims single = e.shape(rows);
  const std::int64_t classes = single.back();
  single.pop_back();
  const ValueId at = e.reshape(e.op(Op::arg_max, {rows}), single);
  const ValueId hot = e.typed(Op::is_class, e.dtype(x), {at}, {{"classes", classes}});
  e.define(0, m.opset() < 13 ? e.reshape(hot, dims) : e.axis_back(hot, axis));
}

/// What the pool that made the indices saw: its extent undone.
Dims unpooled(const NodeView& node, const Dims& in) {
  const Dims kernel = node.list("kernel_shape", {});
  const std::size_t n = kernel.size();
  const Dims strides = node.list("strides", Dims(n, 1)), pads = node.list("pads", Dims(2 * n, 0));
  if (in.size() != n + 2 || strides.size() != n || pads.size() != 2 * n) {
    node.fail("kernel, strides or pads do not fit the image");
  }
  Dims out{in[0], in[1]};
  for (std::size_t d = 0; d < n; ++d) {
    out.push_back((in[d + 2] - 1) * strides[d] - pads[d] - pads[d + n] + kernel[d]);
  }
  return out;
}

// The indices count in the image that the pool saw; an output of another shape only has room around it.
void max_unpool(Importer& m, const NodeView& node) {
  Emitter e(m, node);
  const ValueId x = m.value(node, 0), index = m.value(node, 1);
  const Dims out = unpooled(node, e.shape(x));
  const Dims to = node.has_input(2) ? m.integers(node, 2) : out;
  const std::int64_t n = product(e.shape(x));
  const ValueId flat =
      e.op(Op::scatter_add, {e.reshape(x, {n, 1}), e.reshape(index, {n})}, {{"rows", product(out)}});
  ValueId y = e.reshape(e.cast(flat, e.dtype(x)), out);
  if (to != out) {
    Dims after = to;
    for (std::size_t d = 0; d < out.size(); ++d) {
      after[d] = to.size() == out.size() ? to[d] - out[d] : -1;
      if (after[d] < 0) {
        node.fail("the output is smaller than the image that was pooled");
      }
    }
    y = e.pad(y, Dims(out.size(), 0), after, 0);
  }
  e.define(0, y);
}

}  // namespace

const OperatorTable& indexing_operators() {
  static const OperatorTable kTable = {
      {"Gather", 6, gather, "known indices: slice or gather; else gather, of indices that are not negative"},
      {"GatherElements", 11, gather_elements, "gather"},
      {"GatherND", 11, gather_nd, "gather"},
      {"ScatterElements", 11, scatter_elements, "scatter_add, select; replaces or adds"},
      {"Scatter", 9, scatter_elements, "scatter_add, select"},
      {"ScatterND", 11, scatter_nd, "scatter_add, select; replaces or adds"},
      {"Compress", 9, compress, "gather; known condition"},
      {"OneHot", 9, one_hot, "eq, select; known depth"},
      {"ArgMax", 6, arg_extremum<true>, "arg_max"},
      {"ArgMin", 6, arg_extremum<false>, "neg, arg_max"},
      {"TopK", 6, top_k, "order, gather; known k"},
      {"Hardmax", 6, hardmax, "arg_max, is_class"},
      {"MaxUnpool", 9, max_unpool, "scatter_add"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
