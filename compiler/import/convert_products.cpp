// MatMul and Gemm.
#include "compiler/import/importer.h"

namespace leto::compiler::import {
namespace {

// A vector counts as one row on the left, as one column on the right; that dimension is dropped from the
// result.
void matmul(Importer& m, const NodeView& node) {
  ValueId a = m.value(node, 0), b = m.value(node, 1);
  const bool row = m.shape(a).size() == 1, column = m.shape(b).size() == 1;
  if (row) {
    a = m.reshape(node, a, {1, m.shape(a)[0]});
  }
  if (column) {
    b = m.reshape(node, b, {m.shape(b)[0], 1});
  }
  ValueId y = m.emit(node, Op::matmul, {a, b});
  Dims shape = m.shape(y);
  if (column) {
    shape.pop_back();
  }
  if (row) {
    shape.erase(shape.end() - (column ? 1 : 2));
  }
  m.define(node, 0, m.reshape(node, y, shape));
}

ValueId scaled(Importer& m, const NodeView& node, ValueId x, double factor) {
  return factor == 1 ? x : m.emit(node, Op::mul, {x, m.scalar(factor)});
}

void gemm(Importer& m, const NodeView& node) {
  Importer::Attributes attributes;
  if (node.integer("transA", 0) != 0) {
    attributes["trans_a"] = std::int64_t{1};
  }
  if (node.integer("transB", 0) != 0) {
    attributes["trans_b"] = std::int64_t{1};
  }
  const ValueId a = m.value(node, 0), b = m.value(node, 1);
  ValueId y =
      scaled(m, node, m.emit(node, Op::matmul, {a, b}, std::move(attributes)), node.number("alpha", 1));
  const double beta = node.number("beta", 1);
  if (node.has_input(2) && beta != 0) {
    y = m.emit(node, Op::add, {y, scaled(m, node, m.value(node, 2), beta)});
  }
  m.define(node, 0, y);
}

}  // namespace

const ConverterTable& product_converters() {
  static const ConverterTable kTable = {{"MatMul", matmul}, {"Gemm", gemm}};
  return kTable;
}

}  // namespace leto::compiler::import
