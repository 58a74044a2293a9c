// Images of another size. Every interpolation is linear in the image and works axis by axis, so that a resize
// is a product with known weights for each axis (a choice of pixels where each output reads one).
#include <algorithm>
#include <cmath>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// One axis of a resize.
struct Axis {
  std::int64_t in, out;
  double scale;
  double roi_start = 0, roi_end = 1;
};

struct Settings {
  std::string mode, coordinates, nearest;
  double cubic;
  bool exclude_outside;
};

/// Where output position i lies on the input's axis.
double coordinate(const Settings& s, const Axis& a, std::int64_t i) {
  const auto x = static_cast<double>(i), in = static_cast<double>(a.in), out = static_cast<double>(a.out);
  if (s.coordinates == "asymmetric") {
    return x / a.scale;
  }
  if (s.coordinates == "align_corners") {
    return out == 1 ? 0 : x * (in - 1) / (in * a.scale - 1);
  }
  if (s.coordinates == "tf_half_pixel_for_nn") {
    return (x + 0.5) / a.scale;
  }
  if (s.coordinates == "pytorch_half_pixel" && out <= 1) {
    return 0;
  }
  if (s.coordinates == "tf_crop_and_resize") {
    const double start = a.roi_start * (in - 1), end = a.roi_end * (in - 1);
    return out > 1 ? start + x * (end - start) / (out - 1) : 0.5 * (start + end);
  }
  return (x + 0.5) / a.scale - 0.5;
}

std::int64_t nearest_pixel(const Settings& s, double x) {
  if (s.nearest == "floor") {
    return static_cast<std::int64_t>(std::floor(x));
  }
  if (s.nearest == "ceil") {
    return static_cast<std::int64_t>(std::ceil(x));
  }
  return static_cast<std::int64_t>(s.nearest == "round_prefer_ceil" ? std::floor(x + 0.5)
                                                                    : std::ceil(x - 0.5));
}

/// Weights of the pixels floor(x) + first, … for a point that lies `t` behind floor(x).
std::vector<double> taps(const Settings& s, double t) {
  if (s.mode == "linear") {
    return {1 - t, t};
  }
  const double a = s.cubic;  // the cubic convolution kernel of Keys
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

/// The weights [out, in] of one axis.
std::vector<double> weights_of(const Settings& s, const Axis& a) {
  std::vector<double> w(static_cast<std::size_t>(a.out * a.in), 0);
  for (std::int64_t i = 0; i < a.out; ++i) {
    const double x = coordinate(s, a, i), base = std::floor(x);
    std::vector<double> tap = taps(s, x - base);
    const std::int64_t first = static_cast<std::int64_t>(base) - (tap.size() == 4 ? 1 : 0);
    double sum = 0;
    for (std::size_t k = 0; k < tap.size(); ++k) {
      const std::int64_t at = first + static_cast<std::int64_t>(k);
      if (s.exclude_outside && (at < 0 || at >= a.in)) {
        tap[k] = 0;
      }
      sum += tap[k];
    }
    for (std::size_t k = 0; k < tap.size(); ++k) {
      const std::int64_t at = std::clamp<std::int64_t>(first + static_cast<std::int64_t>(k), 0, a.in - 1);
      w[static_cast<std::size_t>(i * a.in + at)] += s.exclude_outside ? tap[k] / sum : tap[k];
    }
  }
  return w;
}

ValueId resized(Emitter& e, ValueId x, std::size_t d, const Settings& s, const Axis& a) {
  if (s.mode != "nearest") {
    return e.along(x, d, e.numbers(e.dtype(x), {a.out, a.in}, weights_of(s, a)));
  }
  Dims at;
  for (std::int64_t i = 0; i < a.out; ++i) {
    at.push_back(std::clamp<std::int64_t>(nearest_pixel(s, coordinate(s, a, i)), 0, a.in - 1));
  }
  return e.take(x, d, at);
}

/// 1 where the output lies within the input, along one axis.
std::vector<double> inside(const Settings& s, const Axis& a) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < a.out; ++i) {
    const double x = coordinate(s, a, i);
    out.push_back(x >= 0 && x <= static_cast<double>(a.in - 1) ? 1 : 0);
  }
  return out;
}

