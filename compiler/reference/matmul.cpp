// Products of matrices. bf16, fp16 and fp8 products are exact in fp32, so a multiply and an add round as the
// engine's fused multiply-add does.
#include "compiler/reference/kernels.h"

namespace leto::compiler::reference {
namespace {

using Dims = std::vector<std::int64_t>;

/// Offset, in matrices, of each batch index of the result in an operand whose batch dims broadcast.
std::vector<std::size_t> batch_offsets(const Dims& operand, const Dims& out) {
  const Dims batch(out.begin(), out.end() - 2);
  const Dims own(operand.begin(), operand.end() - 2);
  const Dims own_strides = strides_of(own);
  Dims strides(batch.size(), 0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    strides[batch.size() - own.size() + i] = own[i] == 1 ? 0 : own_strides[i];
  }
  std::vector<std::size_t> offsets;
  for_each(batch, strides, 0, [&](std::size_t, std::size_t offset) { offsets.push_back(offset); });
  return offsets;
}

/// A rows x columns matrix, swapped to columns x rows if `swap`.
Array plain(const float* x, std::size_t rows, std::size_t columns, bool swap) {
  Array out(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      out[swap ? c * rows + r : r * columns + c] = x[r * columns + c];
    }
  }
  return out;
}

/// c[m,n] = a[m,k] · b[k,n], ascending k for each element.
void multiply(const Array& a, const Array& b, float* c, std::size_t m, std::size_t k, std::size_t n) {
  for (std::size_t i = 0; i < m; ++i) {
    float* row = c + i * n;
    for (std::size_t p = 0; p < k; ++p) {
      const float x = a[i * k + p];
      const float* y = b.data() + p * n;
      for (std::size_t j = 0; j < n; ++j) {
        row[j] += x * y[j];
      }
    }
  }
}

std::size_t dim(const Operand& x, std::size_t from_last) {
  return static_cast<std::size_t>(x.type.shape[x.type.shape.size() - from_last]);
}

}  // namespace

Array matmul(const Node& node, const Type& out, const Operand& a, const Operand& b) {
  Array y(static_cast<std::size_t>(elements(out)), 0.0F);
  const auto m = static_cast<std::size_t>(out.shape[out.shape.size() - 2]);
  const auto n = static_cast<std::size_t>(out.shape.back());
  const bool trans_a = node.integer("trans_a") != 0, trans_b = node.integer("trans_b") != 0;
  const std::size_t k = trans_a ? dim(a, 2) : dim(a, 1);
  const auto a_at = batch_offsets(a.type.shape, out.shape), b_at = batch_offsets(b.type.shape, out.shape);
  for (std::size_t i = 0; i < a_at.size(); ++i) {
    const Array left = plain(a.data.data() + a_at[i] * m * k, dim(a, 2), dim(a, 1), trans_a);
    const Array right = plain(b.data.data() + b_at[i] * k * n, dim(b, 2), dim(b, 1), trans_b);
    multiply(left, right, y.data() + i * m * n, m, k, n);
  }
  return y;
}

}  // namespace leto::compiler::reference
