#include "compiler/passes/match_attention.h"

#include <algorithm>
#include <map>
#include <optional>

#include "compiler/passes/builder.h"
#include "compiler/passes/mark_useful.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

enum class Mask : std::uint8_t { none, causal, other };

// What a constant adds to scores [..., m, n], of which it has the last two dims or dims of 1.
Mask mask_of(const Value& value) {
  const Dims& shape = value.type.shape;
  if (std::all_of(value.data.begin(), value.data.end(), [](float x) { return x == 0; })) return Mask::none;
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2]) return Mask::other;
  const auto n = static_cast<std::size_t>(shape.back());
  if (value.data.size() != n * n) return Mask::other;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const float x = value.data[i * n + j];
      if (j <= i ? x != 0 : x > kMasked) return Mask::other;
    }
  return Mask::causal;
}

struct Attention {
  ValueId q, k, v;
  bool k_transposed;  // k is [..., d, n]
  double scale = 1;
  bool causal = false;
};

class Matcher {
 public:
  explicit Matcher(const Graph& graph)
      : graph_(graph), maker_(graph.values.size(), nullptr), uses_(graph.values.size(), 0) {
    for (const Node& node : graph.nodes) {
      maker_[at(node.output)] = &node;
      for (const ValueId id : node.inputs) ++uses_[at(id)];
    }
    for (const ValueId id : graph.outputs) ++uses_[at(id)];
  }

  std::optional<Attention> match(const Node& product) const {
    if (product.op != Op::matmul || product.integer("trans_a") != 0 || product.integer("trans_b") != 0)
      return std::nullopt;
    const Node* softmax = behind_casts(product.inputs[0]);
    if (!softmax || softmax->op != Op::softmax) return std::nullopt;
    Attention found{-1, -1, product.inputs[1], false};
    const Node* scores = behind_scale_and_mask(softmax->inputs[0], found);
    if (!scores || scores->op != Op::matmul || scores->integer("trans_a") != 0) return std::nullopt;
    found.q = scores->inputs[0];
    found.k = scores->inputs[1];
    found.k_transposed = scores->integer("trans_b") == 0;
    if (const Node* turned = maker_[at(found.k)]; turned && swaps_last_two(*turned)) {
      found.k = turned->inputs[0];
      found.k_transposed = !found.k_transposed;
    }
    return fits(found) ? std::optional(found) : std::nullopt;
  }

  /// The value before its heads were repeated (reshape, expand, reshape); itself when they were not.
  ValueId unrepeated(ValueId v) const {
    const Node* merge = maker_[at(v)];
    if (!merge || merge->op != Op::reshape) return v;
    const Node* expand = maker_[at(merge->inputs[0])];
    if (!expand || expand->op != Op::expand) return v;
    const Dims &from = shape(expand->inputs[0]), &to = shape(expand->output);
    const std::size_t rank = to.size();
    if (rank < 4 || from.size() != rank || from[rank - 3] != 1) return v;
    for (std::size_t i = 0; i < rank; ++i)
      if (i != rank - 3 && from[i] != to[i]) return v;
    Dims merged(to.begin(), to.end() - 4);
    merged.insert(merged.end(), {to[rank - 4] * to[rank - 3], to[rank - 2], to[rank - 1]});
    return merged == shape(v) ? expand->inputs[0] : v;
  }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }
  const Dims& shape(ValueId id) const { return graph_.value(id).type.shape; }

  static bool swaps_last_two(const Node& node) {
    if (node.op != Op::transpose) return false;
    Dims perm = node.list("perm");
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    return std::is_sorted(perm.begin(), perm.end());
  }

  // The node that makes v, if nothing else reads v.
  const Node* sole(ValueId v) const { return uses_[at(v)] == 1 ? maker_[at(v)] : nullptr; }

  const Node* behind_casts(ValueId v) const {
    const Node* node = sole(v);
    while (node && node->op == Op::cast) node = sole(node->inputs[0]);
    return node;
  }

  const Node* behind_scale_and_mask(ValueId v, Attention& found) const {
    for (const Node* node = behind_casts(v); node; node = behind_casts(v)) {
      if (node->op == Op::matmul) return node;
      const auto constant = std::find_if(node->inputs.begin(), node->inputs.end(), [&](ValueId id) {
        return graph_.value(id).role == Role::constant && !graph_.value(id).data.empty();
      });
      if (node->inputs.size() != 2 || constant == node->inputs.end()) return nullptr;
      const bool second = constant != node->inputs.begin();
      if (!apply(*node, *constant, second, found)) return nullptr;
      v = node->inputs[second ? 0 : 1];
      if (shape(v) != shape(node->output)) return nullptr;
    }
    return nullptr;
  }

  bool apply(const Node& node, ValueId id, bool second, Attention& found) const {
    const Value& constant = graph_.value(id);
    if (node.op == Op::add) {
      const auto known = masks_.find(id);
      const Mask mask = known != masks_.end() ? known->second : (masks_[id] = mask_of(constant));
      found.causal = found.causal || mask == Mask::causal;
      return mask != Mask::other;
    }
    if (constant.data.size() != 1) return false;
    if (node.op == Op::mul) found.scale *= constant.data[0];
    if (node.op == Op::div && second) found.scale /= constant.data[0];
    return (node.op == Op::mul || (node.op == Op::div && second)) && found.scale > 0;
  }

  bool fits(const Attention& a) const {
    const Dims &q = shape(a.q), &k = shape(a.k), &v = shape(a.v);
    if (q.size() < 3 || k.size() != q.size() || v.size() != q.size()) return false;
    const bool batches =
        std::equal(q.begin(), q.end() - 2, k.begin()) && std::equal(q.begin(), q.end() - 2, v.begin());
    return batches && (!a.causal || q[q.size() - 2] == k[k.size() - (a.k_transposed ? 1 : 2)]);
  }

  const Graph& graph_;
  std::vector<const Node*> maker_;
  std::vector<int> uses_;
  mutable std::map<ValueId, Mask> masks_;  // of the constants seen: every layer adds the same one
};

// [..., heads, 1, rows, columns] as [..., heads, rows, columns].
ValueId without_group(Builder& b, ValueId x, std::size_t rank) {
  Dims shape = b.shape(x);
  if (shape.size() > rank) shape.erase(shape.end() - 3);
  return b.reshape(x, shape);
}

}  // namespace

Graph match_attention(const Graph& forward) {
  const Matcher matcher(forward);
  Rewriter rewriter(forward);
  for (const Node& node : forward.nodes) {
    const auto found = matcher.match(node);
    if (!found) {
      rewriter.copy(node);
      continue;
    }
    Builder b(rewriter.to(), node.phase, node.name);
    const std::size_t rank = forward.value(node.output).type.shape.size();
    // An exporter repeats heads before it transposes k, or after.
    const ValueId k = matcher.unrepeated(found->k), v = matcher.unrepeated(found->v);
    const bool both = (k != found->k) == (v != found->v);
    const auto operand = [&](ValueId plain, ValueId source) {
      return both ? without_group(b, rewriter[source], rank) : rewriter[plain];
    };
    ValueId keys = operand(found->k, k);
    if (found->k_transposed) keys = b.swap_last_two(keys);
    const ValueId values = operand(found->v, v);
    const std::string dtype(name_of(forward.value(node.output).type.dtype));
    rewriter.replace(
        node.output,
        b.raw(Op::attention, {rewriter[found->q], keys, values},
              {{"scale", found->scale}, {"causal", std::int64_t(found->causal)}, {"dtype", dtype}}));
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
