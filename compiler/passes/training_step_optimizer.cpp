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
  OptimizerBuilder(Graph& graph, const Recipe& recipe, const LossScale& scale)
      : graph_(graph), recipe_(recipe), scale_(scale) {
    if (recipe.warmup > 0) {
      warm_up();
    }
    if (recipe.optimizer == Optimizer::adamw) {
      corrections();
    }
  }
  /// The gradients as the update takes them: of the loss itself, and no longer than clip_norm.
  void prepare(std::map<ValueId, ValueId>& gradients);
  void update(ValueId parameter, ValueId gradient);
  /// The updates, all but those of the scale only where no gradient overflowed.
  void finish();

 private:
  ValueId state(const std::string& name, const Type& type);
  void replace(ValueId state, ValueId next);
  void corrections();
  void warm_up();
  ValueId rate(Builder& b) { return rate_ < 0 ? b.scalar(recipe_.lr) : rate_; }
  ValueId squared_norm(Builder& b, ValueId x);
  void divide_by_scale(std::map<ValueId, ValueId>& gradients);
  ValueId decayed_gradient(Builder& b, ValueId parameter, ValueId gradient);
  ValueId sgd(Builder& b, ValueId parameter, ValueId gradient);
  ValueId momentum(Builder& b, ValueId parameter, ValueId gradient);
  ValueId adagrad(Builder& b, ValueId parameter, ValueId gradient);
  ValueId adamw(Builder& b, ValueId parameter, ValueId gradient);

  Graph& graph_;
  const Recipe& recipe_;
  const LossScale scale_;
  ValueId finite_ = -1;  // with a dynamic scale: 1 if no gradient overflowed
  StateUpdates updates_;
  ValueId rate_ = -1;                              // with a warmup: this step's lr
  ValueId step_size_ = -1, root_correction_ = -1;  // adamw: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
};

ValueId OptimizerBuilder::state(const std::string& name, const Type& type) {
  return graph_.add_value(name, {DType::fp32, type.shape}, Role::state);
}

void OptimizerBuilder::replace(ValueId state, ValueId next) {
  updates_.emplace_back(state, next);
}

void OptimizerBuilder::finish() {
  Builder b(graph_, Phase::optimizer, "loss_scale");
  if (finite_ >= 0) {
    for (auto& [state, next] : updates_) next = b.op(Op::select, {finite_, next, state});
    const StateUpdates own = next_loss_scale(b, scale_.scalar, finite_, recipe_.loss_scale_period);
    updates_.insert(updates_.end(), own.begin(), own.end());
  }
  for (const auto& [state, next] : updates_) {
    graph_.value(next).name = graph_.names.claim(graph_.values, graph_.value(state).name + ".new");
    graph_.names.reserve(graph_.value(next).name);
    graph_.updates.emplace_back(state, next);
  }
}

void OptimizerBuilder::corrections() {
  Builder b(graph_, Phase::optimizer, "adamw");
  const ValueId first = bias_correction(b, "adamw.correction1", recipe_.beta1, updates_);
  const ValueId second = bias_correction(b, "adamw.correction2", recipe_.beta2, updates_);
  step_size_ = b.mul(b.unary(Op::reciprocal, first), rate(b));
  root_correction_ = b.unary(Op::rsqrt, second);
}

// Step t of the first `warmup` has lr t / warmup; the state counts steps.
void OptimizerBuilder::warm_up() {
  Builder b(graph_, Phase::optimizer, "warmup");
  const ValueId steps = state("warmup.steps", {DType::fp32, {}});
  const auto whole = static_cast<double>(recipe_.warmup);
  const ValueId next = b.op(Op::min, {b.add(steps, 1.0), b.scalar(whole)});
  replace(steps, next);
  rate_ = b.mul(next, recipe_.lr / whole);
}

ValueId OptimizerBuilder::squared_norm(Builder& b, ValueId x) {
  const std::int64_t all = elements(b.type(x)), columns = b.shape(x).empty() ? 1 : b.shape(x).back();
  const ValueId rows = b.sum_last(b.reshape(b.mul(x, x), {all / columns, columns}));
  return b.reshape(b.sum_last(b.reshape(rows, {1, all / columns})), {});
}

void OptimizerBuilder::divide_by_scale(std::map<ValueId, ValueId>& gradients) {
  Builder b(graph_, Phase::optimizer, "loss_scale");
  const ValueId inverse =
      scale_.scalar >= 0 ? b.unary(Op::reciprocal, scale_.scalar) : b.scalar(1 / scale_.factor);
  if (scale_.scalar >= 0 && !gradients.empty()) finite_ = all_finite(b, gradients, inverse);
  for (auto& [parameter, gradient] : gradients) gradient = b.mul(gradient, inverse);
}