/// Outputs that lie outside of the image have a value of their own.
ValueId extrapolated(Emitter& e, const NodeView& node, ValueId y, const Settings& s,
                     const std::vector<Axis>& axes) {
  ValueId truth = e.numbers(DType::int8, {}, {1});
  for (std::size_t d = 0; d < axes.size(); ++d) {
    Dims along(axes.size(), 1);
    along[d] = axes[d].out;
    truth = e.mul(truth, e.numbers(DType::int8, along, inside(s, axes[d])));
  }
  return e.select(truth, y, e.numbers(e.dtype(y), {}, {node.number("extrapolation_value", 0)}));
}

/// Operand i if it is there and holds something.
std::vector<double> optional_numbers(Importer& m, const NodeView& node, std::size_t i) {
  return node.has_input(i) && product(m.shape(m.value(node, i))) > 0 ? m.required(node, i).data
                                                                     : std::vector<double>();
}

std::vector<Axis> axes_of_resize(const NodeView& node, const Dims& in, const std::vector<double>& scales,
                                 const std::vector<double>& sizes, const std::vector<double>& roi) {
  const std::size_t rank = in.size();
  if ((scales.size() != rank && sizes.size() != rank) || (!roi.empty() && roi.size() != 2 * rank)) {
    node.fail("needs a scale or a size for each dimension");
  }
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < rank; ++d) {
    const auto size = static_cast<double>(in[d]);
    const double out = sizes.empty() ? std::floor(size * scales[d]) : sizes[d];
    if (!(out >= 1 && out < (1 << 20))) {
      node.fail("an output size is out of range");
    }
    Axis a{in[d], static_cast<std::int64_t>(out), sizes.empty() ? scales[d] : out / size};
    if (!roi.empty()) {
      a.roi_start = roi[d];
      a.roi_end = roi[d + rank];
    }
    axes.push_back(a);
  }
  return axes;
}

void run(Importer& m, const NodeView& node, const Settings& s, const std::vector<Axis>& axes) {
  Emitter e(m, node);
  ValueId y = m.value(node, 0);
  const bool crops = s.coordinates == "tf_crop_and_resize";
  for (std::size_t d = 0; d < axes.size(); ++d) {
    const bool stays = axes[d].in == axes[d].out && axes[d].scale == 1 &&
                       !(crops && (axes[d].roi_start != 0 || axes[d].roi_end != 1));
    y = stays ? y : resized(e, y, d, s, axes[d]);
  }
  e.define(0, crops ? extrapolated(e, node, y, s, axes) : y);
}

void resize(Importer& m, const NodeView& node) {
  const bool first_version = m.opset() < 11;  // scales alone, as Upsample
  Settings s{node.text("mode", "nearest"),
             node.text("coordinate_transformation_mode", first_version ? "asymmetric" : "half_pixel"),
             node.text("nearest_mode", first_version ? "floor" : "round_prefer_floor"),
             node.number("cubic_coeff_a", -0.75), node.integer("exclude_outside", 0) != 0};
  const Dims in = m.shape(m.value(node, 0));
  const auto roi = first_version ? std::vector<double>() : optional_numbers(m, node, 1);
  const auto scales = optional_numbers(m, node, first_version ? 1 : 2),
             sizes = first_version ? std::vector<double>() : optional_numbers(m, node, 3);
  const bool crops = s.coordinates == "tf_crop_and_resize";
  run(m, node, s, axes_of_resize(node, in, scales, sizes, crops ? roi : std::vector<double>()));
}

void upsample(Importer& m, const NodeView& node) {
  if (m.opset() > 9) {
    node.refuse("an operator that ONNX dropped with opset 10");
  }
  const Dims in = m.shape(m.value(node, 0));
  std::vector<double> scales;
  if (node.has_input(1)) {
    scales = m.required(node, 1).data;
  } else if (const auto* list = node.find("scales")) {
    scales.assign(list->floats().begin(), list->floats().end());
  }
  const Settings s{node.text("mode", "nearest"), "asymmetric", "floor", -0.75, false};
  run(m, node, s, axes_of_resize(node, in, scales, {}, {}));
}

}  // namespace

const OperatorTable& resampling_operators() {
  static const OperatorTable kTable = {
      {"Resize", 10, resize, "matmul with known weights an axis, or slice and gather; known scales or sizes"},
      {"Upsample", 7, upsample, "as Resize; up to opset 9"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
