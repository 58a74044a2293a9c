#include "compiler/import/window.h"

#include <algorithm>

namespace leto::compiler::import {
namespace {

/// SAME pads so that the output is ceil(size / stride); the odd pixel goes to the end (UPPER) or the
/// beginning.
void pad_same(const NodeView& node, const Dims& x, Window& w) {
  const std::size_t n = w.kernel.size();
  const bool upper = node.text("auto_pad", "") == "SAME_UPPER";
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t out = (x[i + 2] + w.strides[i] - 1) / w.strides[i];
    const std::int64_t reach = (out - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1;
    const std::int64_t total = std::max<std::int64_t>(0, reach - x[i + 2]);
    w.pads[i] = upper ? total / 2 : total - total / 2;
    w.pads[i + n] = total - w.pads[i];
  }
}

}  // namespace

Window window_of(const NodeView& node, const Dims& x, const Dims& kernel) {
  const std::size_t n = kernel.size();
  if (x.size() < 3 || x.size() != n + 2) {
    node.fail("needs x[n,c,...] and a kernel of as many dimensions as the image");
  }
  Window w{kernel, node.list("strides", Dims(n, 1)), node.list("dilations", Dims(n, 1)),
           node.list("pads", Dims(2 * n, 0))};
  const auto small = [](std::int64_t v) { return v >= 1 && v < (1 << 20); };
  for (const Dims* list : {&w.kernel, &w.strides, &w.dilations}) {
    if (list->size() != n || !std::all_of(list->begin(), list->end(), small)) {
      node.fail("kernel, strides or dilations out of range");
    }
  }
  if (w.pads.size() != 2 * n) {
    node.fail("needs pads for both ends of each dimension");
  }
  if (node.text("auto_pad", "NOTSET").starts_with("SAME")) {
    pad_same(node, x, w);
  }
  return w;
}

Dims extend_for_ceil(const NodeView& node, const Dims& x, Window& w) {
  const std::size_t n = w.kernel.size();
  Dims extra(n, 0);
  for (std::size_t i = 0; i < n && node.integer("ceil_mode", 0) != 0; ++i) {
    const std::int64_t room = x[i + 2] + w.pads[i] + w.pads[i + n] - w.dilations[i] * (w.kernel[i] - 1) - 1;
    const std::int64_t rest = room % w.strides[i];
    extra[i] = room > 0 && rest != 0 ? w.strides[i] - rest : 0;
    w.pads[i + n] += extra[i];
  }
  return extra;
}

}  // namespace leto::compiler::import
