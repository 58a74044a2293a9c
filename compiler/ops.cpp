#include "compiler/ops.h"

#include <algorithm>

namespace leto::compiler {
namespace {

struct Row {
  std::string_view name;
  int arity;
};
constexpr Row kRows[] = {
#define OP(name, arity, doc) {#name, arity},
#include "compiler/ops.inc"
#undef OP
};

bool between(Op op, Op first, Op last) {
  return op >= first && op <= last;
}

}  // namespace

std::string_view name_of(Op op) {
  return kRows[static_cast<std::size_t>(op)].name;
}

std::optional<Op> op_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].name == name) {
      return static_cast<Op>(i);
    }
  }
  return std::nullopt;
}

int arity(Op op) {
  return kRows[static_cast<std::size_t>(op)].arity;
}

// The groups are contiguous in ops.inc; is_class stands at the end of the elementwise group but changes the
// shape.
bool is_binary(Op op) {
  return between(op, Op::add, Op::eq) || op == Op::div || op == Op::pow;
}
bool is_unary(Op op) {
  return op == Op::cast || between(op, Op::reciprocal, Op::relu) || op == Op::gelu;
}
bool is_reduction(Op op) {
  return op == Op::reduce_sum || op == Op::reduce_max;
}
bool is_movement(Op op) {
  return between(op, Op::reshape, Op::expand);
}
bool is_composite(Op op) {
  return op >= Op::div;
}
bool is_attention(Op op) {
  return op >= Op::attention;
}

std::optional<std::vector<std::int64_t>> broadcast_shapes(const std::vector<std::int64_t>& a,
                                                          const std::vector<std::int64_t>& b) {
  std::vector<std::int64_t> out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {  // i counts from the last dimension
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return std::nullopt;
    }
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::int64_t window_extent(std::int64_t size, std::int64_t pads, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation) {
  const std::int64_t room = size + pads - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace leto::compiler
