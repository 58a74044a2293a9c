// Output types. One function a group of operations; each names the node in its errors.
#include <algorithm>
#include <functional>
#include <numeric>

#include "base/errors.h"
#include "base/int8_rows.h"
#include "compiler/ops.h"

namespace leto::compiler {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::size_t kMaxRank = 8;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 44;  // far above any memory, far below overflow

class Inference {
 public:
  Inference(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}
  Type run();

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ExitCode::bad_input,
                fmt::format("operation '{}' ({}): {}", node_.name, name_of(node_.op), why),
                "correct the operands or attributes of this operation");
  }
  void require(bool holds, std::string_view why) const {
    if (!holds) {
      fail(std::string(why));
    }
  }
  const Type& in(std::size_t i) const { return graph_.value(node_.inputs[i]).type; }
  const Shape& shape(std::size_t i) const { return in(i).shape; }
  std::size_t rank(std::size_t i) const { return shape(i).size(); }
  void require_integers(std::size_t i) const;
  DType result_type(DType otherwise) const;
  const Shape& list_of(std::string_view key, std::size_t n) const;

  void check_inputs() const;
  Shape output_shape() const;
  DType output_dtype() const;
  Shape same() const { return shape(0); }
  Shape broadcast() const;
  Shape classes() const;
  Shape first_of_row() const;
  Shape leading() const;
  Shape rows() const;
  Shape reduction() const;
  Shape matmul() const;
  Shape reshape() const;
  Shape transpose() const;
  Shape slice() const;
  Shape embed() const;
  Shape concat() const;
  Shape expand() const;
  Shape gather() const;
  Shape embedding_bag() const;
  Shape pinned_bag() const;
  Shape weighted_bag() const;
  Shape quantised_bag() const;
  Shape weighted_rows() const;
  Shape scatter_add() const;
  Shape sort_lookups() const;
  Shape updated_rows() const;
  Shape layernorm() const;
  Shape rmsnorm() const;
  Shape scores() const;
  Shape pair() const;
  Shape conv() const;
  Shape pool() const;
  Shape attention() const;
  Shape scores_product() const;
  std::int64_t back(std::size_t i, std::size_t n) const { return shape(i)[rank(i) - n]; }
  void require_matrices() const;
  Shape with_last(Shape shape, std::int64_t rows, std::int64_t columns) const;
  Shape window(const Shape& kernel, const Shape& dilations, std::int64_t channels) const;

  const Graph& graph_;
  const Node& node_;
};

void Inference::require_integers(std::size_t i) const {
  require(!is_float(in(i).dtype), fmt::format("operand {} must hold integers", i));
}

DType Inference::result_type(DType otherwise) const {
  const auto it = node_.attributes.find("dtype");
  if (it == node_.attributes.end()) {
    return otherwise;
  }
  const auto* name = std::get_if<std::string>(&it->second);
  const auto type = name ? dtype_from_name(*name) : std::nullopt;
  require(type.has_value(), "attribute 'dtype' is not the name of a type");
  return *type;
}

const Shape& Inference::list_of(std::string_view key, std::size_t n) const {
  const Shape& l = node_.list(key);
  if (l.size() != n) {
    fail(fmt::format("attribute '{}' needs {} numbers, has {}", key, n, l.size()));
  }
  return l;
}

void Inference::check_inputs() const {
  const int want = facts(node_.op).arity;
  const auto have = static_cast<int>(node_.inputs.size());
  if (want < 0 ? have < 1 : have != want) {
    fail(fmt::format("takes {} operands, has {}", want < 0 ? "one or more" : std::to_string(want), have));
  }
  for (const ValueId id : node_.inputs) {
    require(id >= 0 && id < static_cast<ValueId>(graph_.values.size()),
            "an operand is not a value of the graph");
  }
}

