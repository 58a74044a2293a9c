#include "compiler/passes/expand_attention.h"

#include <algorithm>
#include <map>

#include "compiler/lower/attention_plan.h"
#include "compiler/ops.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

class Expander {
 public:
  explicit Expander(Graph& to) : to_(to) {}

  ValueId expand(Builder& b, const Node& node, const std::vector<ValueId>& in, const Type& out) {
    const std::string dtype(name_of(out.dtype));
    switch (node.op) {
      case Op::attention: {
        const RowExponentials e = row_exponentials(b, scores(b, node, in[0], in[1]));
        const ValueId p =
            b.op(Op::mul, {e.exponentials, b.unary(Op::reciprocal, e.sum)}, b.type(in[2]).dtype);
        return product(b, node, p, repeated(b, in[2], in[0]), {{"dtype", dtype}});
      }
      case Op::attention_lse: {
        const RowExponentials e = row_exponentials(b, scores(b, node, in[0], in[1]));
        return b.add(b.unary(Op::log, e.sum), e.max);
      }
      case Op::attention_dscores: {
        const ValueId p = b.unary(Op::exp, b.sub(scores(b, node, in[0], in[1]), in[4]));
        const ValueId dp = product(b, node, in[3], repeated(b, in[2], in[0]),
                                   {{"trans_b", std::int64_t{1}}, {"dtype", std::string("fp32")}});
        const ValueId ds =
            b.op(Op::mul, {b.mul(p, b.sub(dp, in[5])), b.scalar(node.number("scale", 1.0))}, out.dtype);
        return b.swap_last_two(ds);
      }
      case Op::attention_dv: {
        const ValueId lse = in[3], s = scores(b, node, in[0], in[1]);
        const ValueId p = b.op(Op::exp, {b.sub(s, lse)}, b.type(in[2]).dtype);
        return summed(b, product(b, node, p, in[2], {{"trans_a", std::int64_t{1}}, {"dtype", dtype}}), out);
      }
      case Op::attention_dk:
        return summed(b, product(b, node, in[0], in[1], {{"dtype", dtype}}), out);
      default:  // attention_dq
        return product(b, node, in[0], repeated(b, in[1], in[0]),
                       {{"trans_a", std::int64_t{1}}, {"dtype", dtype}});
    }
  }

 private:
  // Of a causal product only the unmasked scores are useful.
  static double useful(const Node& node, std::int64_t rows) {
    return node.integer("causal") == 0 ? 1.0 : double(rows + 1) / double(2 * rows);
  }
  static ValueId product(Builder& b, const Node& node, ValueId x, ValueId y, Builder::Attributes attributes) {
    const Dims& shape = b.shape(x);
    attributes["useful"] = useful(node, std::max(shape.back(), shape[shape.size() - 2]));
    return b.raw(Op::matmul, {x, y}, std::move(attributes));
  }

  ValueId scores(Builder& b, const Node& node, ValueId q, ValueId k) {
    const ValueId s = product(b, node, q, repeated(b, k, q),
                              {{"trans_b", std::int64_t{1}}, {"dtype", std::string("fp32")}});
    const ValueId scaled = b.mul(s, node.number("scale", 1.0));
    return node.integer("causal") == 0 ? scaled : b.add(scaled, mask(b.shape(scaled).back()));
  }

  ValueId mask(std::int64_t n) {
    const auto [it, first] = masks_.try_emplace(n, -1);
    if (first) {
      std::vector<float> data(static_cast<std::size_t>(n * n), 0.0F);
      for (std::int64_t i = 0; i < n; ++i)
        std::fill(data.begin() + i * n + i + 1, data.begin() + (i + 1) * n, kMaskedScore);
      it->second = to_.constant("causal_mask", {DType::fp32, {n, n}}, std::move(data));
    }
    return it->second;
  }

  // k or v with as many heads as `like`.
  static ValueId repeated(Builder& b, ValueId x, ValueId like) {
    const Dims shape = b.shape(x);
    const std::size_t head = shape.size() - 3;
    const std::int64_t heads = b.shape(like)[head], group = heads / shape[head];
    if (group == 1) return x;
    Dims split = shape, merged = shape;
    split.insert(split.begin() + std::ptrdiff_t(head) + 1, 1);
    const ValueId apart = b.reshape(x, split);
    split[head + 1] = group;
    merged[head] = heads;
    return b.reshape(b.expand(apart, split), merged);
  }

  // The heads of a group added up.
  static ValueId summed(Builder& b, ValueId x, const Type& out) {
    const Dims shape = b.shape(x);
    const std::size_t head = shape.size() - 3;
    if (shape == out.shape) return x;
    Dims split = shape;
    split[head] = out.shape[head];
    split.insert(split.begin() + std::ptrdiff_t(head) + 1, shape[head] / out.shape[head]);
    const ValueId sum = b.reduce(Op::reduce_sum, b.reshape(x, split), {std::int64_t(head) + 1});
    return b.reshape(b.op(Op::cast, {sum}, out.dtype), out.shape);
  }

  Graph& to_;
  std::map<std::int64_t, ValueId> masks_;
};

}  // namespace

Graph expand_attention(const Graph& graph, const ChipConfig& chip) {
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) { return is_attention(n.op); }))
    return graph;
  const bool fused = attention_fits(graph, chip);
  if (fused) return graph;
  Rewriter rewriter(graph);
  Expander expander(rewriter.to());
  for (const Node& node : graph.nodes) {
    if (!is_attention(node.op)) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, node.name);
    rewriter.replace(node.output,
                     expander.expand(b, node, rewriter.mapped(node.inputs), graph.value(node.output).type));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
