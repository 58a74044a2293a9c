#include "compiler/lower/vector_plan.h"
#include "compiler/lower/rounding.h"

#include <algorithm>

namespace leto::compiler {
namespace {

// Buffers and scratch slots together; a kernel that needs more is not fused further.
constexpr int kBufferBudget = isa::kBuffers - 1;  // one for the sink

// What a plan aims at.
struct Aim {
  // Tiles a PE should have to work on: enough that the first load and the last store are a small share.
  std::int64_t tiles_per_pe = 6;
  int depth = 2;     // tiles in each buffer
  bool runs = true;  // take tiles in an order that keeps operands over a run of them
};
constexpr Aim kOtherAims[] = {{12, 2}, {12, 3}, {24, 3},       {3, 2},        {24, 4},
                              {6, 3},  {2, 2},  {6, 2, false}, {12, 3, false}};

// Smallest tile worth a command (elements): below it, set-up outweighs the work.
constexpr std::int64_t kSmallestTile = 4096;

// Share of a kernel's bytes that an operand kept over a run of tiles must save to be worth a PE's tiles lying
// apart in memory.
constexpr double kLeastRunSaving = 0.05;

Spread spread_of(const View& v) {
  const auto n = v.shape.size();
  const bool columns = v.strides[n - 1] != 0 && v.shape[n - 1] > 1;
  bool rows = false;
  for (std::size_t i = n - 3; i < n - 1; ++i) rows = rows || (v.strides[i] != 0 && v.shape[i] > 1);
  if (columns) return rows ? Spread::full : Spread::row;
  return rows ? Spread::column : Spread::scalar;
}

bool is_invariant(const View& v, const VectorPlan& plan) {
  if (plan.tiles() == 1) return false;
  for (std::size_t i = 0; i < v.shape.size(); ++i)
    if (v.strides[i] != 0 && plan.blocks(i) > 1) return false;
  return true;
}

// Result slots by liveness: a slot is reused once its last reader has passed; slots hold one size class.
// Where a row is taken in blocks, what belongs to a row lives as long as the row: one fp32 slot a step.
struct Slots {
  std::vector<int> of;                      // by step
  std::vector<std::pair<int, bool>> kinds;  // (element bytes, column)
};

Slots assign_slots(const VectorKernel& kernel, bool blocked_rows) {
  const int n = static_cast<int>(kernel.steps.size());
  std::vector<int> last(static_cast<std::size_t>(n), -1);
  for (int s = 0; s < n; ++s)
    for (const auto* ref : {&kernel.steps[std::size_t(s)].a, &kernel.steps[std::size_t(s)].b})
      if (ref->kind == VectorKernel::Ref::Kind::result) last[std::size_t(ref->index)] = s;
  // A result that is stored once and nothing else goes straight to the output buffer.
  constexpr int kNone = -1, kSeveral = -2;
  std::vector<int> output(static_cast<std::size_t>(n), kNone);
  for (int o = 0; o < static_cast<int>(kernel.outputs.size()); ++o) {
    auto& only = output[std::size_t(kernel.outputs[std::size_t(o)].step)];
    only = only == kNone ? o : kSeveral;
  }
  Slots slots{std::vector<int>(std::size_t(n)), {}};
  std::vector<int> busy_until;
  for (int s = 0; s < n; ++s) {
    const auto& step = kernel.steps[std::size_t(s)];
    const bool of_row = blocked_rows && step.column;
    if (output[std::size_t(s)] >= 0 && last[std::size_t(s)] < 0 && !of_row) {
      slots.of[std::size_t(s)] = -1 - output[std::size_t(s)];
      continue;
    }
    const std::pair<int, bool> kind{of_row ? size_of(DType::fp32) : size_of(step.dtype), step.column};
    int slot = -1;
    // An elementwise pass may write over an operand it is the last to read: same place, same width.
    const int free_at = step.reduce == isa::Reduce::none ? s : s - 1;
    for (int i = 0; i < static_cast<int>(slots.kinds.size()) && slot < 0 && !of_row; ++i)
      if (slots.kinds[std::size_t(i)] == kind && busy_until[std::size_t(i)] <= free_at) slot = i;
    if (slot < 0) {
      slot = static_cast<int>(slots.kinds.size());
      slots.kinds.push_back(kind);
      busy_until.push_back(0);
    }
    // A stored result is copied to its output right after it is made (emit_vector.cpp), so `last` covers it.
    busy_until[std::size_t(slot)] = std::max(last[std::size_t(s)], s);
    slots.of[std::size_t(s)] = slot;
  }
  return slots;
}

class Planner {
 public:
  Planner(const VectorKernel& kernel, const ChipConfig& chip, const Aim& aim)
      : kernel_(kernel), chip_(chip), aim_(aim) {
    reduces_ = std::any_of(kernel.steps.begin(), kernel.steps.end(),
                           [](const auto& s) { return s.reduce != isa::Reduce::none; });
    columns_matter_ = reduces_ || std::any_of(kernel.steps.begin(), kernel.steps.end(), [](const auto& s) {
                        return s.column || s.op == isa::VectorOp::column_is;
                      });
    merge_dims();
  }

