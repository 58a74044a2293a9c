#include "compiler/passes/micro_batches.h"

#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

using Dims = std::vector<std::int64_t>;

class MicroBatches {
 public:
  MicroBatches(const Graph& one, std::int64_t count) : one_(one), count_(count), to_(leaves()) {
    results_.resize(one.outputs.size());
  }

  MicroBatched run(const std::vector<ValueId>& wanted, LossScale scale) {
    if (scale.scalar >= 0) scale.scalar = leaf_[at(scale.scalar)];
    const LossScale part{scale.factor / static_cast<double>(count_), scale.scalar};
    for (std::int64_t i = 0; i < count_; ++i) step(i, wanted, part);
    finish();
    return {std::move(to_), std::move(gradients_), scale};
  }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }
  Value& leaf(ValueId old) { return to_.value(leaf_[at(old)]); }

  /// The leaves alone; inputs hold the rows of all micro batches.
  Graph leaves() {
    Rewriter rewriter(one_);
    leaf_.resize(one_.values.size());
    for (std::size_t i = 0; i < one_.values.size(); ++i) leaf_[i] = rewriter[static_cast<ValueId>(i)];
    Graph graph = std::move(rewriter.to());
    graph.tokens *= count_;
    for (Value& v : graph.values)
      if (v.role == Role::input && !v.type.shape.empty()) v.type.shape[0] *= count_;
    return graph;
  }

  /// Forward and backward of one micro batch.
  void step(std::int64_t i, const std::vector<ValueId>& wanted, const LossScale& scale) {
    std::vector<ValueId> map = leaf_;
    for (std::size_t v = 0; v < map.size(); ++v)
      if (one_.values[v].role == Role::input) map[v] = part(static_cast<ValueId>(v), i);
    for (const Node& node : one_.nodes) {
      std::vector<ValueId> in;
      for (const ValueId id : node.inputs) in.push_back(map[at(id)]);
      map[at(node.output)] = to_.add(node.op, in, node.attributes, node.phase, node.name);
    }
    losses_.push_back(map[at(one_.loss)]);
    for (std::size_t o = 0; o < results_.size(); ++o) results_[o].push_back(map[at(one_.outputs[o])]);
    std::vector<ValueId> leaves;
    for (const ValueId id : wanted) leaves.push_back(leaf_[at(id)]);
    add(differentiate(to_, losses_.back(), leaves, scale));
  }

  /// Rows i of `count_` of an input.
  ValueId part(ValueId old, std::int64_t i) {
    const Dims shape = one_.value(old).type.shape;
    if (shape.empty()) return leaf_[at(old)];
    Dims starts(shape.size(), 0);
    starts[0] = i * shape[0];
    Builder b(to_, Phase::forward, one_.value(old).name + ".micro");
    return b.slice(leaf_[at(old)], starts, shape, Dims(shape.size(), 1));
  }

  void add(Gradients part) {
    gradients_.goal.merge(part.goal);
    for (const auto& [value, gradient] : part.of) {
      if (to_.value(value).role == Role::intermediate) continue;
      const auto [sum, first] = gradients_.of.try_emplace(value, gradient);
      if (first) continue;
      Builder b(to_, Phase::backward, to_.value(value).name + ".accumulate");
      sum->second = b.add(sum->second, gradient);
      gradients_.goal.emplace(sum->second, value);
    }
  }

  /// The mean of the losses, and every output's rows one micro batch after the other.
  void finish() {
    Builder b(to_, Phase::loss, "loss");
    ValueId total = losses_[0];
    for (std::size_t i = 1; i < losses_.size(); ++i) total = b.add(total, losses_[i]);
    to_.loss = named(b.mul(total, 1 / static_cast<double>(count_)), one_.loss);
    for (std::size_t o = 0; o < results_.size(); ++o) {
      const bool rows = !to_.value(results_[o][0]).type.shape.empty();
      const ValueId all = rows ? to_.add(Op::concat, results_[o], {{"axis", std::int64_t{0}}}, Phase::forward,
                                         one_.value(one_.outputs[o]).name)
                               : results_[o].back();
      to_.outputs.push_back(named(all, one_.outputs[o]));
    }
  }
  ValueId named(ValueId id, ValueId old) {
    to_.value(id).name = one_.value(old).name;
    return id;
  }

  const Graph& one_;
  std::int64_t count_;
  std::vector<ValueId> leaf_;  // by old value
  Graph to_;
  std::vector<ValueId> losses_;
  std::vector<std::vector<ValueId>> results_;  // by output, a micro batch each
  Gradients gradients_;
};

}  // namespace

MicroBatched accumulate(const Graph& one, std::int64_t count, const std::vector<ValueId>& wanted,
                        const LossScale& scale) {
  return MicroBatches(one, count).run(wanted, scale);
}

}  // namespace leto::compiler
