#include "compiler/import/patterns.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "compiler/gelu.h"
#include "compiler/import/matcher.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler::import {
namespace {

using Dims = std::vector<std::int64_t>;
using Attributes = std::map<std::string, Attribute>;

/// Appends what a match stands for to the new graph; `in` maps old values to new ones.
using Build = std::function<ValueId(Builder&, const Rewriter& in)>;

/// The composite `op` of old values, in the type that the matched operation had.
Build composite(const Matcher& m, const Node& root, Op op, std::vector<ValueId> inputs,
                Attributes attributes = {}) {
  attributes["dtype"] = std::string(name_of(m.type(root.output).dtype));
  return [=](Builder& b, const Rewriter& in) { return b.raw(op, in.mapped(inputs), attributes); };
}

// ---- activations

/// x when v is 1 + erf(x / sqrt 2); -1 otherwise.
ValueId gelu_bend(const Matcher& m, ValueId v) {
  const Node* sum = m.made_by(v, Op::add);
  const Node* erf =
      sum ? m.made_by(m.other(*sum, [&](ValueId id) { return m.is_number(id, 1); }), Op::erf) : nullptr;
  if (!erf) {
    return -1;
  }
  const Matcher::Product p = m.product(erf->inputs[0]);
  const Node* scaled = m.made_by(erf->inputs[0], Op::mul);
  scaled = scaled ? scaled : m.made_by(erf->inputs[0], Op::div);
  if (!scaled || !near(p.coefficient, kInvSqrt2)) {
    return -1;
  }
  return m.number(scaled->inputs[1])   ? scaled->inputs[0]
         : m.number(scaled->inputs[0]) ? scaled->inputs[1]
                                       : -1;
}

/// Is `u` sqrt(2 / pi) (x + 0.044715 x^3), as a sum or as a product?
bool is_tanh_argument(const Matcher& m, ValueId u, ValueId x) {
  const Matcher::Product p = m.product(u, x);
  const auto sum_of = [&](ValueId v, auto first, double coefficient, const std::vector<ValueId>& powers) {
    const Node* sum = m.made_by(v, Op::add);
    const ValueId rest = sum ? m.other(*sum, first) : -1;
    return rest >= 0 && m.product(rest, x).is(coefficient, powers);
  };
  if (!near(p.coefficient, kSqrt2OverPi)) {
    return false;
  }
  if (p.factors.size() == 1) {
    return sum_of(p.factors[0], [&](ValueId id) { return id == x; }, kGeluCubic, {x, x, x});
  }
  const bool two = p.factors.size() == 2 && (p.factors[0] == x || p.factors[1] == x);
  return two && sum_of(p.factors[p.factors[0] == x ? 1 : 0], [&](ValueId id) { return m.is_number(id, 1); },
                       kGeluCubic, {x, x});
}

/// The operand of the tanh when v is 1 + tanh(u); -1 otherwise.
ValueId tanh_bend(const Matcher& m, ValueId v) {
  const Node* sum = m.made_by(v, Op::add);
  const Node* tanh =
      sum ? m.made_by(m.other(*sum, [&](ValueId id) { return m.is_number(id, 1); }), Op::tanh) : nullptr;
  return tanh ? tanh->inputs[0] : -1;
}

/// The direct factors of a chain of products, down to a few levels: candidates for the x of a pattern.
void leaves(const Matcher& m, ValueId id, int depth, std::vector<ValueId>& out) {
  out.push_back(id);
  for (const Op op : {Op::mul, Op::div}) {
    if (const Node* node = depth > 0 ? m.made_by(id, op) : nullptr) {
      leaves(m, node->inputs[0], depth - 1, out);
      leaves(m, node->inputs[1], depth - 1, out);
    }
  }
}

Build gelu(const Matcher& m, const Node& node) {
  if (node.op != Op::mul && node.op != Op::div) {
    return {};
  }
  std::vector<ValueId> candidates;
  leaves(m, node.output, 3, candidates);
  for (const ValueId bend : candidates) {
    if (const ValueId x = gelu_bend(m, bend); x >= 0 && m.product(node.output, x).is(0.5, {x, bend})) {
      return composite(m, node, Op::gelu, {x});
    }
    const ValueId u = tanh_bend(m, bend);
    for (std::size_t i = 0; u >= 0 && i < candidates.size(); ++i) {
      const ValueId x = candidates[i];
      if (m.product(node.output, x).is(0.5, {x, bend}) && is_tanh_argument(m, u, x)) {
        return composite(m, node, Op::gelu, {x}, {{"tanh", std::int64_t{1}}});
      }
    }
  }
  return {};
}

Build silu(const Matcher& m, const Node& node) {
  if (node.op != Op::mul) {
    return {};
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const Node* gate = m.made_by(node.inputs[i], Op::sigmoid);
    if (gate && gate->inputs[0] == node.inputs[1 - i]) {
      return composite(m, node, Op::silu, {gate->inputs[0]});
    }
  }
  return {};
}

/// x when v is min(max(x + 3, 0), 6).
ValueId clipped_at_six(const Matcher& m, ValueId v) {
  const Node* min = m.made_by(v, Op::min);
  const Node* max =
      min ? m.made_by(m.other(*min, [&](ValueId id) { return m.is_number(id, 6); }), Op::max) : nullptr;
  const Node* sum =
      max ? m.made_by(m.other(*max, [&](ValueId id) { return m.number(id) == 0; }), Op::add) : nullptr;
  return sum ? m.other(*sum, [&](ValueId id) { return m.is_number(id, 3); }) : -1;
}

Build hard_swish(const Matcher& m, const Node& node) {
  if (node.op != Op::mul && node.op != Op::div) {
    return {};
  }
  std::vector<ValueId> candidates;
  leaves(m, node.output, 3, candidates);
  for (const ValueId clip : candidates) {
    const ValueId x = clipped_at_six(m, clip);
    if (x < 0 || !m.product(node.output, x).is(1.0 / 6, {x, clip})) {
      continue;
    }
    const DType type = m.type(node.output).dtype;
    return [x, type](Builder& b, const Rewriter& in) {
      const ValueId line =
          b.op(Op::add, {b.op(Op::mul, {in[x], b.scalar(1.0 / 6)}, type), b.scalar(0.5)}, type);
      const ValueId gate = b.op(Op::min, {b.op(Op::max, {line, b.scalar(0)}, type), b.scalar(1)}, type);
      return b.op(Op::mul, {in[x], gate}, type);
    };
  }
  return {};
}

// ---- normalisations

/// v + epsilon when `id` is its root, or (`inverse`) one over its root; -1 otherwise.
ValueId under_root(const Matcher& m, ValueId id, bool inverse) {
  id = m.uncast(id);
  if (!inverse) {
    const Node* sqrt = m.made_by(id, Op::sqrt);
    const Node* power = m.made_by(id, Op::pow);
    return sqrt ? sqrt->inputs[0] : power && m.number(power->inputs[1]) == 0.5 ? power->inputs[0] : -1;
  }
  if (const Node* rsqrt = m.made_by(id, Op::rsqrt)) {
    return rsqrt->inputs[0];
  }
  if (const Node* reciprocal = m.made_by(id, Op::reciprocal)) {
    return under_root(m, reciprocal->inputs[0], false);
  }
  const Node* div = m.made_by(id, Op::div);
  return div && m.number(div->inputs[0]) == 1 ? under_root(m, div->inputs[1], false) : -1;
}

/// numerator / sqrt(mean(square of `root`) + epsilon).
struct Normal {
  ValueId numerator = -1, root = -1;
  double epsilon = 0;
};

Normal normal_from(const Matcher& m, ValueId numerator, ValueId steadied) {
  const Node* sum = m.made_by(m.uncast(steadied), Op::add);
  const ValueId variance = sum ? m.other(*sum, [&](ValueId id) { return m.number(id).has_value(); }) : -1;
  const ValueId squares = variance >= 0 ? m.mean_last(variance) : -1;
  const ValueId root = squares >= 0 ? m.square(m.uncast(squares)) : -1;
  if (root < 0) {
    return {};
  }
  return {m.uncast(numerator), m.uncast(root), *m.number(sum->inputs[variance == sum->inputs[0] ? 1 : 0])};
}

Normal normal_of(const Matcher& m, ValueId id) {
  id = m.uncast(id);
  if (const Node* div = m.made_by(id, Op::div)) {
    return normal_from(m, div->inputs[0], under_root(m, div->inputs[1], false));
  }
  const Node* mul = m.made_by(id, Op::mul);
  for (std::size_t i = 0; mul && i < 2; ++i) {
    if (const ValueId inside = under_root(m, mul->inputs[i], true); inside >= 0) {
      return normal_from(m, mul->inputs[1 - i], inside);
    }
  }
  return {};
}

/// x when v is x minus its mean over the last axis.
ValueId centred(const Matcher& m, ValueId v) {
  const Node* sub = m.made_by(v, Op::sub);
  if (!sub) {
    return -1;
  }
  const ValueId x = m.uncast(sub->inputs[0]), averaged = m.mean_last(sub->inputs[1]);
  return averaged >= 0 && m.uncast(averaged) == x ? x : -1;
}

bool is_row(const Matcher& m, ValueId v, ValueId x) {
  const Dims& shape = m.type(x).shape;
  return !shape.empty() && m.type(v).shape == Dims{shape.back()};
}

/// scale and the normal when `id` is their product.
struct Scaled {
  Normal normal;
  ValueId scale = -1;
};
Scaled scaled_normal(const Matcher& m, ValueId id) {
  const Node* mul = m.made_by(m.uncast(id), Op::mul);
  for (std::size_t i = 0; mul && i < 2; ++i) {
    const Normal n = normal_of(m, mul->inputs[i]);
    if (n.numerator >= 0 && is_row(m, mul->inputs[1 - i], n.numerator)) {
      return {n, mul->inputs[1 - i]};
    }
  }
  return {};
}

Build layernorm(const Matcher& m, const Node& node) {
  if (node.op != Op::add) {
    return {};
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const Scaled s = scaled_normal(m, node.inputs[i]);
    const ValueId x = s.scale >= 0 ? centred(m, s.normal.numerator) : -1;
    if (x >= 0 && centred(m, s.normal.root) == x && is_row(m, node.inputs[1 - i], x)) {
      return composite(m, node, Op::layernorm, {x, s.scale, node.inputs[1 - i]},
                       {{"epsilon", s.normal.epsilon}});
    }
  }
  return {};
}

Build rmsnorm(const Matcher& m, const Node& node) {
  const Scaled s = node.op == Op::mul ? scaled_normal(m, node.output) : Scaled{};
  if (s.scale < 0 || s.normal.numerator != s.normal.root || centred(m, s.normal.root) >= 0) {
    return {};
  }
  return composite(m, node, Op::rmsnorm, {s.normal.root, s.scale}, {{"epsilon", s.normal.epsilon}});
}

// ---- attention

/// A matmul operand without its constant factor, and with the swap of its last two dimensions taken off.
struct Bare {
  ValueId value;
  double factor = 1;
  Dims perm;  // what remains of the transposition, empty if nothing
  bool swapped = false;
};

Bare bare(const Matcher& m, ValueId id) {
  Bare out{id, 1, {}, false};
  const auto take_factor = [&] {
    const Node* node = m.made_by(out.value, Op::mul);
    node = node ? node : m.made_by(out.value, Op::div);
    const auto n = node ? m.number(node->inputs[1]) : std::nullopt;
    if (n && *n > 0) {
      out.factor *= node->op == Op::mul ? *n : 1 / *n;
      out.value = node->inputs[0];
    }
  };
  take_factor();
  if (const Node* turn = m.made_by(out.value, Op::transpose)) {
    Dims perm = turn->list("perm");
    const auto last = static_cast<std::int64_t>(perm.size()) - 1;
    if (perm.back() != last) {  // the row dimension of the operand goes last: a swap behind a view of rows
      out.value = turn->inputs[0];
      std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      out.perm = std::is_sorted(perm.begin(), perm.end()) ? Dims{} : perm;
      out.swapped = true;
      take_factor();
    }
  }
  return out;
}

ValueId placed(Builder& b, const Rewriter& in, const Bare& x) {
  return x.perm.empty() ? in[x.value] : b.transpose(in[x.value], x.perm);
}

/// The scores of an attention: a product of matrices, perhaps times a number.
struct Scores {
  const Node* matmul = nullptr;
  double factor = 1;
};
Scores scores_of(const Matcher& m, ValueId id) {
  if (const Node* matmul = m.made_by(id, Op::matmul)) {
    return {matmul, 1};
  }
  const Matcher::Product p = m.product(id);
  return {p.factors.size() == 1 ? m.made_by(p.factors[0], Op::matmul) : nullptr, p.coefficient};
}

Build attention(const Matcher& m, const Node& node) {
  if (node.op != Op::softmax) {
    return {};
  }
  const Node* masked = m.made_by(node.inputs[0], Op::add);
  Scores scores = scores_of(m, node.inputs[0]);
  ValueId mask = -1;
  for (std::size_t i = 0; masked && !scores.matmul && i < 2; ++i) {
    scores = scores_of(m, masked->inputs[i]);
    mask = masked->inputs[1 - i];
  }
  if (!scores.matmul || scores.matmul->integer("trans_a") != 0 || scores.matmul->integer("trans_b") != 0) {
    return {};
  }
  const Bare q = bare(m, scores.matmul->inputs[0]), k = bare(m, scores.matmul->inputs[1]);
  if (!k.swapped || q.swapped) {
    return {};
  }
  const DType product = m.type(scores.matmul->output).dtype, type = m.type(node.output).dtype;
  const double factor = scores.factor * q.factor * k.factor;
  return [=](Builder& b, const Rewriter& in) {
    ValueId s = b.raw(Op::matmul, {placed(b, in, q), placed(b, in, k)},
                      {{"trans_b", std::int64_t{1}}, {"dtype", std::string(name_of(product))}});
    s = factor == 1 ? s : b.op(Op::mul, {s, b.scalar(factor)}, product);
    s = mask < 0 ? s : b.op(Op::add, {s, in[mask]}, product);
    return b.op(Op::softmax, {s}, type);
  };
}

// ---- rotary positions

/// concat(-b, a) of the two halves of x along the last axis.
struct Rotation {
  ValueId first = -1, second = -1;
};
Rotation rotation_of(const Matcher& m, ValueId id) {
  const Node* concat = m.made_by(id, Op::concat);
  const Node* neg = concat && concat->inputs.size() == 2 ? m.made_by(concat->inputs[0], Op::neg) : nullptr;
  const auto rank = static_cast<std::int64_t>(m.type(id).shape.size());
  if (!neg || concat->integer("axis") + 1 != rank) {
    return {};
  }
  return {neg->inputs[0], concat->inputs[1]};
}

/// The table with the signs of its first columns turned.
std::vector<float> turned(const Value& table, std::int64_t columns) {
  std::vector<float> data = table.data;
  const std::int64_t width = table.type.shape.back();
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::int64_t>(i) % width < columns ? -data[i] : data[i];
  }
  return data;
}

