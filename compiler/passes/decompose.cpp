#include "compiler/passes/decompose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "compiler/gelu.h"
#include "compiler/ops.h"
#include "compiler/passes/decompose_windows.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

bool is_pool(Op op) {
  return op == Op::max_pool || op == Op::average_pool;
}

enum class Which : std::uint8_t { all, pools, convolutions };

ValueId power(Builder& b, ValueId x, float p, DType out) {
  if (p == 2) {
    return b.op(Op::mul, {x, x}, out);
  }
  if (p == 3) {
    return b.op(Op::mul, {b.mul(x, x), x}, out);
  }
  return b.op(p == 1 ? Op::cast : p == 0.5F ? Op::sqrt : Op::reciprocal, {x}, out);
}

ValueId gelu(Builder& b, const Node& node, ValueId x, DType out) {
  ValueId bend;
  if (node.integer("tanh") != 0) {
    const ValueId cube = b.mul(b.mul(x, x), x);
    bend = b.unary(Op::tanh, b.mul(b.add(x, b.mul(cube, kGeluCubic)), kSqrt2OverPi));
  } else {
    bend = b.unary(Op::erf, b.mul(x, kInvSqrt2));
  }
  return b.op(Op::mul, {b.mul(x, 0.5), b.add(bend, 1.0)}, out);
}

ValueId softmax(Builder& b, ValueId x, DType out) {
  const RowExponentials e = row_exponentials(b, x);
  return b.op(Op::mul, {e.exponentials, b.unary(Op::reciprocal, e.sum)}, out);
}

ValueId layernorm(Builder& b, const Node& node, const std::vector<ValueId>& in, DType out) {
  const RowStatistics s = row_statistics(b, in[0], node.number("epsilon", 1e-5));
  const ValueId normal = b.mul(s.centred, s.rstd);
  return b.op(Op::add, {b.mul(normal, in[1]), in[2]}, out);
}

ValueId rmsnorm(Builder& b, const Node& node, const std::vector<ValueId>& in, DType out) {
  const ValueId r = row_inverse_size(b, in[0], node.number("epsilon", 1e-5));
  return b.op(Op::mul, {b.mul(in[0], r), in[1]}, out);
}

// Rows first: they are shared out, what is left of them is one short row.
ValueId mean_of_all(Builder& b, ValueId x) {
  const auto count = static_cast<double>(elements(b.type(x)));
  if (const Dims shape = b.shape(x); shape.size() > 1 && shape.back() > 1) {
    const ValueId rows = b.sum_last(x);
    x = b.reshape(rows, {elements(b.type(rows))});
  }
  Dims axes(b.shape(x).size());
  std::iota(axes.begin(), axes.end(), 0);
  const ValueId sum = axes.empty() ? x : b.reduce(Op::reduce_sum, x, axes);
  return b.reshape(b.mul(sum, 1.0 / count), {});
}

// Row loss = log(sum e^(x - max)) + max - x[label]. The label's score is picked by a one-hot product (exact
// in bf16); from x rather than x - max, so that a fused row keeps one wide intermediate alive, not two.
ValueId cross_entropy(Builder& b, ValueId scores, ValueId labels) {
  const RowExponentials e = row_exponentials(b, scores);
  const ValueId picked = b.sum_last(b.mul(scores, b.one_hot(labels, b.shape(scores)[1])));
  return mean_of_all(b, b.add(b.unary(Op::log, e.sum), b.sub(e.max, picked)));
}

ValueId mse(Builder& b, ValueId x, ValueId y) {
  const ValueId difference = b.sub(x, y);
  return mean_of_all(b, b.mul(difference, difference));
}

// a * (1 / b): a constant divisor is inverted here.
ValueId divide(Builder& b, ValueId x, ValueId y, DType out) {
  const Value& divisor = b.graph().value(y);
  if (divisor.role == Role::constant && divisor.data.size() == 1 && divisor.type.shape.empty()) {
    return b.op(Op::mul, {x, b.scalar(1.0F / divisor.data[0])}, out);
  }
  return b.op(Op::mul, {x, b.unary(Op::reciprocal, y)}, out);
}

/// The runs of neighbouring axes, the last run first.
std::vector<Dims> runs(const Dims& axes) {
  std::vector<Dims> out;
  for (auto it = axes.rbegin(); it != axes.rend(); ++it) {
    if (!out.empty() && out.back().front() == *it + 1) {
      out.back().insert(out.back().begin(), *it);
    } else {
      out.push_back({*it});
    }
  }
  return out;
}

ValueId sum(Builder& b, ValueId x, const Dims& axes, DType out) {
  for (const Dims& run : runs(axes)) {
    x = b.reduce(Op::reduce_sum, x, run);
  }
  return b.type(x).dtype == out ? x : b.op(Op::cast, {x}, out);
}

// The reduced axes go last and become one.
ValueId maximum(Builder& b, ValueId x, const Dims& axes, DType out) {
  const Dims shape = b.shape(x);
  Dims perm, kept_shape = shape;
  std::int64_t reduced = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end()) {
      perm.push_back(static_cast<std::int64_t>(i));
    }
  }
  for (const std::int64_t axis : axes) {
    perm.push_back(axis);
    reduced *= shape[static_cast<std::size_t>(axis)];
    kept_shape[static_cast<std::size_t>(axis)] = 1;
  }
  const ValueId last = b.reshape(b.transpose(x, perm), {elements(b.type(x)) / reduced, reduced});
  return b.reshape(b.op(Op::cast, {b.max_last(last)}, out), kept_shape);
}

