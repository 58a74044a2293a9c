#include "compiler/passes/autodiff.h"

#include "compiler/ops.h"
#include "compiler/passes/autodiff_rules.h"

namespace leto::compiler {
namespace {

class Differentiation {
 public:
  Differentiation(Graph& graph, const std::vector<ValueId>& wanted) : graph_(graph) {
    find_dependents(wanted);
  }
  Gradients run(ValueId loss, const LossScale& scale);

 private:
  void find_dependents(const std::vector<ValueId>& wanted);
  bool depends(ValueId id) const { return dependent_[static_cast<std::size_t>(id)]; }
  void accumulate(ValueId value, ValueId contribution, const std::string& name);
  void visit(const Node& node);
  ValueId seed(ValueId loss, const LossScale& scale);

  Graph& graph_;
  std::vector<bool> dependent_;  // float values of the forward graph that hang on a wanted one
  Gradients gradients_;
};

void Differentiation::find_dependents(const std::vector<ValueId>& wanted) {
  dependent_.assign(graph_.values.size(), false);
  for (const ValueId id : wanted) {
    dependent_[static_cast<std::size_t>(id)] = true;
  }
  for (const Node& node : graph_.nodes) {
    bool any = false;
    for (const ValueId id : node.inputs) {
      any = any || depends(id);
    }
    const bool smooth = facts(node.op).slope != Slope::flat;
    dependent_[static_cast<std::size_t>(node.output)] =
        any && smooth && is_float(graph_.value(node.output).type.dtype);
  }
}

void Differentiation::accumulate(ValueId value, ValueId contribution, const std::string& name) {
  gradients_.goal.emplace(contribution, value);
  const auto [it, first] = gradients_.of.try_emplace(value, contribution);
  if (!first) {
    it->second = Builder(graph_, Phase::backward, name).add(it->second, contribution);
    gradients_.goal.emplace(it->second, value);
  }
}

void Differentiation::visit(const Node& node) {
  const auto dy = gradients_.of.find(node.output);
  if (dy == gradients_.of.end()) {
    return;
  }
  std::vector<bool> needs;
  for (const ValueId id : node.inputs) {
    needs.push_back(depends(id));
  }
  const std::string name = node.name + ".grad";
  Builder b(graph_, Phase::backward, name);
  for (const auto& [operand, contribution] : Rule(b, node, dy->second, needs).run()) {
    if (depends(operand)) {
      accumulate(operand, contribution, name);
    }
  }
}

/// The gradient of the scaled loss with respect to the loss.
ValueId Differentiation::seed(ValueId loss, const LossScale& scale) {
  const Type type = graph_.value(loss).type;
  if (scale.scalar < 0) {
    return graph_.constant("one", {DType::fp32, type.shape}, {static_cast<float>(scale.factor)});
  }
  Builder b(graph_, Phase::loss, "loss_scale");
  const ValueId scaled = scale.factor == 1 ? scale.scalar : b.mul(scale.scalar, scale.factor);
  return b.reshape(scaled, type.shape);
}

Gradients Differentiation::run(ValueId loss, const LossScale& scale) {
  const std::vector<Node> forward = graph_.nodes;  // what follows appends to graph_.nodes
  gradients_.of[loss] = seed(loss, scale);
  for (auto node = forward.rbegin(); node != forward.rend(); ++node) {
    if (depends(node->output)) {
      visit(*node);
    }
  }
  return std::move(gradients_);
}

}  // namespace

Gradients differentiate(Graph& graph, ValueId loss, const std::vector<ValueId>& wanted,
                        const LossScale& scale) {
  return Differentiation(graph, wanted).run(loss, scale);
}

}  // namespace leto::compiler
