#include "compiler/passes/recompute.h"

#include <algorithm>

#include "compiler/ops.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

bool is_late(const Node& node) {
  return node.phase == Phase::backward || node.phase == Phase::optimizer;
}

/// Takes no memory of its own, as a rule.
bool is_view(Op op) {
  return op == Op::reshape || op == Op::transpose || op == Op::slice || op == Op::expand;
}

/// Made again along with what needs it, without being asked for.
bool is_cheap(Op op) {
  return is_elementwise(op) || is_reduction(op) || (is_movement(op) && op != Op::exchange);
}

/// Made again where its class is chosen.
bool is_dear(Op op) {
  return op == Op::matmul || op == Op::attention;
}

std::int64_t flops_of_attention(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) { return graph.value(node.inputs[i]).type.shape; };
  const std::int64_t columns = shape(1)[shape(1).size() - 2], share = node.integer("causal") != 0 ? 1 : 2;
  return share * columns * (elements({DType::fp32, shape(0)}) / shape(0).back()) *
         (shape(0).back() + shape(2).back());
}

std::int64_t flops_of(const Graph& graph, const Node& node) {
  if (is_view(node.op)) return 0;
  if (node.op == Op::attention) return flops_of_attention(graph, node);
  const std::int64_t out = elements(graph.value(node.output).type);
  if (node.op != Op::matmul) return std::max(out, elements(graph.value(node.inputs[0]).type));
  const auto& a = graph.value(node.inputs[0]).type.shape;
  return 2 * out * a[a.size() - (node.integer("trans_a") ? 2 : 1)];
}

/// Which values of the forward pass the backward pass gets from memory, and which it makes again.
class Plan {
 public:
  Plan(const Graph& graph, const Again& again)
      : graph_(graph), maker_(graph.values.size(), nullptr), read_(graph.values.size(), false) {
    for (const Node& node : graph.nodes) maker_[at(node.output)] = &node;
    pinned_.assign(graph.values.size(), false);
    for (const ValueId v : graph.outputs) pinned_[at(v)] = true;
    for (const auto& [state, next] : graph.updates) pinned_[at(next)] = true;
    if (graph.loss >= 0) pinned_[at(graph.loss)] = true;
    find_read();
    find_made(again);
  }

  bool made(ValueId v) const { return made_[at(v)]; }
  const Node& maker(ValueId v) const { return *maker_[at(v)]; }
  /// Kept though it could be made again.
  bool optional(ValueId v) const {
    return kept_[at(v)] && !pinned_[at(v)] && (is_cheap(maker(v).op) || is_dear(maker(v).op));
  }
  std::int64_t kept_bytes() const {
    std::int64_t sum = 0;
    for (std::size_t v = 0; v < kept_.size(); ++v)
      if (kept_[v] && !pinned_[v])
        sum += elements(graph_.values[v].type) * size_of(graph_.values[v].type.dtype);
    return sum;
  }
  std::int64_t flops() const {
    std::int64_t sum = 0;
    for (const Node& node : graph_.nodes)
      if (made(node.output)) sum += flops_of(graph_, node);
    return sum;
  }

 private:
  static std::size_t at(ValueId v) { return static_cast<std::size_t>(v); }

  // What late operations read, themselves or through views.
  void find_read() {
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node)
      if (is_late(*node) || (is_view(node->op) && read_[at(node->output)]))
        for (const ValueId v : node->inputs) read_[at(v)] = true;
  }

  void find_made(const Again& again) {
    std::vector<bool> needed = read_;
    made_.assign(read_.size(), false);
    kept_.assign(read_.size(), false);
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      const auto v = at(node->output);
      if (is_late(*node) || !needed[v]) continue;
      const bool free = !read_[v] && !pinned_[v] && is_cheap(node->op);
      made_[v] = again[v] || free;
      kept_[v] = !made_[v] && !is_view(node->op);
      if (kept_[v]) continue;
      for (const ValueId x : node->inputs) needed[at(x)] = true;
    }
    for (const Node& node : graph_.nodes)  // a view follows what it shows
      if (!is_late(node) && is_view(node.op) && needed[at(node.output)] && !pinned_[at(node.output)])
        made_[at(node.output)] = made(node.inputs[0]);
  }

  const Graph& graph_;
  std::vector<const Node*> maker_;
  std::vector<bool> read_, pinned_, made_, kept_;
};

/// Copies the graph; late operations read what is made again.
class Remaker {
 public:
  Remaker(const Graph& graph, const Again& again)
      : graph_(graph), plan_(graph, again), rewriter_(graph), remade_(graph.values.size(), -1) {}

  Graph run() {
    for (const Node& node : graph_.nodes) {
      if (!is_late(node)) {
        rewriter_.copy(node);
        continue;
      }
      std::vector<ValueId> inputs;
      // The forward attention makes the logarithms of its rows' sums too; they are short, and kept.
      const bool kept = node.op == Op::attention_lse;
      for (const ValueId v : node.inputs) inputs.push_back(kept ? rewriter_[v] : late(v));
      rewriter_.replace(node.output, rewriter_.to().add(node.op, std::move(inputs), node.attributes,
                                                        node.phase, node.name));
    }
    return rewriter_.finish();
  }

 private:
  /// The value that late operations read for `v`.
  ValueId late(ValueId v) {
    if (!plan_.made(v)) return rewriter_[v];
    ValueId& id = remade_[static_cast<std::size_t>(v)];
    if (id >= 0) return id;
    const Node& node = plan_.maker(v);
    std::vector<ValueId> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(late(x));
    auto attributes = node.attributes;
    if (is_dear(node.op)) attributes["useful"] = 0.0;  // the same products once more
    return id = rewriter_.to().add(node.op, std::move(inputs), std::move(attributes), Phase::backward,
                                   node.name + ".again");
  }

  const Graph& graph_;
  Plan plan_;
  Rewriter rewriter_;
  std::vector<ValueId> remade_;
};

/// What values that are alike have in common.
struct Likeness {
  Op op;
  std::map<std::string, Attribute> attributes;
  std::vector<std::pair<DType, std::vector<std::int64_t>>> types;  // of the result and the operands
  auto operator<=>(const Likeness&) const = default;
};

Likeness likeness(const Graph& graph, const Node& node) {
  Likeness out{node.op, node.attributes, {}};
  const auto add = [&](ValueId v) {
    out.types.emplace_back(graph.value(v).type.dtype, graph.value(v).type.shape);
  };
  add(node.output);
  std::for_each(node.inputs.begin(), node.inputs.end(), add);
  return out;
}

}  // namespace

std::vector<Saving> savings(const Graph& graph, const Again& again) {
  const Plan now(graph, again);
  std::map<Likeness, std::vector<ValueId>> alike;
  for (const Node& node : graph.nodes)
    if (now.optional(node.output)) alike[likeness(graph, node)].push_back(node.output);
  std::vector<Saving> out;
  for (auto& [what, values] : alike) {
    Again with = again;
    for (const ValueId v : values) with[static_cast<std::size_t>(v)] = true;
    const Plan then(graph, with);
    Saving s{std::move(values), now.kept_bytes() - then.kept_bytes(), then.flops() - now.flops()};
    if (s.bytes > 0) out.push_back(std::move(s));
  }
  std::stable_sort(out.begin(), out.end(), [](const Saving& a, const Saving& b) {
    return double(a.bytes) * double(b.flops + 1) > double(b.bytes) * double(a.flops + 1);
  });
  return out;
}

Graph recompute(const Graph& graph, const Again& again) {
  return Remaker(graph, again).run();
}

}  // namespace leto::compiler
