// fp8 products. One scale a tensor, from the largest magnitude in it now, so that no state has to be kept:
//
//   unit    = max(largest |x|, tiny) / largest number of the type        fp32 [1]
//   q       = cast(x / unit)                                             e4m3; gradients e5m2
//   product = (qa qb) * (unit_a unit_b)
//
// In fp64, where casts do not round, the three cancel: --check-values holds the pass against its input.
#include "base/errors.h"

#include "compiler/ops.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

/// Below this a tensor counts as zeros: its reciprocal, times 57344, is still a number of fp32.
constexpr double kTiny = 0x1p-100;

double largest(DType type) {
  return type == DType::e5m2 ? 57344 : 448;
}

class Quantisation {
 public:
  explicit Quantisation(const Graph& graph)
      : graph_(graph), rewriter_(graph), producer_(graph.values.size(), nullptr) {
    for (const Node& node : graph.nodes) producer_[std::size_t(node.output)] = &node;
  }
  Graph run();

 private:
  struct Scaled {
    ValueId q, unit;
  };
  Scaled operand(ValueId old, const Node& user);
  Scaled quantised(ValueId old, const Node& user);
  ValueId unit(Builder& b, ValueId x, DType type);
  void product(const Node& node);

  const Node* producer(ValueId old) const { return producer_[std::size_t(old)]; }
  /// What is rounded to fp8: the wide value that a cast made `old` of, so that it is rounded once.
  ValueId source(ValueId old) const {
    const Node* node = producer(old);
    return node && node->op == Op::cast && is_float(graph_.value(node->inputs[0]).type.dtype)
               ? node->inputs[0]
               : old;
  }
  DType type_of(ValueId old) const {
    const Node* node = producer(old);
    return node && node->phase == Phase::backward ? DType::e5m2 : DType::e4m3;
  }

  const Graph& graph_;
  Rewriter rewriter_;
  std::vector<const Node*> producer_;
  std::map<ValueId, Scaled> scaled_;  // by old value
};

ValueId Quantisation::unit(Builder& b, ValueId x, DType type) {
  const Type from = b.type(x);
  const std::int64_t columns = from.shape.back(), rows = elements(from) / columns;
  const ValueId magnitudes = b.unary(Op::abs, b.reshape(x, {rows, columns}));
  const ValueId most = b.max_last(b.reshape(b.max_last(magnitudes), {1, rows}));
  return b.mul(b.op(Op::max, {b.reshape(most, {1}), b.scalar(kTiny)}), 1 / largest(type));
}

Quantisation::Scaled Quantisation::quantised(ValueId old, const Node& user) {
  const DType type = type_of(old);
  const ValueId x = rewriter_[source(old)];
  Builder b(rewriter_.to(), user.phase, fmt::format("{}.{}", graph_.value(old).name, name_of(type)));
  const ValueId size = unit(b, x, type);
  return {b.op(Op::mul, {x, b.unary(Op::reciprocal, size)}, type), size};
}

/// A matrix that is only another's elements in another order is quantised as that one.
Quantisation::Scaled Quantisation::operand(ValueId old, const Node& user) {
  const auto found = scaled_.find(old);
  if (found != scaled_.end()) return found->second;
  const Node* node = producer(old);
  Scaled scaled{-1, -1};
  if (node && (node->op == Op::reshape || node->op == Op::transpose || node->op == Op::expand)) {
    scaled = operand(node->inputs[0], user);
    scaled.q = rewriter_.to().add(node->op, {scaled.q}, node->attributes, node->phase, node->name);
  } else {
    scaled = quantised(old, user);
  }
  return scaled_[old] = scaled;
}

void Quantisation::product(const Node& node) {
  const Scaled a = operand(node.inputs[0], node), b = operand(node.inputs[1], node);
  const DType type = graph_.value(node.output).type.dtype;
  auto attributes = node.attributes;
  attributes["dtype"] = std::string(name_of(type));
  Builder builder(rewriter_.to(), node.phase, node.name);
  const ValueId units = builder.raw(Op::matmul, {a.q, b.q}, std::move(attributes));
  rewriter_.replace(node.output, builder.op(Op::mul, {units, builder.mul(a.unit, b.unit)}, type));
}

Graph Quantisation::run() {
  for (const Node& node : graph_.nodes) {
    if (node.op == Op::matmul)
      product(node);
    else
      rewriter_.copy(node);
  }
  return rewriter_.finish();
}

}  // namespace

Graph quantise(const Graph& graph) {
  return Quantisation(graph).run();
}

}  // namespace leto::compiler
