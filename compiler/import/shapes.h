// ONNX's conventions for axes and shapes (negative axes, 0 and -1 in Reshape, open slices), resolved.
// Everything here throws Error(bad_input) naming the node when the numbers do not fit.
#pragma once

#include "compiler/import/tensor.h"

namespace leto::compiler::import {

/// A constant's numbers as integers.
Dims integers(const Tensor& x, const NodeView& node);

/// An axis in [-rank, rank) counted from the front.
std::size_t axis_of(const NodeView& node, std::int64_t axis, std::size_t rank);
/// The same for several, ascending and without duplicates.
Dims axes_of(const NodeView& node, const Dims& axes, std::size_t rank);
/// Axes of the image of x[n, c, ...].
Dims image_axes(const NodeView& node, std::size_t rank);
/// Transpose's `perm`, reversed dimensions by default.
Dims permutation(const NodeView& node, std::size_t rank);

/// Reshape's target: 0 copies a size (unless allowzero), -1 is what remains.
Dims reshaped(const NodeView& node, const Dims& from, const Dims& target);
Dims unsqueezed(const NodeView& node, const Dims& from, const Dims& axes);
/// No axes = every dimension of size 1.
Dims squeezed(const NodeView& node, const Dims& from, const Dims& axes);

struct SliceArguments {
  Dims starts, ends, axes, steps;  // axes and steps may be empty
};
struct SliceWindow {
  Dims starts, sizes, steps;  // one a dimension; steps may be negative
};
SliceWindow slice_window(const NodeView& node, const Dims& shape, const SliceArguments& given);

}  // namespace leto::compiler::import