  std::optional<VectorPlan> run() {
    for (int depth : {aim_.depth, 1})
      for (bool blocked_rows : {false, true})
        if ((!blocked_rows || may_block_rows()) && tiled(depth, blocked_rows)) return plan_;
    return {};
  }

 private:
  bool may_block_rows() const {
    const auto late = after_reductions(kernel_);
    for (std::size_t s = 0; s < kernel_.steps.size(); ++s) {
      const auto& step = kernel_.steps[s];
      if (late[s] && (!step.column || step.reduce != isa::Reduce::none)) return false;
    }
    return reduces_;
  }

  bool tiled(int depth, bool blocked_rows) {
    plan_.blocked_rows = blocked_rows;
    slots_ = assign_slots(kernel_, blocked_rows);
    plan_.slot_of = slots_.of;
    if (static_cast<int>(plan_.inputs.size() + plan_.outputs.size() + slots_.kinds.size()) > kBufferBudget)
      return false;
    for (auto* group : {&plan_.inputs, &plan_.outputs})
      for (auto& operand : *group) operand.depth = depth;
    if (!choose_tile()) return false;
    if (aim_.runs || plan_.blocked_rows) choose_run();
    return true;
  }

  void merge_dims() {
    std::vector<View> views;
    for (const auto& i : kernel_.inputs) views.push_back(i.view);
    for (const auto& o : kernel_.outputs)
      views.push_back(o.place.view.shape.back() == kernel_.shape.back()
                          ? o.place.view
                          : broadcast(o.place.view, kernel_.shape));
    collapse(views, columns_matter_);
    for (auto& v : views)
      while (v.shape.size() < 3) {
        v.shape.insert(v.shape.begin(), 1);
        v.strides.insert(v.strides.begin(), 0);
      }
    plan_.shape = views.front().shape;
    std::size_t next = 0;
    for (const auto& i : kernel_.inputs)
      plan_.inputs.push_back({{views[next++], i.dtype}, Spread::full, false, 0, 2});
    for (const auto& o : kernel_.outputs)
      plan_.outputs.push_back({{views[next++], o.place.dtype}, Spread::full, false, 0, 2});
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o)
      plan_.outputs[o].spread =
          kernel_.steps[std::size_t(kernel_.outputs[o].step)].column ? Spread::column : Spread::full;
    for (auto& i : plan_.inputs) i.spread = spread_of(i.place.view);
  }

  std::int64_t bytes_of(Spread spread, int element) const {
    const std::int64_t rows = plan_.tile_planes * plan_.tile_rows;
    switch (spread) {
      case Spread::full:
        return rows * plan_.tile_columns * element;
      case Spread::row:
        return plan_.tile_columns * element;
      case Spread::column:
        return rows * element;
      case Spread::scalar:
        return element;
    }
    return 0;
  }

  bool fits() {
    std::int64_t total = kSinkBytes;
    for (auto* group : {&plan_.inputs, &plan_.outputs})
      for (auto& o : *group) {
        o.invariant = group == &plan_.inputs && is_invariant(o.place.view, plan_);
        if (o.invariant) o.depth = 1;
        o.tile_bytes = aligned(bytes_of(o.spread, size_of(o.place.dtype)));
        total += o.tile_bytes * o.depth;
      }
    plan_.slot_bytes.clear();
    for (auto [element, column] : slots_.kinds) {
      plan_.slot_bytes.push_back(aligned(bytes_of(column ? Spread::column : Spread::full, element)));
      total += plan_.slot_bytes.back();
    }
    plan_.local_bytes = total;
    return total <= chip_.local_store.bytes;
  }

  // Grows the tile from one row: columns first (whole rows where they matter), then rows, then planes.
  bool choose_tile() {
    const auto n = plan_.shape.size();
    const std::int64_t columns = plan_.shape[n - 1], rows = plan_.shape[n - 2], planes = plan_.shape[n - 3];
    const std::int64_t share = product(plan_.shape) / (aim_.tiles_per_pe * chip_.pes()) + 1;
    const std::int64_t goal = std::max(share, kSmallestTile);  // elements
    plan_.tile_planes = plan_.tile_rows = 1;
    plan_.tile_columns = columns;
    if (!reduces_ || plan_.blocked_rows) {
      if (!reduces_) plan_.tile_columns = std::min(columns, aligned(goal));
      while (!fits() && plan_.tile_columns > 64) plan_.tile_columns = aligned(plan_.tile_columns / 2);
    }
    if (!fits()) return false;
    if (plan_.tile_columns < columns) return true;
    grow(plan_.tile_rows, rows, goal);
    if (plan_.tile_rows == rows && !element_granular()) grow(plan_.tile_planes, planes, goal);
    return fits();
  }

