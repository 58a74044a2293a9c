#include "compiler/lower/attention_plan.h"

#include <algorithm>

#include "compiler/lower/rounding.h"
#include "compiler/ops.h"
#include "isa/instruction.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kFloat = 4;  // bytes
// How deep buffers are: the first profile that fits is taken.
constexpr int kProfiles = 4;

class Planner {
 public:
  Planner(AttentionStage stage, const AttentionShape& shape, const ChipConfig& chip)
      : stage_(stage), s_(shape), chip_(chip) {}

  std::vector<AttentionPlan> best(std::size_t most_plans) {
    std::vector<AttentionPlan> plans;
    const std::int64_t most =
        std::min<std::int64_t>(isa::kHeldRows, isa::kBankRows * chip_.matrix_engine.tiles);
    for (profile_ = 0; profile_ < kProfiles; ++profile_)
      for (plan_.held = most; plan_.held >= isa::kBankRows; plan_.held /= 2)
        for (plan_.slots = 2; plan_.slots >= 1; --plan_.slots)
          for (plan_.columns = plan_.rows(); plan_.columns >= isa::kBankRows; plan_.columns /= 2)
            if (accumulates() && fits()) {
              plans.push_back(plan_);
              if (plans.size() == most_plans) return plans;
            }
    return plans;
  }

  // The query kernel owns the rows and takes the tiles of dscores that the gradient kernel left.
  std::optional<AttentionPlan> like(const AttentionPlan& gradient) {
    plan_ = gradient;
    plan_.columns = gradient.rows();
    for (profile_ = 0; profile_ < kProfiles; ++profile_)
      if (fits()) return plan_;
    return std::nullopt;
  }

 private:
  // Products of a slot fill half of the accumulators at most.
  bool accumulates() {
    plan_.half = chip_.reduction_engine.banks / 2;
    const std::int64_t banks_m = plan_.held / isa::kBankRows;
    const auto banks = [&](std::int64_t n) { return banks_m * ceil_div(n, isa::kBankRows); };
    const bool square = stage_ == AttentionStage::forward || banks(s_.d) <= plan_.half;
    return square && banks(plan_.columns) <= plan_.half && banks(s_.e) <= plan_.half;
  }

  bool fits() {
    plan_.buffers = stage_ == AttentionStage::forward    ? forward()
                    : stage_ == AttentionStage::gradient ? gradient()
                                                         : query();
    std::int64_t bytes = 0;
    for (LocalBuffer& b : plan_.buffers) {
      b.bytes = aligned(b.bytes);
      bytes += b.bytes * std::max(1, b.depth);
    }
    return bytes <= chip_.local_store.bytes;
  }

  // One tile more in the profiles up to `profile`.
  int deep(int profile) const { return profile_ <= profile ? 2 : 1; }

  std::vector<LocalBuffer> forward() const {
    using namespace attention_forward;
    const std::int64_t rows = plan_.rows(), columns = plan_.columns, x = s_.element;
    std::vector<LocalBuffer> b(kCount);
    b[q] = {rows * s_.d * x, deep(0)};
    b[k] = {columns * s_.d * x, deep(1)};
    b[v_raw] = {columns * s_.e * x, deep(1)};
    b[v] = {columns * s_.e * x, deep(1)};
    b[scores] = {rows * columns * kFloat, 1};
    b[shifted] = {rows * columns * kFloat, 0};
    b[p] = {rows * columns * x, deep(2)};
    b[weighted] = {rows * s_.e * kFloat, deep(0)};
    b[sum] = {rows * s_.e * kFloat, 0};
    b[statistics] = {3 * rows * kFloat, 0};
    b[out] = {rows * s_.e * x, 1};
    b[lse] = {rows * kFloat, 1};
    b[mask] = {rows * rows, 0};
    b[ramp] = {rows * kFloat, 0};
    return b;
  }

  std::vector<LocalBuffer> gradient() const {
    using namespace attention_gradient;
    const std::int64_t rows = plan_.rows(), columns = plan_.columns, x = s_.element;
    std::vector<LocalBuffer> b(kCount);
    b[k] = {rows * s_.d * x, deep(0)};
    b[v] = {rows * s_.e * x, deep(0)};
    b[q_raw] = {columns * s_.d * x, deep(1)};
    b[dy_raw] = {columns * s_.e * x, deep(1)};
    b[q] = {columns * s_.d * x, deep(0)};
    b[dy] = {columns * s_.e * x, deep(0)};
    b[q_t] = {columns * s_.d * x, deep(2)};
    b[dy_t] = {columns * s_.e * x, deep(2)};
    b[lse] = b[delta] = {columns * kFloat, 2};
    b[scores] = b[dp] = {rows * columns * kFloat, 1};
    b[shifted] = b[difference] = {rows * columns * kFloat, 0};
    b[p] = b[ds] = {rows * columns * x, deep(1)};
    b[ds_out] = {rows * columns * x, deep(1)};
    b[dk] = {plan_.held * s_.d * kFloat, plan_.slots};
    b[dv] = {plan_.held * s_.e * kFloat, plan_.slots};
    b[out] = {plan_.held * std::max(s_.d, s_.e) * x, deep(1)};
    b[mask] = {rows * rows, 0};
    b[ramp] = {rows * kFloat, 0};
    b[none] = {kTileAlignment, 0};
    return b;
  }

