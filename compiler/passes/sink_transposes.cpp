#include "compiler/passes/sink_transposes.h"

#include <algorithm>
#include <optional>

#include "compiler/ops.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

Dims inverse(const Dims& perm) {
  Dims out(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) {
    out[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  }
  return out;
}

Dims permuted(const Dims& dims, const Dims& perm) {
  Dims out;
  for (const std::int64_t i : perm) {
    out.push_back(dims[static_cast<std::size_t>(i)]);
  }
  return out;
}

/// At most one extent that is not 1: any order of its dims is the same run of elements.
bool is_vector(const Dims& shape) {
  return std::count(shape.begin(), shape.end(), 1) + 1 >= static_cast<std::int64_t>(shape.size());
}

/// A value of the new graph seen as transpose(source, perm).
struct Origin {
  ValueId source = -1;
  Dims perm;
};

class Sinker {
 public:
  explicit Sinker(const Graph& graph)
      : graph_(graph),
        rewriter_(graph),
        origin_(graph.values.size()),
        expanded_(graph.values.size(), false) {}

  Graph run() {
    for (const Node& node : graph_.nodes) {
      expanded_[at(node.output)] = node.op == Op::expand;
      if (const auto origin = sunk(node)) {
        keep(node, *origin);
      } else {
        rewriter_.copy(node);
      }
    }
    return rewriter_.finish();
  }

 private:
  static std::size_t at(ValueId v) { return static_cast<std::size_t>(v); }
  const Dims& shape(ValueId old) const { return graph_.value(old).type.shape; }
  Builder builder(const Node& node) { return {rewriter_.to(), node.phase, node.name}; }

  void keep(const Node& node, const Origin& origin) {
    Builder b = builder(node);
    rewriter_.replace(node.output, b.transpose(origin.source, origin.perm));
    if (!std::is_sorted(origin.perm.begin(), origin.perm.end()) && !is_vector(shape(node.output))) {
      origin_[at(node.output)] = origin;
    }
  }

  std::optional<Origin> sunk(const Node& node) {
    const Origin& first = origin_[at(node.inputs[0])];
    switch (node.op) {
      case Op::transpose:
        return first.source < 0 ? Origin{rewriter_[node.inputs[0]], node.list("perm")}
                                : Origin{first.source, permuted(first.perm, node.list("perm"))};
      case Op::reduce_sum:
        return sum(node, first);
      case Op::expand:
        return expand(node, first);
      default:
        return is_elementwise(node.op) ? elementwise(node) : std::nullopt;
    }
  }

  // Rows stay rows: what is summed over the last axis alone is fused with what makes the row.
  std::optional<Origin> sum(const Node& node, const Origin& from) {
    const Dims& axes = node.list("axes");
    const auto last = static_cast<std::int64_t>(from.perm.size()) - 1;
    if (from.source < 0 || (axes == Dims{last} && from.perm.back() != last)) {
      return std::nullopt;
    }
    Dims inner = permuted(from.perm, axes);
    std::sort(inner.begin(), inner.end());
    auto attributes = node.attributes;
    const ValueId source = summed_before(from.source, inner);
    attributes["axes"] = inner;
    return Origin{builder(node).raw(node.op, {source}, attributes), from.perm};
  }

  // A sum of a sum over neighbouring axes is one sum over all of them: its operand, `axes` with those added.
  ValueId summed_before(ValueId v, Dims& axes) {
    const auto& nodes = rewriter_.to().nodes;
    const auto maker =
        std::find_if(nodes.rbegin(), nodes.rend(), [&](const Node& n) { return n.output == v; });
    if (maker == nodes.rend() || maker->op != Op::reduce_sum ||
        rewriter_.to().value(v).type.dtype != DType::fp32) {
      return v;
    }
    Dims both = axes;
    both.insert(both.end(), maker->list("axes").begin(), maker->list("axes").end());
    std::sort(both.begin(), both.end());
    if (both.back() - both.front() + 1 != static_cast<std::int64_t>(both.size())) {
      return v;
    }
    axes = both;
    return maker->inputs[0];
  }

  std::optional<Origin> expand(const Node& node, const Origin& from) {
    if (from.source < 0 || from.perm.size() != shape(node.output).size()) {
      return std::nullopt;
    }
    const Dims to = permuted(shape(node.output), inverse(from.perm));
    return Origin{builder(node).expand(from.source, to), from.perm};
  }

  // All operands of the result's shape are transposed alike or repeat something; the others are vectors.
  std::optional<Origin> elementwise(const Node& node) {
    const auto lead = std::find_if(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
      return origin_[at(v)].source >= 0 && shape(v) == shape(node.output);
    });
    if (lead == node.inputs.end()) {
      return std::nullopt;
    }
    const Dims perm = origin_[at(*lead)].perm;
    for (const ValueId v : node.inputs) {
      const Origin& from = origin_[at(v)];
      const bool alike =
          from.source >= 0 ? from.perm == perm : expanded_[at(v)] && shape(v).size() == perm.size();
      if (!alike && !is_vector(shape(v))) {
        return std::nullopt;
      }
    }
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) {
      inputs.push_back(behind(node, v, perm));
    }
    return Origin{builder(node).raw(node.op, std::move(inputs), node.attributes), perm};
  }

  /// The operand whose transpose by `perm` broadcasts like v.
  ValueId behind(const Node& node, ValueId v, const Dims& perm) {
    if (origin_[at(v)].source >= 0) {
      return origin_[at(v)].source;
    }
    if (!is_vector(shape(v))) {
      return builder(node).transpose(rewriter_[v], inverse(perm));
    }
    if (shape(v).empty()) {
      return rewriter_[v];
    }
    Dims wide = shape(v);
    wide.insert(wide.begin(), perm.size() - wide.size(), 1);
    return builder(node).reshape(rewriter_[v], permuted(wide, inverse(perm)));
  }

  const Graph& graph_;
  Rewriter rewriter_;
  std::vector<Origin> origin_;  // by old value; no source = none
  std::vector<bool> expanded_;  // by old value
};

}  // namespace

Graph sink_transposes(const Graph& graph) {
  return Sinker(graph).run();
}

}  // namespace leto::compiler