  // The dim along which most bytes repeat from tile to tile: a mask over all heads, a table over the batch.
  // Blocks of a row belong together: what is one number a row is their run's.
  void choose_run() {
    if (plan_.blocked_rows) {
      for (auto& o : plan_.inputs)
        o.per_run = !o.invariant && (o.spread == Spread::column || o.spread == Spread::scalar);
      return;
    }
    std::int64_t moved = 0, most = 0;  // bytes, were every operand moved with every tile
    for (const auto* group : {&plan_.inputs, &plan_.outputs})
      for (const auto& o : *group)
        if (!o.invariant) moved += o.tile_bytes * plan_.tiles();
    for (std::size_t i = 0; i < plan_.shape.size(); ++i) {
      if (plan_.shape[i] % plan_.tile_extent(i) != 0) continue;  // tiles of a run are alike
      std::int64_t saved = 0;
      for (const auto& o : plan_.inputs)
        if (repeats(o, i)) saved += o.tile_bytes * (plan_.tiles() - plan_.tiles() / plan_.blocks(i));
      if (saved > most && double(saved) > kLeastRunSaving * double(moved)) {
        most = saved;
        plan_.run_dim = i;
      }
    }
    if (plan_.run_dim)
      for (auto& o : plan_.inputs) o.per_run = repeats(o, *plan_.run_dim);
  }

  static bool repeats(const VectorPlan::Operand& o, std::size_t dim) {
    return !o.invariant && o.place.view.strides[dim] == 0;
  }

  // An operand whose columns are not adjacent is moved element by element: rows and planes of the transfer
  // are spent.
  bool element_granular() const {
    auto strided = [](const VectorPlan::Operand& o) {
      return o.place.view.shape.back() > 1 && o.place.view.strides.back() != 0 &&
             o.place.view.strides.back() != 1;
    };
    return std::any_of(plan_.inputs.begin(), plan_.inputs.end(), strided) ||
           std::any_of(plan_.outputs.begin(), plan_.outputs.end(), strided);
  }

  void grow(std::int64_t& extent, std::int64_t limit, std::int64_t goal) {
    auto elements = [&] { return plan_.tile_planes * plan_.tile_rows * plan_.tile_columns; };
    std::int64_t good = 1;
    for (extent = 1; extent <= limit && fits();
         extent = extent < limit ? std::min(limit, extent * 2) : limit + 1) {
      good = extent;
      if (elements() >= goal) break;
    }
    extent = good;
    // Even blocks: 100 rows in tiles of 64 become two of 50.
    const std::int64_t blocks = (limit + good - 1) / good;
    extent = (limit + blocks - 1) / blocks;
  }

  const VectorKernel& kernel_;
  const ChipConfig& chip_;
  const Aim aim_;
  Slots slots_;
  VectorPlan plan_;
  bool reduces_ = false, columns_matter_ = false;
};

bool alike(const VectorPlan& x, const VectorPlan& y) {
  const auto depths = [](const VectorPlan& p) {
    std::vector<int> list;
    for (const auto* group : {&p.inputs, &p.outputs})
      for (const auto& operand : *group) list.push_back(operand.depth);
    return list;
  };
  return x.tile_planes == y.tile_planes && x.tile_rows == y.tile_rows && x.tile_columns == y.tile_columns &&
         x.run_dim == y.run_dim && depths(x) == depths(y);
}

}  // namespace

std::int64_t VectorPlan::tile_extent(std::size_t i) const {
  const auto n = shape.size();
  if (i == n - 1) return tile_columns;
  if (i == n - 2) return tile_rows;
  return i == n - 3 ? tile_planes : 1;
}

std::int64_t VectorPlan::blocks(std::size_t i) const {
  return (shape[i] + tile_extent(i) - 1) / tile_extent(i);
}

std::int64_t VectorPlan::tiles() const {
  std::int64_t n = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) n *= blocks(i);
  return n;
}

std::vector<bool> after_reductions(const VectorKernel& kernel) {
  std::vector<bool> late(kernel.steps.size(), false);
  for (std::size_t s = 0; s < kernel.steps.size(); ++s)
    for (const auto* ref : {&kernel.steps[s].a, &kernel.steps[s].b}) {
      if (ref->kind != VectorKernel::Ref::Kind::result) continue;
      const auto of = std::size_t(ref->index);
      late[s] = late[s] || late[of] || kernel.steps[of].reduce != isa::Reduce::none;
    }
  return late;
}

std::optional<VectorPlan> plan_vector(const VectorKernel& kernel, const ChipConfig& chip) {
  return Planner(kernel, chip, {}).run();
}

std::vector<VectorPlan> vector_plans(const VectorKernel& kernel, const ChipConfig& chip, int most) {
  std::vector<VectorPlan> plans;
  if (const auto usual = plan_vector(kernel, chip)) plans.push_back(*usual);
  for (const Aim& aim : kOtherAims) {
    if (plans.empty() || int(plans.size()) == most) break;
    const auto other = Planner(kernel, chip, aim).run();
    if (!other || other->blocked_rows != plans[0].blocked_rows) continue;
    if (std::none_of(plans.begin(), plans.end(), [&](const VectorPlan& p) { return alike(p, *other); }))
      plans.push_back(*other);
  }
  return plans;
}

}  // namespace leto::compiler