bool over_last_axis(const Node& node, const Type& x) {
  const Dims& axes = node.list("axes");
  return axes.size() == 1 && axes[0] + 1 == static_cast<std::int64_t>(x.shape.size());
}

// Of a and b what the mask, 0 or 1, chooses: an infinity or a NaN in the other one stays out of it.
ValueId select(Builder& b, const std::vector<ValueId>& in, DType out) {
  const ValueId mask = b.op(Op::cast, {in[0]});
  const ValueId chosen = b.op(Op::keep, {in[1], mask});
  const ValueId other = b.op(Op::keep, {in[2], b.sub(b.scalar(1), mask)});
  return b.op(Op::add, {chosen, other}, out);
}

// No number differs from itself.
ValueId is_nan(Builder& b, ValueId x, DType out) {
  return b.op(Op::sub, {b.scalar(1), b.op(Op::eq, {x, x})}, out);
}

ValueId is_inf(Builder& b, ValueId x, DType out) {
  return b.op(Op::gt, {b.unary(Op::abs, x), b.scalar(std::numeric_limits<float>::max())}, out);
}

// Each place that holds the maximum bids a number, the wanted one the highest: the row's first place its
// length, or with `last` its last place.
ValueId arg_max(Builder& b, const Node& node, ValueId x, DType out) {
  const std::int64_t columns = b.shape(x).back();
  const bool last = node.integer("last") != 0;
  std::vector<float> bids(static_cast<std::size_t>(columns));
  std::iota(bids.begin(), bids.end(), 1.0F);
  if (!last) {
    std::reverse(bids.begin(), bids.end());
  }
  const ValueId bid = b.graph().constant("bids", Type{DType::fp32, {columns}}, std::move(bids));
  const ValueId highest = b.max_last(b.mul(b.op(Op::eq, {x, b.max_last(x)}), bid));
  return last ? b.op(Op::sub, {highest, b.scalar(1)}, out)
              : b.op(Op::sub, {b.scalar(static_cast<double>(columns)), highest}, out);
}

class Decomposer {
 public:
  Decomposer(const Graph& graph, Which which) : rewriter_(graph), which_(which) {}
  Graph run();
  /// The new value of an old one.
  ValueId operator[](ValueId old) const { return rewriter_[old]; }

 private:
  bool stays(const Node& node) const;
  ValueId lower(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out);

  Rewriter rewriter_;
  Which which_;
};

bool Decomposer::stays(const Node& node) const {
  if (which_ != Which::all) {
    return which_ == Which::pools ? !is_pool(node.op) : node.op != Op::conv;
  }
  if (node.op == Op::reduce_sum || node.op == Op::reduce_max) {
    return over_last_axis(node, rewriter_.from().value(node.inputs[0]).type) ||
           (node.op == Op::reduce_sum && runs(node.list("axes")).size() == 1) || node.list("axes").empty();
  }
  return !is_composite(rewriter_.from(), node);
}

ValueId Decomposer::lower(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
  switch (node.op) {
    case Op::div:
      return divide(b, in[0], in[1], out.dtype);
    case Op::select:
      return select(b, in, out.dtype);
    case Op::is_nan:
      return is_nan(b, in[0], out.dtype);
    case Op::is_inf:
      return is_inf(b, in[0], out.dtype);
    case Op::arg_max:
      return arg_max(b, node, in[0], out.dtype);
    case Op::pow:
      return power(b, in[0], b.graph().value(in[1]).data[0], out.dtype);
    case Op::gelu:
      return gelu(b, node, in[0], out.dtype);
    case Op::silu:
      return b.op(Op::mul, {in[0], b.unary(Op::sigmoid, in[0])}, out.dtype);
    case Op::rmsnorm:
      return rmsnorm(b, node, in, out.dtype);
    case Op::softmax:
      return softmax(b, in[0], out.dtype);
    case Op::layernorm:
      return layernorm(b, node, in, out.dtype);
    case Op::cross_entropy:
      return cross_entropy(b, in[0], in[1]);
    case Op::mse:
      return mse(b, in[0], in[1]);
    case Op::reduce_sum:
      return sum(b, in[0], node.list("axes"), out.dtype);
    case Op::reduce_max:
      return maximum(b, in[0], node.list("axes"), out.dtype);
    default:
      return lower_window(b, node, in, out);
  }
}

Graph Decomposer::run() {
  const Graph& from = rewriter_.from();
  for (const Node& node : from.nodes) {
    if (stays(node)) {
      rewriter_.copy(node);
      continue;
    }
    Builder b(rewriter_.to(), node.phase, node.name);
    rewriter_.replace(node.output,
                      lower(b, node, rewriter_.mapped(node.inputs), from.value(node.output).type));
  }
  return rewriter_.finish();
}

}  // namespace

Graph decompose(const Graph& graph) {
  return Decomposer(graph, Which::all).run();
}
Graph decompose_pools(const Graph& graph) {
  return Decomposer(graph, Which::pools).run();
}
Graph decompose_convolutions(const Graph& graph, Gradients& gradients) {
  Decomposer decomposer(graph, Which::convolutions);
  Graph out = decomposer.run();
  for (auto* pairs : {&gradients.of, &gradients.goal}) {
    std::map<ValueId, ValueId> now;
    for (const auto& [key, value] : *pairs) {
      now.emplace(decomposer[key], decomposer[value]);
    }
    *pairs = std::move(now);
  }
  return out;
}

}  // namespace leto::compiler