Type Inference::run() {
  check_inputs();
  Type out{output_dtype(), output_shape()};
  require(out.shape.size() <= kMaxRank, "the result has more than 8 dimensions");
  std::int64_t n = 1;
  for (const std::int64_t d : out.shape) {
    require(d >= 0, "the result has a negative dimension");
    require(d <= kMaxElements / n, "the result is too large");
    n *= std::max<std::int64_t>(d, 1);
  }
  return out;
}

DType Inference::output_dtype() const {
  require((node_.op != Op::cast && node_.op != Op::quantised_bag) || node_.has("dtype"),
          "needs the attribute 'dtype'");
  switch (facts(node_.op).type) {
    case TypeRule::exact:
      return in(0).dtype;
    case TypeRule::mask:
      return result_type(DType::fp32);
    case TypeRule::fp32:
      return DType::fp32;
    case TypeRule::int64:
      return DType::int64;
    case TypeRule::chosen:
      break;
  }
  return result_type(in(node_.op == Op::select ? 1 : 0).dtype);
}

Shape Inference::output_shape() const {
  switch (node_.op) {
#define OP(name, inputs, shape, ...) \
  case Op::name:                     \
    return shape();
#include "compiler/ops.inc"
#undef OP
  }
  return {};
}

Shape Inference::broadcast() const {
  Shape out = shape(0);
  for (std::size_t i = 1; i < node_.inputs.size(); ++i) {
    const auto both = broadcast_shapes(out, shape(i));
    if (!both) {
      fail(fmt::format("shapes [{}] and [{}] do not broadcast", fmt::join(out, ","),
                       fmt::join(shape(i), ",")));
    }
    out = *both;
  }
  return out;
}

Shape Inference::rows() const {
  require(rank(0) >= 1 && shape(0).back() >= 1, "needs rows of one element or more");
  return shape(0);
}

Shape Inference::first_of_row() const {
  Shape out = rows();
  out.back() = 1;
  return out;
}

Shape Inference::leading() const {
  Shape out = rows();
  const std::int64_t k = node_.integer("k", -1);
  require(k >= 0 && k <= out.back(), "'k' is not the size of a part of the row");
  out.back() = k;
  return out;
}

Shape Inference::classes() const {
  require_integers(0);
  Shape out = shape(0);
  out.push_back(node_.integer("classes"));
  require(out.back() >= 1, "needs one class or more");
  return out;
}

Shape Inference::reduction() const {
  Shape out = shape(0);
  std::int64_t last = -1;
  for (const std::int64_t axis : node_.list("axes")) {
    require(axis > last && axis < static_cast<std::int64_t>(out.size()),
            "'axes' must be ascending and in range");
    out[static_cast<std::size_t>(axis)] = 1;
    last = axis;
  }
  return out;
}

