#include <algorithm>
#include <map>

#include "compiler/passes/builder.h"
#include "compiler/passes/sparse_optimizer.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

/// Appends the update rules; one call of update() a parameter.
class OptimizerBuilder {
 public:
  OptimizerBuilder(Graph& graph, const Recipe& recipe) : graph_(graph), recipe_(recipe) {
    if (recipe.optimizer == Optimizer::adamw) {
      corrections();
    }
  }
  void update(ValueId parameter, ValueId gradient);

 private:
  ValueId state(const std::string& name, const Type& type);
  void replace(ValueId state, ValueId next);
  ValueId correction(Builder& b, const std::string& name, double beta);
  void corrections();
  ValueId decayed_gradient(Builder& b, ValueId parameter, ValueId gradient);
  ValueId sgd(Builder& b, ValueId parameter, ValueId gradient);
  ValueId momentum(Builder& b, ValueId parameter, ValueId gradient);
  ValueId adagrad(Builder& b, ValueId parameter, ValueId gradient);
  ValueId adamw(Builder& b, ValueId parameter, ValueId gradient);

  Graph& graph_;
  const Recipe& recipe_;
  ValueId step_size_ = -1, root_correction_ = -1;  // adamw: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
};

ValueId OptimizerBuilder::state(const std::string& name, const Type& type) {
  return graph_.add_value(name, {DType::fp32, type.shape}, Role::state);
}

void OptimizerBuilder::replace(ValueId state, ValueId next) {
  graph_.value(next).name = graph_.names.claim(graph_.values, graph_.value(state).name + ".new");
  graph_.names.reserve(graph_.value(next).name);
  graph_.updates.emplace_back(state, next);
}

// c = 1 - beta^t itself is the state, c' = beta c + (1 - beta): 1 - beta^t from a rounded power would lose
// half the digits in the first steps.
ValueId OptimizerBuilder::correction(Builder& b, const std::string& name, double beta) {
  const ValueId c = state(name, {DType::fp32, {}});
  const ValueId next = b.add(b.mul(c, beta), 1 - beta);
  replace(c, next);
  return next;
}

void OptimizerBuilder::corrections() {
  Builder b(graph_, Phase::optimizer, "adamw");
  const ValueId first = correction(b, "adamw.correction1", recipe_.beta1);
  const ValueId second = correction(b, "adamw.correction2", recipe_.beta2);
  step_size_ = b.mul(b.unary(Op::reciprocal, first), recipe_.lr);
  root_correction_ = b.unary(Op::rsqrt, second);
}

ValueId OptimizerBuilder::decayed_gradient(Builder& b, ValueId parameter, ValueId gradient) {
  return recipe_.weight_decay == 0 ? gradient : b.add(gradient, b.mul(parameter, recipe_.weight_decay));
}

ValueId OptimizerBuilder::sgd(Builder& b, ValueId parameter, ValueId gradient) {
  return b.sub(parameter, b.mul(decayed_gradient(b, parameter, gradient), recipe_.lr));
}

ValueId OptimizerBuilder::momentum(Builder& b, ValueId parameter, ValueId gradient) {
  const ValueId velocity = state(graph_.value(parameter).name + ".velocity", b.type(parameter));
  const ValueId next = b.add(b.mul(velocity, recipe_.momentum), decayed_gradient(b, parameter, gradient));
  replace(velocity, next);
  return b.sub(parameter, b.mul(next, recipe_.lr));
}

ValueId OptimizerBuilder::adagrad(Builder& b, ValueId parameter, ValueId gradient) {
  const ValueId sum = state(graph_.value(parameter).name + ".sum", b.type(parameter));
  const ValueId g = decayed_gradient(b, parameter, gradient);
  const ValueId next = b.add(sum, b.mul(g, g));
  replace(sum, next);
  const ValueId root = b.add(b.unary(Op::sqrt, next), recipe_.epsilon);
  return b.sub(parameter, b.mul(b.mul(g, b.unary(Op::reciprocal, root)), recipe_.lr));
}

ValueId OptimizerBuilder::adamw(Builder& b, ValueId parameter, ValueId gradient) {
  const std::string name = graph_.value(parameter).name;
  const ValueId m = state(name + ".m", b.type(parameter)), v = state(name + ".v", b.type(parameter));
  const ValueId m_next = b.add(b.mul(m, recipe_.beta1), b.mul(gradient, 1 - recipe_.beta1));
  const ValueId square = b.mul(gradient, gradient);
  const ValueId v_next = b.add(b.mul(v, recipe_.beta2), b.mul(square, 1 - recipe_.beta2));
  replace(m, m_next);
  replace(v, v_next);
  const ValueId denominator = b.add(b.mul(b.unary(Op::sqrt, v_next), root_correction_), recipe_.epsilon);
  const ValueId change = b.mul(b.mul(m_next, b.unary(Op::reciprocal, denominator)), step_size_);
  const double keep = 1 - recipe_.lr * recipe_.weight_decay;
  return b.sub(recipe_.weight_decay == 0 ? parameter : b.mul(parameter, keep), change);
}

void OptimizerBuilder::update(ValueId parameter, ValueId gradient) {
  struct Rule {
    const char* suffix;
    ValueId (OptimizerBuilder::*next)(Builder&, ValueId, ValueId);
  };
  static const std::map<Optimizer, Rule> kRules = {
      {Optimizer::sgd, {".sgd", &OptimizerBuilder::sgd}},
      {Optimizer::momentum, {".momentum", &OptimizerBuilder::momentum}},
      {Optimizer::adagrad, {".adagrad", &OptimizerBuilder::adagrad}},
      {Optimizer::adamw, {".adamw", &OptimizerBuilder::adamw}}};
  const Rule& rule = kRules.at(recipe_.optimizer);
  Builder b(graph_, Phase::optimizer, graph_.value(parameter).name + rule.suffix);
  replace(parameter, (this->*rule.next)(b, parameter, gradient));
}

}  // namespace

void add_optimizer(Graph& graph, const Gradients& gradients, const Recipe& recipe) {
  OptimizerBuilder builder(graph, recipe);
  const std::vector<LookedUp> tables = looked_up_tables(graph, gradients, recipe);
  const auto by_rows = [&](ValueId id) {
    return std::any_of(tables.begin(), tables.end(), [&](const LookedUp& t) { return t.table == id; });
  };
  const std::size_t count = graph.values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<ValueId>(i);
    const auto gradient = gradients.of.find(id);
    if (graph.value(id).role == Role::parameter && gradient != gradients.of.end() && !by_rows(id)) {
      builder.update(id, gradient->second);
    }
  }
  add_sparse_optimizer(graph, tables, recipe);
}

}  // namespace leto::compiler
