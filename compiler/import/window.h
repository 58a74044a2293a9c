// ONNX's conventions for windows over images (kernel, strides, dilations, pads, auto_pad), resolved.
#pragma once

#include "compiler/import/tensor.h"

namespace leto::compiler::import {

struct Window {
  Dims kernel, strides, dilations, pads;  // pads: all beginnings, then all ends
};

/// The window of a convolution or a pool over x[n,c,...]; Error(bad_input) when its numbers do not fit.
Window window_of(const NodeView& node, const Dims& x, const Dims& kernel);

/// Makes room at the ends for the windows that ceil_mode counts: how far each end was extended.
Dims extend_for_ceil(const NodeView& node, const Dims& x, Window& window);

}  // namespace leto::compiler::import
