// From an operation to its kernel, by name.
#include "base/dtypes.h"
#include "compiler/reference/kernels_attention.h"
#include "compiler/reference/kernels_elementwise.h"
#include "compiler/reference/kernels_matmul.h"
#include "compiler/reference/kernels_movement.h"
#include "compiler/reference/kernels_rows.h"
#include "compiler/reference/kernels_updates.h"
#include "compiler/reference/kernels_windows.h"

namespace leto::compiler::reference {

std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * shape[i];
  }
  return strides;
}

std::vector<std::int64_t> broadcast_strides(const std::vector<std::int64_t>& from,
                                            const std::vector<std::int64_t>& shape) {
  const auto own = strides_of(from);
  std::vector<std::int64_t> out(shape.size(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    out[shape.size() - from.size() + i] = from[i] == 1 ? 0 : own[i];
  }
  return out;
}

void round_to(DType type, Array<float>& data) {
  if (type == DType::fp32) {
    return;
  }
  const auto n = static_cast<std::int64_t>(data.size());
  std::vector<std::byte> stored(data.size() * static_cast<std::size_t>(size_of(type)));
  store_elements(type, data.data(), stored.data(), n);
  load_elements(type, stored.data(), data.data(), n);
}

void round_to(DType type, Array<double>& data) {
  if (is_float(type)) {
    return;
  }
  const double past = std::ldexp(1.0, 8 * size_of(type) - 1);  // one above the maximum
  for (double& x : data) {
    // int64 keeps its open ends: exporters write the largest for "to the end".
    const double top = type == DType::int64 ? past : past - 1;
    x = x != x ? 0 : std::trunc(std::min(std::max(x, -past), top));
  }
}

template <class T>
Array<T> compute(const Call<T>& call) {
  switch (call.node.op) {
#define OP(name, ...) \
  case Op::name:      \
    return kernel::name(call);
#include "compiler/ops.inc"
#undef OP
  }
  return {};
}

template Array<float> compute(const Call<float>&);
template Array<double> compute(const Call<double>&);

}  // namespace leto::compiler::reference
