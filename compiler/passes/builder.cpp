#include "compiler/passes/builder.h"

#include <numeric>

namespace leto::compiler {

ValueId Builder::scalar(double x) {
  const auto value = static_cast<float>(x);
  const auto it = scalars_.find(value);
  return it != scalars_.end() ? it->second : scalars_[value] = graph_.scalar(value);
}

ValueId Builder::reduce(Op o, ValueId x, Dims axes) {
  return raw(o, {x}, {{"axes", std::move(axes)}, {"dtype", std::string(name_of(DType::fp32))}});
}

ValueId Builder::reshape(ValueId x, Dims to) {
  return shape(x) == to ? x : raw(Op::reshape, {x}, {{"shape", std::move(to)}});
}

ValueId Builder::transpose(ValueId x, Dims perm) {
  Dims identity(perm.size());
  std::iota(identity.begin(), identity.end(), 0);
  return perm == identity ? x : raw(Op::transpose, {x}, {{"perm", std::move(perm)}});
}

ValueId Builder::swap_last_two(ValueId x) {
  Dims perm(shape(x).size());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transpose(x, perm);
}

ValueId Builder::slice(ValueId x, Dims starts, Dims sizes, Dims steps) {
  return shape(x) == sizes
             ? x
             : raw(Op::slice, {x},
                   {{"starts", std::move(starts)}, {"sizes", std::move(sizes)}, {"steps", std::move(steps)}});
}

ValueId Builder::expand(ValueId x, Dims to) {
  return shape(x) == to ? x : raw(Op::expand, {x}, {{"shape", std::move(to)}});
}

RowStatistics row_statistics(Builder& b, ValueId x, double epsilon) {
  const double share = 1.0 / static_cast<double>(b.shape(x).back());
  const ValueId mean = b.mul(b.sum_last(x), share);
  const ValueId centred = b.sub(x, mean);
  const ValueId variance = b.mul(b.sum_last(b.mul(centred, centred)), share);
  return {mean, b.unary(Op::rsqrt, b.add(variance, epsilon)), centred};
}

ValueId row_inverse_size(Builder& b, ValueId x, double epsilon) {
  const double share = 1.0 / static_cast<double>(b.shape(x).back());
  return b.unary(Op::rsqrt, b.add(b.mul(b.sum_last(b.mul(x, x)), share), epsilon));
}

RowExponentials row_exponentials(Builder& b, ValueId x) {
  const ValueId max = b.max_last(x);
  const ValueId exponentials = b.unary(Op::exp, b.sub(x, max));
  return {max, exponentials, b.sum_last(exponentials)};
}

}  // namespace leto::compiler