Build rotation(const Matcher& m, const Node& node) {
  if (node.op != Op::mul) {
    return {};
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const Rotation r = rotation_of(m, node.inputs[i]);
    const Value& table = m.graph().value(node.inputs[1 - i]);
    const bool wide = r.first >= 0 && !table.type.shape.empty() &&
                      table.type.shape.back() == m.type(node.inputs[i]).shape.back();
    if (!wide || table.role != Role::constant) {
      continue;
    }
    const Type type = table.type;
    const std::vector<float> data = turned(table, m.type(r.first).shape.back());
    const std::int64_t axis = static_cast<std::int64_t>(m.type(node.inputs[i]).shape.size()) - 1;
    const DType out = m.type(node.output).dtype;
    return [=](Builder& b, const Rewriter& in) {
      const ValueId halves = b.raw(Op::concat, {in[r.first], in[r.second]}, {{"axis", axis}});
      const ValueId signs = b.graph().constant("signed", type, std::vector<float>(data));
      return b.op(Op::mul, {halves, signs}, out);
    };
  }
  return {};
}

constexpr Build (*kPatterns[])(const Matcher&, const Node&) = {gelu,    silu,      hard_swish, layernorm,
                                                               rmsnorm, attention, rotation};

Build match(const Matcher& m, const Node& node) {
  for (const auto pattern : kPatterns) {
    if (Build build = pattern(m, node)) {
      return build;
    }
  }
  return {};
}

}  // namespace

Graph recognise(const Graph& graph) {
  const Matcher matcher(graph);
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes) {
    const Build build = match(matcher, node);
    if (!build) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, node.name);
    rewriter.replace(node.output, build(b, rewriter));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler::import
