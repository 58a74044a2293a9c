// A short way to append operations: one phase, one name, scalars shared. Every method appends one node and
// returns its output. Intermediate results are fp32 unless `to` names another type for the next one.
#pragma once

#include <map>

#include "compiler/graph.h"

namespace leto::compiler {

class Builder {
 public:
  using Dims = std::vector<std::int64_t>;
  using Attributes = std::map<std::string, Attribute>;

  Builder(Graph& graph, Phase phase, std::string name)
      : graph_(graph), phase_(phase), name_(std::move(name)) {}

  Graph& graph() { return graph_; }
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  /// A copy: what is appended moves the graph's values.
  Dims shape(ValueId id) const { return type(id).shape; }

  /// Any operation, its attributes as they are.
  ValueId raw(Op op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return graph_.add(op, std::move(inputs), std::move(attributes), phase_, name_);
  }
  /// Elementwise operation or reduction with an fp32 result (or `dtype`).
  ValueId op(Op op, std::vector<ValueId> inputs, DType dtype = DType::fp32) {
    return raw(op, std::move(inputs), {{"dtype", std::string(name_of(dtype))}});
  }
  ValueId scalar(double x);
  ValueId add(ValueId a, ValueId b) { return op(Op::add, {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return op(Op::sub, {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return op(Op::mul, {a, b}); }
  ValueId add(ValueId a, double b) { return add(a, scalar(b)); }
  ValueId mul(ValueId a, double b) { return mul(a, scalar(b)); }
  ValueId unary(Op o, ValueId a) { return op(o, {a}); }
  /// Reductions keep reduced dims as 1.
  ValueId reduce(Op o, ValueId x, Dims axes);
  /// Labels as rows of 0 and 1, in bf16: exact, and half the room of fp32.
  ValueId one_hot(ValueId labels, std::int64_t classes) {
    return raw(Op::is_class, {labels}, {{"classes", classes}, {"dtype", std::string(name_of(DType::bf16))}});
  }
  ValueId sum_last(ValueId x) { return reduce(Op::reduce_sum, x, {last_axis(x)}); }
  ValueId max_last(ValueId x) { return reduce(Op::reduce_max, x, {last_axis(x)}); }
  /// Movement; the value itself when nothing would move.
  ValueId reshape(ValueId x, Dims shape);
  ValueId transpose(ValueId x, Dims perm);
  ValueId swap_last_two(ValueId x);
  ValueId slice(ValueId x, Dims starts, Dims sizes, Dims steps);
  ValueId expand(ValueId x, Dims shape);

 private:
  std::int64_t last_axis(ValueId x) const { return static_cast<std::int64_t>(shape(x).size()) - 1; }

  Graph& graph_;
  Phase phase_;
  std::string name_;
  std::map<float, ValueId> scalars_;
};

/// Statistics of the rows of x for layer normalisation, each [..., 1]: written in one place because decompose
/// and autodiff must build the same operations for common_subexpressions to share them.
struct RowStatistics {
  ValueId mean, rstd, centred;  // centred = x - mean
};
RowStatistics row_statistics(Builder& b, ValueId x, double epsilon);

/// 1 / root of the mean square of each row of x, [..., 1]; shared in the same way.
ValueId row_inverse_size(Builder& b, ValueId x, double epsilon);

/// e^(x - max) of each row, its sum [..., 1] and x - max: the same for softmax, cross_entropy and their
/// gradients.
struct RowExponentials {
  ValueId max, exponentials, sum;
};
RowExponentials row_exponentials(Builder& b, ValueId x);

}  // namespace leto::compiler
