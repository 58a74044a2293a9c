#include "compiler/reference/initial.h"

#include <algorithm>

#include "base/hash.h"
#include "base/int8_rows.h"
#include "base/rng.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler {
namespace {

std::vector<float> draw_indices(const Value& v, std::uint64_t seed, std::uint64_t stream) {
  std::vector<float> out(static_cast<std::size_t>(elements(v.type)));
  const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(v.limit, 1));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(uniform_below(seed, stream, i, limit));
  }
  return out;
}

std::vector<float> draw_normal(const Value& v, std::uint64_t seed, std::uint64_t stream, double mean,
                               double deviation) {
  std::vector<float> out(static_cast<std::size_t>(elements(v.type)));
  fill_normal(seed, stream, 0, mean, deviation, out);
  return out;
}

std::vector<float> unrounded(const Value& v, std::uint64_t seed) {
  const std::uint64_t stream = fnv1a(v.name);
  if (!v.data.empty()) {
    return v.data;
  }
  if (v.drawn && v.type.dtype == DType::int8) {  // rows of a table
    const std::int64_t rows = v.type.shape[0], width = v.type.shape[1] - kInt8RowTail;
    std::vector<float> elements(static_cast<std::size_t>(rows * width));
    fill_normal(seed, stream, 0, v.mean, v.deviation, elements);
    return int8_rows(elements, width);
  }
  if (v.drawn) {
    return draw_normal(v, seed, stream, v.mean, v.deviation);
  }
  if (v.role != Role::input) {
    return std::vector<float>(static_cast<std::size_t>(elements(v.type)), 0.0F);
  }
  return is_float(v.type.dtype) ? draw_normal(v, seed, stream, 0, 1) : draw_indices(v, seed, stream);
}

}  // namespace

std::vector<float> initial_content(const Value& value, std::uint64_t seed) {
  std::vector<float> out = unrounded(value, seed);
  reference::round_to(value.type.dtype, out);
  return out;
}

}  // namespace leto::compiler
