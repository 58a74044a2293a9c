#include "compiler/import/shapes.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"

namespace leto::compiler::import {

Dims integers(const Tensor& x, const NodeView& node) {
  Dims out;
  for (const double v : x.data) {
    // Exporters write INT64_MAX for "to the end": clamp what a double cannot turn back.
    if (!(v >= -9.3e18 && v <= 9.3e18)) {
      node.fail("a size is not a number");
    }
    out.push_back(v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN + 1 : static_cast<std::int64_t>(v));
  }
  return out;
}

std::size_t axis_of(const NodeView& node, std::int64_t axis, std::size_t rank) {
  const auto r = static_cast<std::int64_t>(rank);
  if (axis < -r || axis >= r) {
    node.fail(fmt::format("axis {} is out of range for {} dimensions", axis, rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + r : axis);
}

Dims axes_of(const NodeView& node, const Dims& axes, std::size_t rank) {
  Dims out;
  for (const std::int64_t axis : axes) {
    out.push_back(static_cast<std::int64_t>(axis_of(node, axis, rank)));
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) {
    node.fail("an axis is given twice");
  }
  return out;
}

Dims image_axes(const NodeView& node, std::size_t rank) {
  if (rank < 3) {
    node.fail("needs at least three dimensions");
  }
  Dims out(rank - 2);
  std::iota(out.begin(), out.end(), 2);
  return out;
}

Dims permutation(const NodeView& node, std::size_t rank) {
  Dims reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const Dims perm = node.list("perm", reversed);
  Dims sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  std::reverse(reversed.begin(), reversed.end());
  if (sorted != reversed) {
    node.fail("'perm' is not a permutation of the dimensions");
  }
  return perm;
}

Dims reshaped(const NodeView& node, const Dims& from, const Dims& target) {
  const std::int64_t total = checked_elements(from, node.name());
  Dims out = target;
  std::int64_t known = 1, open = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && node.integer("allowzero", 0) == 0) {
      out[i] = i < from.size() ? from[i] : -2;
    }
    if (out[i] == -1 && open < 0) {
      open = static_cast<std::int64_t>(i);
    } else if (out[i] < 0 || (out[i] > 0 && known > (std::int64_t{1} << 40) / out[i])) {
      node.fail(fmt::format("cannot reshape to [{}]", fmt::join(target, ",")));
    } else {
      known *= out[i];
    }
  }
  if (open >= 0) {
    out[static_cast<std::size_t>(open)] = known > 0 ? total / known : 0;
    known *= out[static_cast<std::size_t>(open)];
  }
  if (known != total) {
    node.fail(fmt::format("cannot reshape [{}] to [{}]", fmt::join(from, ","), fmt::join(target, ",")));
  }
  return out;
}

Dims unsqueezed(const NodeView& node, const Dims& from, const Dims& axes) {
  Dims out = from;
  for (const std::int64_t axis : axes_of(node, axes, from.size() + axes.size())) {
    out.insert(out.begin() + axis, 1);
  }
  return out;
}

Dims squeezed(const NodeView& node, const Dims& from, const Dims& axes) {
  const Dims drop = axes_of(node, axes, from.size());
  Dims out;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool named = std::binary_search(drop.begin(), drop.end(), static_cast<std::int64_t>(i));
    if (named && from[i] != 1) {
      node.fail("only dimensions of size 1 can be squeezed");
    }
    if (!(named || (axes.empty() && from[i] == 1))) {
      out.push_back(from[i]);
    }
  }
  return out;
}

namespace {

/// One dimension of a slice: ONNX counts negative positions from the end and clamps.
void slice_dimension(const NodeView& node, std::int64_t size, std::int64_t start, std::int64_t end,
                     std::int64_t step, SliceWindow& out, std::size_t d) {
  if (step == 0 || step == INT64_MIN) {
    node.fail("a step of this size is not possible");
  }
  if (size == 0) {
    return;
  }
  const auto resolved = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  if (step > 0) {
    start = resolved(start, 0, size);
    end = resolved(end, 0, size);
    out.sizes[d] = end > start ? (end - start - 1) / step + 1 : 0;
  } else {
    start = resolved(start, 0, size - 1);
    end = resolved(end, -1, size - 1);
    out.sizes[d] = start > end ? (start - end - 1) / -step + 1 : 0;
  }
  out.starts[d] = start;
  out.steps[d] = out.sizes[d] > 1 ? step : 1;  // of a single element any, however large
}

}  // namespace

SliceWindow slice_window(const NodeView& node, const Dims& shape, const SliceArguments& given) {
  SliceWindow out{Dims(shape.size(), 0), shape, Dims(shape.size(), 1)};
  const std::size_t n = given.starts.size();
  if (given.ends.size() != n || (!given.axes.empty() && given.axes.size() != n) ||
      (!given.steps.empty() && given.steps.size() != n) || n > shape.size()) {
    node.fail("starts, ends, axes and steps differ in number");
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t d = given.axes.empty() ? i : axis_of(node, given.axes[i], shape.size());
    slice_dimension(node, shape[d], given.starts[i], given.ends[i], given.steps.empty() ? 1 : given.steps[i],
                    out, d);
  }
  return out;
}

}  // namespace leto::compiler::import
