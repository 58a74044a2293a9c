// Products of matrices. bf16, fp16 and fp8 products are exact in fp32, so a multiply and an add round as the
// engine's fused multiply-add does. Included by compute.cpp alone.
#pragma once

#include "compiler/reference/kernels.h"

namespace leto::compiler::reference::kernel {

/// Offset, in matrices, of each batch index of the result in an operand whose batch dims broadcast.
inline std::vector<std::size_t> batch_offsets(const std::vector<std::int64_t>& operand,
                                              const std::vector<std::int64_t>& out) {
  const std::vector<std::int64_t> batch(out.begin(), out.end() - 2), own(operand.begin(), operand.end() - 2);
  std::vector<std::size_t> offsets;
  for_each(batch, broadcast_strides(own, batch), 0,
           [&](std::size_t, std::size_t offset) { offsets.push_back(offset); });
  return offsets;
}

/// A rows x columns matrix, swapped to columns x rows if `swap`.
template <class T>
Array<T> plain(const T* x, std::size_t rows, std::size_t columns, bool swap) {
  Array<T> out(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      out[swap ? c * rows + r : r * columns + c] = x[r * columns + c];
    }
  }
  return out;
}

/// c[m,n] = a[m,k] · b[k,n], ascending k for each element.
template <class T>
void multiply(const Array<T>& a, const Array<T>& b, T* c, std::size_t m, std::size_t k, std::size_t n) {
  for (std::size_t i = 0; i < m; ++i) {
    T* row = c + i * n;
    for (std::size_t p = 0; p < k; ++p) {
      const T x = a[i * k + p];
      const T* y = b.data() + p * n;
      for (std::size_t j = 0; j < n; ++j) {
        row[j] += x * y[j];
      }
    }
  }
}

template <class T>
Array<T> matmul(const Call<T>& call) {
  const auto dim = [&](std::size_t operand, std::size_t from_last) {
    const auto& shape = call.shape(operand);
    return static_cast<std::size_t>(shape[shape.size() - from_last]);
  };
  Array<T> y(call.size(), T(0));
  const bool trans_a = call.node.integer("trans_a") != 0, trans_b = call.node.integer("trans_b") != 0;
  const std::size_t m = dim(0, trans_a ? 1 : 2), k = dim(0, trans_a ? 2 : 1), n = dim(1, trans_b ? 2 : 1);
  const auto a_at = batch_offsets(call.shape(0), call.out.shape),
             b_at = batch_offsets(call.shape(1), call.out.shape);
  for (std::size_t i = 0; i < a_at.size(); ++i) {
    const Array<T> left = plain(call.x(0).data() + a_at[i] * m * k, dim(0, 2), dim(0, 1), trans_a);
    const Array<T> right = plain(call.x(1).data() + b_at[i] * k * n, dim(1, 2), dim(1, 1), trans_b);
    multiply(left, right, y.data() + i * m * n, m, k, n);
  }
  return y;
}

}  // namespace leto::compiler::reference::kernel