Shape Inference::matmul() const {
  require(rank(0) >= 2 && rank(1) >= 2, "operands need at least two dimensions");
  Shape a = shape(0), b = shape(1);
  if (node_.integer("trans_a") != 0) {
    std::swap(a[a.size() - 1], a[a.size() - 2]);
  }
  if (node_.integer("trans_b") != 0) {
    std::swap(b[b.size() - 1], b[b.size() - 2]);
  }
  if (a.back() != b[b.size() - 2]) {
    fail(fmt::format("[{}] x [{}]: contracted sizes {} and {} differ", fmt::join(a, ","), fmt::join(b, ","),
                     a.back(), b[b.size() - 2]));
  }
  auto out = broadcast_shapes(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  require(out.has_value(), "batch dimensions do not broadcast");
  out->push_back(a[a.size() - 2]);
  out->push_back(b.back());
  return *out;
}

Shape Inference::reshape() const {
  const Shape& to = node_.list("shape");
  std::int64_t n = 1;
  for (const std::int64_t d : to) {
    require(d >= 0 && d <= kMaxElements / std::max<std::int64_t>(n, 1), "'shape' has a size out of range");
    n *= d;
  }
  if (n != elements(in(0))) {
    fail(fmt::format("[{}] has {} elements, [{}] has {}", fmt::join(shape(0), ","), elements(in(0)),
                     fmt::join(to, ","), n));
  }
  return to;
}

Shape Inference::transpose() const {
  const Shape& perm = list_of("perm", rank(0));
  Shape out;
  std::vector<bool> seen(perm.size());
  for (const std::int64_t p : perm) {
    const auto i = static_cast<std::size_t>(p);
    require(p >= 0 && i < seen.size() && !seen[i], "'perm' is not a permutation of the dimensions");
    seen[i] = true;
    out.push_back(shape(0)[i]);
  }
  return out;
}

Shape Inference::slice() const {
  const Shape &starts = list_of("starts", rank(0)), &sizes = list_of("sizes", rank(0)),
              &steps = list_of("steps", rank(0));
  for (std::size_t i = 0; i < rank(0); ++i) {
    require(starts[i] >= 0 && sizes[i] >= 1 && steps[i] >= 1, "starts, sizes or steps out of range");
    require(starts[i] < shape(0)[i] && sizes[i] - 1 <= (shape(0)[i] - 1 - starts[i]) / steps[i],
            "the slice reaches past its operand");
  }
  return sizes;
}

Shape Inference::embed() const {
  const Shape &to = list_of("shape", rank(0)), &starts = list_of("starts", rank(0)),
              &steps = list_of("steps", rank(0));
  for (std::size_t i = 0; i < rank(0); ++i) {
    require(starts[i] >= 0 && steps[i] >= 1 && starts[i] < to[i], "starts or steps out of range");
    require(shape(0)[i] - 1 <= (to[i] - 1 - starts[i]) / steps[i], "the operand does not fit into 'shape'");
  }
  return to;
}

Shape Inference::concat() const {
  Shape out = shape(0);
  const std::int64_t axis = node_.integer("axis", -1);
  require(axis >= 0 && axis < static_cast<std::int64_t>(out.size()), "'axis' is out of range");
  for (std::size_t i = 1; i < node_.inputs.size(); ++i) {
    require(in(i).dtype == in(0).dtype && rank(i) == out.size(), "operands differ in type or rank");
    for (std::size_t d = 0; d < out.size(); ++d) {
      require(static_cast<std::int64_t>(d) == axis || shape(i)[d] == out[d], "operands differ off the axis");
    }
    out[static_cast<std::size_t>(axis)] += shape(i)[static_cast<std::size_t>(axis)];
  }
  return out;
}

Shape Inference::expand() const {
  const Shape& to = node_.list("shape");
  const auto out = broadcast_shapes(shape(0), to);
  require(out && *out == to, "the operand does not broadcast to 'shape'");
  return to;
}

Shape Inference::gather() const {
  require_integers(1);
  require(rank(0) >= 1, "the table needs at least one dimension");
  Shape out = shape(1);
  out.insert(out.end(), shape(0).begin() + 1, shape(0).end());
  return out;
}

Shape Inference::embedding_bag() const {
  require_integers(1);
  require(rank(0) == 2 && rank(1) >= 1, "needs a table [rows, width] and bags [..., bag] of indices");
  Shape out = shape(1);
  out.back() = shape(0)[1];
  return out;
}

Shape Inference::pinned_bag() const {
  require_integers(3);
  require(shape(1) == shape(3), "both lists of indices must have one shape");
  require(rank(2) == 2 && in(2).dtype == in(0).dtype && shape(2)[1] == shape(0)[1],
          "the rows that lie apart must be like those of the table");
  return embedding_bag();
}

Shape Inference::weighted_bag() const {
  require(is_float(in(2).dtype) && shape(2) == shape(1), "needs a weight for every index");
  return embedding_bag();
}

Shape Inference::quantised_bag() const {
  Shape out = embedding_bag();
  out.back() -= kInt8RowTail;
  require(in(0).dtype == DType::int8 && out.back() > 0 && out.back() % kInt8RowAlignment == 0,
          "needs rows of int8, four by four, with a scale and a bias behind them");
  return out;
}

Shape Inference::weighted_rows() const {
  require(rank(0) == 2 && rank(1) == 1 && is_float(in(1).dtype),
          "needs rows [many, width] and weights [lookups]");
  require(shape(0)[0] > 0 && shape(1)[0] % shape(0)[0] == 0, "every row needs as many weights");
  return {shape(1)[0], shape(0)[1]};
}

Shape Inference::scatter_add() const {
  require_integers(1);
  require(rank(0) >= rank(1) && std::equal(shape(1).begin(), shape(1).end(), shape(0).begin()),
          "the leading dimensions must be those of the indices");
  Shape out{node_.integer("rows")};
  out.insert(out.end(), shape(0).begin() + static_cast<std::ptrdiff_t>(rank(1)), shape(0).end());
  return out;
}

Shape Inference::sort_lookups() const {
  require_integers(0);
  require(node_.integer("rows") > 0 && node_.integer("share") > 0, "needs `rows` and `share`");
  return {std::accumulate(shape(0).begin(), shape(0).end(), std::int64_t{1}, std::multiplies<>()), 2};
}

Shape Inference::updated_rows() const {
  require_integers(2);
  require(in(0).dtype == DType::fp32 && rank(0) == 2 && rank(1) == 2,
          "table must be fp32 [rows, width], gradients [many, width]");
  require(rank(2) == 2 && shape(2)[1] == 2, "needs sorted lookups [lookups, 2]");
  const bool of_sums = node_.op == Op::adagrad_sums;
  require(of_sums ? shape(0)[1] == 1 : shape(0)[1] == shape(1)[1], "table and gradients must have one width");
  require(node_.op != Op::adagrad_rows || (in(3).dtype == DType::fp32 && shape(3) == Shape{shape(0)[0], 1}),
          "needs fp32 sums [rows, 1]");
  if (node_.op == Op::adam_rows) {
    for (const std::size_t i : {3, 4})
      require(in(i).dtype == DType::fp32 && shape(i) == shape(0), "needs fp32 moments like the table");
    for (const std::size_t i : {5, 6})
      require(in(i).dtype == DType::fp32 && rank(i) == 0, "needs two fp32 scalars");
  }
  require(node_.integer("block") > 0, "needs `block`");
  return shape(0);
}

Shape Inference::layernorm() const {
  require(rank(0) >= 1, "needs at least one dimension");
  const Shape last{shape(0).back()};
  require(shape(1) == last && shape(2) == last, "scale and bias must have the size of the last dimension");
  return shape(0);
}

Shape Inference::rmsnorm() const {
  const Shape out = rows();
  require(shape(1) == Shape{out.back()}, "scale must have the size of the last dimension");
  return out;
}

Shape Inference::pair() const {
  require(shape(0) == shape(1), "operands differ in shape");
  return {};
}

Shape Inference::scores() const {
  require_integers(1);
  require(rank(0) == 2 && shape(1) == Shape{shape(0)[0]}, "needs scores [rows, classes] and labels [rows]");
  return {};
}

Shape Inference::window(const Shape& kernel, const Shape& dilations, std::int64_t channels) const {
  const std::size_t n = kernel.size();
  const Shape &strides = list_of("strides", n), &pads = list_of("pads", 2 * n);
  Shape out{shape(0)[0], channels};
  const auto sane = [](std::int64_t x, std::int64_t least) { return x >= least && x < (1 << 20); };
  for (std::size_t i = 0; i < n; ++i) {
    require(sane(kernel[i], 1) && sane(strides[i], 1) && sane(dilations[i], 1) && sane(pads[i], 0) &&
                sane(pads[i + n], 0),
            "kernel, strides, pads or dilations out of range");
    out.push_back(window_extent(shape(0)[i + 2], pads[i] + pads[i + n], kernel[i], strides[i], dilations[i]));
    require(out.back() >= 1, "the window does not fit into the image");
  }
  return out;
}

Shape Inference::conv() const {
  require(rank(0) >= 3 && rank(1) == rank(0),
          "needs x[n,c,...] and w[o,c,...] with as many image dimensions");
  const std::int64_t group = node_.integer("group", 1);
  require(group >= 1 && shape(1)[0] % group == 0 && shape(1)[1] <= kMaxElements / group &&
              shape(0)[1] == shape(1)[1] * group,
          "channels of x, w and 'group' do not fit");
  return window(Shape(shape(1).begin() + 2, shape(1).end()), list_of("dilations", rank(0) - 2), shape(1)[0]);
}

Shape Inference::pool() const {
  require(rank(0) >= 3, "needs x[n,c,...]");
  const std::size_t n = rank(0) - 2;
  const Shape ones(n, 1);
  return window(list_of("kernel", n), node_.has("dilations") ? list_of("dilations", n) : ones, shape(0)[1]);
}

Shape Inference::with_last(Shape shape, std::int64_t rows, std::int64_t columns) const {
  shape[shape.size() - 2] = rows;
  shape.back() = columns;
  return shape;
}

void Inference::require_matrices() const {
  for (std::size_t i = 0; i < node_.inputs.size(); ++i) {
    require(rank(i) == rank(0) && rank(0) >= 3, "operands need the same rank, at least 3");
    require(elements(in(i)) > 0, "an operand is empty");
  }
}

// q, k and what follows them: v, dy as [..., rows, e]; lse and delta as [..., m, 1].
Shape Inference::attention() const {
  require(node_.number("scale", 1.0) > 0, "'scale' must be positive");
  require_matrices();
  require(back(0, 1) == back(1, 1), "q and k differ in their last dimension");
  require(back(0, 3) % back(1, 3) == 0, "the heads of q are not a multiple of those of k");
  for (std::size_t i = 0; i + 3 < rank(0); ++i)
    require(shape(0)[i] == shape(1)[i], "q and k differ in a batch dimension");
  const std::int64_t m = back(0, 2), n = back(1, 2);
  require(node_.integer("causal") == 0 || m == n, "causal attention needs as many rows as columns");
  switch (node_.op) {
    case Op::attention:
      require(with_last(shape(2), 1, 1) == with_last(shape(1), 1, 1) && back(2, 2) == n, "v does not fit k");
      return with_last(shape(0), m, back(2, 1));
    case Op::attention_lse:
      return with_last(shape(0), m, 1);
    case Op::attention_dscores:
      require(shape(4) == with_last(shape(0), m, 1) && shape(5) == shape(4), "lse or delta does not fit q");
      require(back(2, 2) == n && shape(3) == with_last(shape(0), m, back(2, 1)), "dy or v does not fit");
      return with_last(shape(0), n, m);
    default:  // attention_dv
      require(shape(3) == with_last(shape(0), m, 1), "lse does not fit q");
      require(shape(2) == with_last(shape(0), m, back(2, 1)), "dy does not fit q");
      return with_last(shape(1), n, back(2, 1));
  }
}

// dscores[..., n, m] with q or k.
Shape Inference::scores_product() const {
  require_matrices();
  const bool dk = node_.op == Op::attention_dk;
  require(back(1, 2) == back(0, dk ? 1 : 2), "the contracted sizes differ");
  Shape out = with_last(shape(0), back(0, dk ? 2 : 1), back(1, 1));
  if (dk) out[out.size() - 3] = node_.integer("heads", back(0, 3));
  require(out[out.size() - 3] >= 1 && back(0, 3) % out[out.size() - 3] == 0, "'heads' does not divide q's");
  require(back(0, 3) % back(1, 3) == 0, "the heads of the operands do not fit");
  return out;
}

}  // namespace

Type infer(const Graph& graph, const Node& node) {
  return Inference(graph, node).run();
}

}  // namespace leto::compiler