  std::vector<LocalBuffer> query() const {
    using namespace attention_query;
    const std::int64_t rows = plan_.rows(), columns = plan_.columns, x = s_.element;
    std::vector<LocalBuffer> b(kCount);
    b[ds_raw] = {rows * columns * x, deep(2)};  // room for the widest tile
    b[k_raw] = {columns * s_.d * x, deep(2)};
    b[ds] = {rows * columns * x, deep(2)};
    b[k] = {columns * s_.d * x, deep(2)};
    b[out] = {rows * s_.d * x, deep(2)};
    b[none] = {kTileAlignment, 0};
    return b;
  }

  AttentionStage stage_;
  const AttentionShape& s_;
  const ChipConfig& chip_;
  AttentionPlan plan_;
  int profile_ = 0;
};

// Does the node have what its kernel takes? The gradient's products hang on its scores.
bool has_plan(const Graph& graph, const Node& node, const ChipConfig& chip) {
  const auto& in = [&](std::size_t i) -> const Type& { return graph.value(node.inputs[i]).type; };
  const auto back = [&](std::size_t i, std::size_t n) { return in(i).shape[in(i).shape.size() - n]; };
  const int element = size_of(in(0).dtype);
  if (node.op == Op::attention)
    return element <= 2 && plan_attention(AttentionStage::forward,
                                          {back(0, 2), back(1, 2), back(0, 1), back(2, 1), element}, chip);
  if (node.op == Op::attention_dscores)
    return element <= 2 && plan_attention(AttentionStage::gradient, gradient_shape(graph, node), chip) &&
           plan_attention(AttentionStage::query, gradient_shape(graph, node), chip);
  if (node.op == Op::attention_dv || node.op == Op::attention_dk)
    return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& ds) { return shares_scores(node, ds); });
  return true;
}

}  // namespace

bool shares_scores(const Node& gradient, const Node& ds) {
  if (ds.op != Op::attention_dscores) return false;
  if (gradient.op == Op::attention_dk) return gradient.inputs[0] == ds.output;
  const auto &a = gradient.inputs, &b = ds.inputs;
  return gradient.op == Op::attention_dv && a[0] == b[0] && a[1] == b[1] && a[2] == b[3] && a[3] == b[4];
}

AttentionShape shape_of(const AttentionKernel& kernel) {
  const auto back = [](const Place& place, std::size_t n) {
    return place.view.shape[place.view.shape.size() - n];
  };
  return {back(kernel.q, 2), back(kernel.k, 2), back(kernel.q, 1), back(kernel.v, 1),
          size_of(kernel.q.dtype)};
}

AttentionShape gradient_shape(const Graph& graph, const Node& ds) {
  const auto back = [&](std::size_t i, std::size_t n) {
    const auto& shape = graph.value(ds.inputs[i]).type.shape;
    return shape[shape.size() - n];
  };
  return {back(0, 2), back(1, 2), back(0, 1), back(2, 1), size_of(graph.value(ds.inputs[0]).type.dtype)};
}

View dscores_view(StorageId storage, const Dims& shape, const AttentionPlan& gradient) {
  const std::int64_t n = shape[shape.size() - 2], m = shape.back();
  const std::int64_t width = ceil_div(m, gradient.columns) * gradient.columns;
  View view = dense_view(storage, shape);
  std::int64_t stride = ceil_div(n, gradient.rows()) * gradient.rows() * width;
  view.strides.back() = gradient.rows();
  view.strides[shape.size() - 2] = width;
  for (std::size_t i = shape.size() - 2; i-- > 0; stride *= shape[i]) view.strides[i] = stride;
  return view;
}

std::optional<AttentionPlan> plan_attention(AttentionStage stage, const AttentionShape& shape,
                                            const ChipConfig& chip) {
  const bool query = stage == AttentionStage::query;
  const auto plans = Planner(query ? AttentionStage::gradient : stage, shape, chip).best(1);
  if (plans.empty()) return std::nullopt;
  return query ? Planner(stage, shape, chip).like(plans[0]) : plans[0];
}

std::vector<AttentionPlan> attention_plans(const AttentionShape& shape, const ChipConfig& chip, int most) {
  return Planner(AttentionStage::forward, shape, chip).best(std::size_t(most));
}

bool attention_fits(const Graph& graph, const ChipConfig& chip) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(),
                     [&](const Node& node) { return !is_attention(node.op) || has_plan(graph, node, chip); });
}

}  // namespace leto::compiler
