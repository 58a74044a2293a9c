#include "compiler/lower/vector_ops.h"

namespace leto::compiler {

using isa::VectorOp;

bool is_view_op(Op op) {
  return op == Op::reshape || op == Op::transpose || op == Op::slice || op == Op::expand;
}

std::optional<VectorOp> vector_op(Op op) {
  switch (op) {
    case Op::cast:
      return VectorOp::copy;
    case Op::add:
      return VectorOp::add;
    case Op::sub:
      return VectorOp::subtract;
    case Op::mul:
      return VectorOp::multiply;
    case Op::max:
      return VectorOp::maximum;
    case Op::min:
      return VectorOp::minimum;
    case Op::ge:
      return VectorOp::greater_equal;
    case Op::gt:
      return VectorOp::greater;
    case Op::eq:
      return VectorOp::equal;
    case Op::reciprocal:
      return VectorOp::reciprocal;
    case Op::sqrt:
      return VectorOp::square_root;
    case Op::rsqrt:
      return VectorOp::reciprocal_square_root;
    case Op::exp:
      return VectorOp::exponential;
    case Op::log:
      return VectorOp::logarithm;
    case Op::tanh:
      return VectorOp::tanh;
    case Op::erf:
      return VectorOp::erf;
    case Op::sigmoid:
      return VectorOp::sigmoid;
    case Op::abs:
      return VectorOp::absolute;
    case Op::neg:
      return VectorOp::negate;
    case Op::relu:
      return VectorOp::relu;
    case Op::keep:
      return VectorOp::keep;
    case Op::is_class:
      return VectorOp::column_is;
    default:
      return std::nullopt;
  }
}

bool is_row_reduce(const Graph& graph, const Node& node) {
  if (node.op != Op::reduce_sum && node.op != Op::reduce_max) return false;
  const auto& axes = node.list("axes");
  return axes.size() == 1 && axes[0] + 1 == std::int64_t(graph.value(node.inputs[0]).type.shape.size());
}

Space space_of(const Dims& shape) {
  const std::int64_t columns = shape.empty() ? 1 : shape.back();
  return {columns ? product(shape) / columns : 0, columns};
}

}  // namespace leto::compiler
