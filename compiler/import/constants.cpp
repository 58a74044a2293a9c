#include "compiler/import/constants.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include "base/errors.h"
#include "compiler/import/shapes.h"
#include "compiler/ops.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::import {
namespace {

using Inputs = std::vector<const Tensor*>;
using Binary = double (*)(double, double);
using Unary = double (*)(double);

constexpr std::int64_t kMaxFolded = std::int64_t{1} << 26;

const Tensor& operand(const NodeView& node, const Inputs& in, std::size_t i) {
  if (i >= in.size() || !in[i]) {
    node.fail(fmt::format("operand {} is missing", i));
  }
  return *in[i];
}

std::size_t bounded(const NodeView& node, const Dims& shape) {
  const std::int64_t n = checked_elements(shape, node.name());
  if (n > kMaxFolded) {
    node.refuse(fmt::format("a constant of {} elements", n));
  }
  return static_cast<std::size_t>(n);
}

/// The operand's numbers broadcast to `shape`.
std::vector<double> spread(const NodeView& node, const Tensor& x, const Dims& shape) {
  const Dims own = reference::strides_of(x.type.shape);
  Dims strides(shape.size(), 0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    strides[shape.size() - own.size() + i] = x.type.shape[i] == 1 ? 0 : own[i];
  }
  std::vector<double> out(bounded(node, shape));
  reference::for_each(shape, strides, 0, [&](std::size_t i, std::size_t at) { out[i] = x.data[at]; });
  return out;
}

Dims common_shape(const NodeView& node, const Tensor& a, const Tensor& b) {
  const auto shape = broadcast_shapes(a.type.shape, b.type.shape);
  if (!shape) {
    node.fail("operands do not broadcast");
  }
  return *shape;
}

// What the result's type rounds away: integers truncate, floats round to nearest even.
double stored(DType type, double x) {
  if (!is_float(type)) return std::trunc(x);
  const auto wide = static_cast<float>(x);
  if (type == DType::bf16) return double(float_from_bf16(bf16_from_float(wide)));
  return type == DType::fp16 ? double(float_from_fp16(fp16_from_float(wide))) : double(wide);
}

const std::map<std::string, Binary>& binaries() {
  static const std::map<std::string, Binary> kTable = {
      {"Add", [](double a, double b) { return a + b; }},
      {"Sub", [](double a, double b) { return a - b; }},
      {"Mul", [](double a, double b) { return a * b; }},
      {"Div", [](double a, double b) { return a / b; }},
      {"Mod", [](double a, double b) { return a - b * std::floor(a / b); }},
      {"Pow", [](double a, double b) { return std::pow(a, b); }},
      {"Min", [](double a, double b) { return std::min(a, b); }},
      {"Max", [](double a, double b) { return std::max(a, b); }},
      {"Equal", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
      {"Greater", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
      {"GreaterOrEqual", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
      {"Less", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
      {"LessOrEqual", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
      {"And", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
      {"Or", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
  };
  return kTable;
}

const std::map<std::string, Unary>& unaries() {
  static const std::map<std::string, Unary> kTable = {
      {"Neg", [](double x) { return -x; }},
      {"Abs", [](double x) { return std::fabs(x); }},
      {"Sqrt", [](double x) { return std::sqrt(x); }},
      {"Exp", [](double x) { return std::exp(x); }},
      {"Log", [](double x) { return std::log(x); }},
      {"Sin", [](double x) { return std::sin(x); }},
      {"Cos", [](double x) { return std::cos(x); }},
      {"Floor", [](double x) { return std::floor(x); }},
      {"Ceil", [](double x) { return std::ceil(x); }},
      {"Reciprocal", [](double x) { return 1 / x; }},
      {"Not", [](double x) { return x == 0 ? 1.0 : 0.0; }},
      {"Identity", [](double x) { return x; }},
  };
  return kTable;
}

bool compares(const std::string& op) {
  return op == "Equal" || op == "Not" || op == "And" || op == "Or" || op.starts_with("Greater") ||
         op.starts_with("Less");
}

Tensor binary(const NodeView& node, const Inputs& in, Binary f) {
  const Tensor &a = operand(node, in, 0), &b = operand(node, in, 1);
  const Dims shape = common_shape(node, a, b);
  Tensor out{{compares(node.op()) ? DType::int8 : a.type.dtype, shape}, spread(node, a, shape)};
  const std::vector<double> right = spread(node, b, shape);
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (!is_float(a.type.dtype) && right[i] == 0 && (node.op() == "Div" || node.op() == "Mod")) {
      node.fail("division by zero");
    }
    out.data[i] = stored(out.type.dtype, f(out.data[i], right[i]));
  }
  return out;
}

Tensor unary(const NodeView& node, const Inputs& in, Unary f) {
  Tensor out = operand(node, in, 0);
  for (double& x : out.data) {
    x = stored(out.type.dtype, f(x));
  }
  return out;
}

Tensor cast(const NodeView& node, const Inputs& in) {
  Tensor out = operand(node, in, 0);
  const auto to = static_cast<int>(node.integer("to", 0));
  out.type.dtype = dtype_of(to, node.name());
  for (double& x : out.data) {
    x = to == onnx::TensorProto::BOOL ? (x != 0 ? 1 : 0) : stored(out.type.dtype, x);
  }
  return out;
}

Tensor where(const NodeView& node, const Inputs& in) {
  const Tensor &mask = operand(node, in, 0), &a = operand(node, in, 1), &b = operand(node, in, 2);
  const Tensor pair{{a.type.dtype, common_shape(node, a, b)}, {}};
  const Dims shape = common_shape(node, mask, pair);
  Tensor out{{a.type.dtype, shape}, spread(node, a, shape)};
  const std::vector<double> choose = spread(node, mask, shape), other = spread(node, b, shape);
  for (std::size_t i = 0; i < other.size(); ++i) {
    out.data[i] = choose[i] != 0 ? out.data[i] : other[i];
  }
  return out;
}

Tensor with_shape(const Tensor& x, Dims shape) {
  return {{x.type.dtype, std::move(shape)}, x.data};
}

Dims integers_of(const NodeView& node, const Inputs& in, std::size_t i) {
  return integers(operand(node, in, i), node);
}

Tensor transpose(const NodeView& node, const Inputs& in) {
  const Tensor& x = operand(node, in, 0);
  const Dims perm = permutation(node, x.type.shape.size());
  const Dims own = reference::strides_of(x.type.shape);
  Tensor out{{x.type.dtype, {}}, std::vector<double>(x.data.size())};
  Dims strides;
  for (const std::int64_t p : perm) {
    out.type.shape.push_back(x.type.shape[static_cast<std::size_t>(p)]);
    strides.push_back(own[static_cast<std::size_t>(p)]);
  }
  reference::for_each(out.type.shape, strides, 0,
                      [&](std::size_t i, std::size_t at) { out.data[i] = x.data[at]; });
  return out;
}

Tensor concat(const NodeView& node, const Inputs& in) {
  Tensor out = operand(node, in, 0);
  const std::size_t axis = axis_of(node, node.integer("axis", 0), out.type.shape.size());
  for (std::size_t i = 1; i < in.size(); ++i) {
    const Dims& shape = operand(node, in, i).type.shape;
    if (shape.size() != out.type.shape.size()) {
      node.fail("operands differ in rank");
    }
    out.type.shape[axis] += shape[axis];
  }
  out.data.assign(bounded(node, out.type.shape), 0);
  const Dims strides = reference::strides_of(out.type.shape);
  std::int64_t base = 0;
  for (const Tensor* x : in) {
    for (std::size_t d = 0; d < strides.size(); ++d) {
      if (d != axis && x->type.shape[d] != out.type.shape[d]) {
        node.fail("operands differ off the axis");
      }
    }
    reference::for_each(x->type.shape, strides, base,
                        [&](std::size_t i, std::size_t at) { out.data[at] = x->data[i]; });
    base += x->type.shape[axis] * strides[axis];
  }
  return out;
}

// Steps may be negative here, where nothing but a constant is read.
Tensor slice(const NodeView& node, const Inputs& in) {
  const Tensor& x = operand(node, in, 0);
  SliceArguments given;
  if (in.size() > 1) {
    given.starts = integers_of(node, in, 1);
    given.ends = integers_of(node, in, 2);
    given.axes = in.size() > 3 && in[3] ? integers_of(node, in, 3) : Dims{};
    given.steps = in.size() > 4 && in[4] ? integers_of(node, in, 4) : Dims{};
  } else {
    given = {node.list("starts", {}), node.list("ends", {}), node.list("axes", {}), {}};
  }
  const SliceWindow w = slice_window(node, x.type.shape, given);
  Dims strides = reference::strides_of(x.type.shape);
  std::int64_t base = 0;
  for (std::size_t d = 0; d < strides.size(); ++d) {
    base += w.starts[d] * strides[d];
    strides[d] *= w.steps[d];
  }
  Tensor out{{x.type.dtype, w.sizes}, std::vector<double>(bounded(node, w.sizes))};
  reference::for_each(w.sizes, strides, base,
                      [&](std::size_t i, std::size_t at) { out.data[i] = x.data[at]; });
  return out;
}

Tensor gather(const NodeView& node, const Inputs& in) {
  const Tensor &x = operand(node, in, 0), &index = operand(node, in, 1);
  const Dims& shape = x.type.shape;
  const std::size_t axis = axis_of(node, node.integer("axis", 0), shape.size());
  const auto cut = shape.begin() + static_cast<std::ptrdiff_t>(axis);
  Tensor out{{x.type.dtype, Dims(shape.begin(), cut)}, {}};
  out.type.shape.insert(out.type.shape.end(), index.type.shape.begin(), index.type.shape.end());
  out.type.shape.insert(out.type.shape.end(), cut + 1, shape.end());
  bounded(node, out.type.shape);
  const std::int64_t outer = checked_elements(Dims(shape.begin(), cut), node.name());
  const std::int64_t inner = checked_elements(Dims(cut + 1, shape.end()), node.name());
  const Dims rows = integers(index, node);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t i : rows) {
      const std::int64_t row = i < 0 ? i + shape[axis] : i;
      if (row < 0 || row >= shape[axis]) {
        node.fail("an index is out of range");
      }
      const auto from = x.data.begin() + (o * shape[axis] + row) * inner;
      out.data.insert(out.data.end(), from, from + inner);
    }
  }
  return out;
}

Tensor expand(const NodeView& node, const Inputs& in) {
  const Tensor& x = operand(node, in, 0);
  const Tensor target{{x.type.dtype, integers_of(node, in, 1)}, {}};
  const Dims shape = common_shape(node, x, target);
  return {{x.type.dtype, shape}, spread(node, x, shape)};
}

Tensor range(const NodeView& node, const Inputs& in) {
  const Tensor& first = operand(node, in, 0);
  double limits[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const Tensor& x = operand(node, in, i);
    if (x.data.size() != 1) {
      node.fail("operands must be scalars");
    }
    limits[i] = x.data[0];
  }
  const double count = std::max(0.0, std::ceil((limits[1] - limits[0]) / limits[2]));
  if (!(count <= static_cast<double>(kMaxFolded))) {
    node.fail("the range is too long");
  }
  Tensor out{{first.type.dtype, {static_cast<std::int64_t>(count)}},
             std::vector<double>(static_cast<std::size_t>(count))};
  for (std::size_t i = 0; i < out.data.size(); ++i) {
    out.data[i] = limits[0] + static_cast<double>(i) * limits[2];
  }
  return out;
}

Tensor constant_of_shape(const NodeView& node, const Inputs& in) {
  const auto* value = node.find("value");
  Tensor fill = value ? read_tensor(value->t(), node.name()) : Tensor{};
  if (!value) {
    fill.data.push_back(0);
  }
  if (fill.data.size() != 1) {
    node.fail("'value' must be one number");
  }
  const Dims shape = integers_of(node, in, 0);
  return {{fill.type.dtype, shape}, std::vector<double>(bounded(node, shape), fill.data[0])};
}

Tensor trilu(const NodeView& node, const Inputs& in) {
  Tensor out = operand(node, in, 0);
  const Dims& shape = out.type.shape;
  if (shape.size() < 2) {
    node.fail("needs at least two dimensions");
  }
  const Dims diagonal = in.size() > 1 && in[1] ? integers_of(node, in, 1) : Dims{0};
  if (diagonal.size() != 1) {
    node.fail("the diagonal must be one number");
  }
  const std::int64_t k = diagonal[0];
  const std::int64_t columns = shape.back(), rows = shape[shape.size() - 2];
  const bool upper = node.integer("upper", 1) != 0;
  for (std::size_t i = 0; i < out.data.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t r = at / columns % rows, c = at % columns;
    if (upper ? c - r < k : c - r > k) {
      out.data[i] = 0;
    }
  }
  return out;
}

using Folder = std::function<Tensor(const NodeView&, const Inputs&)>;

const std::map<std::string, Folder>& folders() {
  static const std::map<std::string, Folder> kTable = {
      {"Cast", cast},
      {"Where", where},
      {"Transpose", transpose},
      {"Concat", concat},
      {"Slice", slice},
      {"Gather", gather},
      {"Expand", expand},
      {"Range", range},
      {"ConstantOfShape", constant_of_shape},
      {"Trilu", trilu},
      {"Reshape",
       [](const NodeView& n, const Inputs& in) {
         const Tensor& x = operand(n, in, 0);
         return with_shape(x, reshaped(n, x.type.shape, integers_of(n, in, 1)));
       }},
      {"Unsqueeze",
       [](const NodeView& n, const Inputs& in) {
         const Tensor& x = operand(n, in, 0);
         return with_shape(
             x, unsqueezed(n, x.type.shape, in.size() > 1 ? integers_of(n, in, 1) : n.list("axes", {})));
       }},
      {"Squeeze",
       [](const NodeView& n, const Inputs& in) {
         const Tensor& x = operand(n, in, 0);
         return with_shape(
             x, squeezed(n, x.type.shape, in.size() > 1 ? integers_of(n, in, 1) : n.list("axes", {})));
       }},
  };
  return kTable;
}

}  // namespace

std::optional<Tensor> fold(const NodeView& node, const Inputs& in) {
  if (const auto it = binaries().find(node.op()); it != binaries().end() && in.size() == 2) {
    return binary(node, in, it->second);
  }
  if (const auto it = unaries().find(node.op()); it != unaries().end()) {
    return unary(node, in, it->second);
  }
  if (const auto it = folders().find(node.op()); it != folders().end()) {
    return it->second(node, in);
  }
  return std::nullopt;
}

}  // namespace leto::compiler::import