// As torch.nn.utils.clip_grad_norm_ does it: all by min(1, clip_norm / (norm + 1e-6)).
void OptimizerBuilder::prepare(std::map<ValueId, ValueId>& gradients) {
  if (scale_.scalar >= 0 || scale_.factor != 1) divide_by_scale(gradients);
  if (recipe_.clip_norm == 0) return;
  Builder b(graph_, Phase::optimizer, "clip_norm");
  ValueId total = -1;
  for (auto& [parameter, gradient] : gradients) {
    const ValueId square = squared_norm(b, gradient);
    total = total < 0 ? square : b.add(total, square);
  }
  if (total < 0) return;
  const ValueId inverse = b.unary(Op::reciprocal, b.add(b.unary(Op::sqrt, total), 1e-6));
  const ValueId scale = b.op(Op::min, {b.mul(inverse, recipe_.clip_norm), b.scalar(1)});
  for (auto& [parameter, gradient] : gradients) gradient = b.mul(gradient, scale);
}

ValueId OptimizerBuilder::decayed_gradient(Builder& b, ValueId parameter, ValueId gradient) {
  return recipe_.weight_decay == 0 ? gradient : b.add(gradient, b.mul(parameter, recipe_.weight_decay));
}

ValueId OptimizerBuilder::sgd(Builder& b, ValueId parameter, ValueId gradient) {
  return b.sub(parameter, b.mul(decayed_gradient(b, parameter, gradient), rate(b)));
}

ValueId OptimizerBuilder::momentum(Builder& b, ValueId parameter, ValueId gradient) {
  const ValueId velocity = state(graph_.value(parameter).name + ".velocity", b.type(parameter));
  const ValueId next = b.add(b.mul(velocity, recipe_.momentum), decayed_gradient(b, parameter, gradient));
  replace(velocity, next);
  return b.sub(parameter, b.mul(next, rate(b)));
}

ValueId OptimizerBuilder::adagrad(Builder& b, ValueId parameter, ValueId gradient) {
  const ValueId sum = state(graph_.value(parameter).name + ".sum", b.type(parameter));
  const ValueId g = decayed_gradient(b, parameter, gradient), next = b.add(sum, b.mul(g, g));
  replace(sum, next);
  const ValueId denominator = b.add(b.unary(Op::sqrt, next), recipe_.epsilon);
  return b.sub(parameter, b.mul(b.mul(g, b.unary(Op::reciprocal, denominator)), rate(b)));
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
  if (recipe_.weight_decay == 0) return b.sub(parameter, change);
  const ValueId keep = rate_ < 0 ? b.scalar(1 - recipe_.lr * recipe_.weight_decay)
                                 : b.add(b.mul(rate_, -recipe_.weight_decay), 1.0);
  return b.sub(b.mul(parameter, keep), change);
}

void OptimizerBuilder::update(ValueId parameter, ValueId gradient) {
  struct Rule {
    const char* kind;
    ValueId (OptimizerBuilder::*apply)(Builder&, ValueId, ValueId);
  };
  static const std::map<Optimizer, Rule> kRules = {
      {Optimizer::sgd, {".sgd", &OptimizerBuilder::sgd}},
      {Optimizer::momentum, {".momentum", &OptimizerBuilder::momentum}},
      {Optimizer::adagrad, {".adagrad", &OptimizerBuilder::adagrad}},
      {Optimizer::adamw, {".adamw", &OptimizerBuilder::adamw}}};
  const Rule& rule = kRules.at(recipe_.optimizer);
  Builder b(graph_, Phase::optimizer, graph_.value(parameter).name + rule.kind);
  replace(parameter, (this->*rule.apply)(b, parameter, gradient));
}

}  // namespace

// c = 1 - beta^t itself is the state, c' = beta c + (1 - beta): 1 - beta^t from a rounded power would lose
// half the digits in the first steps.
ValueId bias_correction(Builder& b, const std::string& name, double beta, StateUpdates& updates) {
  const ValueId c = b.graph().add_value(name, {DType::fp32, {}}, Role::state);
  const ValueId next = b.add(b.mul(c, beta), 1 - beta);
  updates.emplace_back(c, next);
  return next;
}

void add_optimizer(Graph& graph, const Gradients& gradients, const Recipe& recipe, const LossScale& scale) {
  OptimizerBuilder builder(graph, recipe, scale);
  const std::vector<LookedUp> tables = looked_up_tables(graph, gradients, recipe);
  const auto by_rows = [&](ValueId id) {
    return std::any_of(tables.begin(), tables.end(), [&](const LookedUp& t) { return t.table == id; });
  };
  std::map<ValueId, ValueId> trained;
  for (const auto& [value, gradient] : gradients.of) {
    if (graph.value(value).role == Role::parameter && !by_rows(value)) trained.emplace(value, gradient);
  }
  builder.prepare(trained);
  for (const auto& [parameter, gradient] : trained) {
    builder.update(parameter, gradient);
  }
  builder.finish();
  add_sparse_optimizer(graph, tables, recipe);
}

}  // namespace leto::compiler
