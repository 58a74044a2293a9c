#include "compiler/lower/matmul_plan.h"
#include "compiler/lower/rounding.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::compiler {
namespace {

void erase_dim(View& v, std::size_t i) {
  v.shape.erase(v.shape.begin() + std::ptrdiff_t(i));
  v.strides.erase(v.strides.begin() + std::ptrdiff_t(i));
}

// A batch dim that b does not depend on is more rows of a, if a and c are laid out that way.
void merge_batch_into_m(MatmulShape& s) {
  while (s.a.view.shape.size() > 2) {
    const auto i = s.a.view.shape.size() - 3;
    const View &a = s.a.view, &c = s.c.view;
    if (s.b.view.shape[i] != 1 && s.b.view.strides[i] != 0) return;
    if (a.shape[i] != 1 && (a.strides[i] != a.strides[i + 1] * a.shape[i + 1] ||
                            c.strides[i] != c.strides[i + 1] * c.shape[i + 1]))
      return;
    for (View* v : {&s.a.view, &s.c.view}) {
      if (v->shape[i + 1] == 1) v->strides[i + 1] = v->strides[i];
      v->shape[i + 1] *= v->shape[i];
      erase_dim(*v, i);
    }
    erase_dim(s.b.view, i);
  }
}

// The remaining batch dims, merged where all three views allow.
void merge_batch_dims(MatmulShape& s) {
  std::vector<View> batch;
  for (const View* v : {&s.a.view, &s.b.view, &s.c.view}) {
    View b = *v;
    b.shape.resize(b.shape.size() - 2);
    b.strides.resize(b.strides.size() - 2);
    batch.push_back(b);
  }
  collapse(batch, false);
  if (batch[0].shape == Dims{1})
    for (auto& b : batch) b.shape.clear(), b.strides.clear();
  std::size_t i = 0;
  for (View* v : {&s.a.view, &s.b.view, &s.c.view}) {
    View& b = batch[i++];
    b.shape.insert(b.shape.end(), v->shape.end() - 2, v->shape.end());
    b.strides.insert(b.strides.end(), v->strides.end() - 2, v->strides.end());
    *v = b;
  }
}

class Planner {
 public:
  Planner(const MatmulShape& shape, const ChipConfig& chip) : s_(shape), chip_(chip) {
    element_ = size_of(s_.a.dtype);
    result_ = size_of(s_.c.dtype);
    const auto adjacent = [](const View& v, std::size_t back) {
      return v.strides[v.shape.size() - back] == 1 || v.shape[v.shape.size() - back] == 1;
    };
    transpose_a_ = !adjacent(s_.a.view, 1) && adjacent(s_.a.view, 2);
    transpose_b_ = !adjacent(s_.b.view, 1) && adjacent(s_.b.view, 2);
  }

  MatmulPlan best() {
    std::optional<MatmulPlan> best;
    auto consider = [&](std::optional<MatmulPlan> plan) {
      if (plan && (!best || plan->cycles < best->cycles)) best = plan;
    };
    for (bool rows : {true, false}) consider(grid(rows));
    consider(dealt());
    if (!best)
      throw Error(ExitCode::does_not_fit,
                  fmt::format("no tile of a {} x {} x {} matmul fits the local store of {} bytes", s_.m, s_.n,
                              s_.k, chip_.local_store.bytes),
                  "use a chip with a larger local_store.bytes");
    return *best;
  }

 private:
  std::optional<MatmulPlan> grid(bool m_on_rows) {
    MatmulPlan p;
    p.grid = true;
    p.m_on_rows = m_on_rows;
    p.m_per_pe = ceil_div(s_.m, m_on_rows ? chip_.pe.rows : chip_.pe.columns);
    p.n_per_pe = ceil_div(s_.n, m_on_rows ? chip_.pe.columns : chip_.pe.rows);
    if (!choose_tile(p, p.m_per_pe, p.n_per_pe)) return {};
    const double batches = double(product(s_.batch));
    const auto tiles_m = double(ceil_div(p.m_per_pe, p.tile_m)),
               tiles_n = double(ceil_div(p.n_per_pe, p.tile_n));
    const double unique = double(s_.m) * tiles_n + double(s_.n) * tiles_m;  // rows of k read from memory
    p.cycles =
        batches * (cost(p, double(p.m_per_pe), double(p.n_per_pe), tiles_m, tiles_n, unique) + kUnitOverhead);
    return p;
  }

  std::optional<MatmulPlan> dealt() {
    MatmulPlan p;
    p.grid = false;
    p.m_per_pe = s_.m;
    p.n_per_pe = s_.n;
    if (!choose_tile(p, s_.m, s_.n)) return {};
    const std::int64_t units = product(s_.batch) * ceil_div(s_.m, p.tile_m);
    const double each = double(ceil_div(units, chip_.pes()));
    const double m = double(std::min(s_.m, p.tile_m)), tiles_n = double(ceil_div(s_.n, p.tile_n));
    const double unique = (m * a_loads(p, tiles_n) + double(s_.n)) * chip_.pes();
    p.cycles = each * (cost(p, m, double(s_.n), 1, tiles_n, unique) + kUnitOverhead / 4);
    return p;
  }

  // How often a's tile is read for a row of tiles: once when all of k stays in the local store.
  double a_loads(const MatmulPlan& p, double tiles_n) const { return p.panels ? 1 : tiles_n; }

  // Cycles of one PE's share of one batch: the slowest of the engines it keeps busy.
  double cost(const MatmulPlan& p, double m, double n, double tiles_m, double tiles_n,
              double unique_rows) const {
    const double k = double(s_.k), inner = double(chip_.matrix_engine.inner_bytes) / element_;
    const double held = double(ceil_div(std::int64_t(m), isa::kHeldRows));
    const double matrix =
        held * std::max(n, 32.0) * std::max(1.0, double(ceil_div(s_.k, std::int64_t(inner))));
    const double in_rows = m * a_loads(p, tiles_n) + n * tiles_m;
    const double port = in_rows * k * element_ / chip_.fabric_interface.bytes_per_cycle;
    const double out = m * n * result_ / chip_.fabric_interface.bytes_per_cycle;
    const double layout =
        ((p.transpose_a ? m * a_loads(p, tiles_n) : 0) + (p.transpose_b ? n * tiles_m : 0)) * k * element_ /
        chip_.layout_engine.bytes_per_cycle;
    const double hbm = (unique_rows * k * element_ + m * n * chip_.pes() * result_) * chip_.hertz() /
                       hbm_bytes_per_second(chip_);
    return std::max({matrix, port, out, layout, hbm});
  }

  bool choose_tile(MatmulPlan& p, std::int64_t m, std::int64_t n) const {
    p.transpose_a = transpose_a_;
    p.transpose_b = transpose_b_;
    const std::int64_t half_banks = std::max(1, chip_.reduction_engine.banks / 2);
    const std::int64_t held_banks =
        std::min<std::int64_t>(isa::kHeldRows, (m + 31) / 32 * 32) / isa::kBankRows;
    p.slot_n = std::max<std::int64_t>(1, half_banks / held_banks) * isa::kBankRows;
    p.halves_m = m > isa::kHeldRows ? 2 : 1;
    p.halves_n = p.halves_m == 1 && n > p.slot_n ? 2 : 1;
    p.tile_m = std::min(m, p.halves_m * std::int64_t(isa::kHeldRows));
    for (p.tile_n = std::min(n, p.slot_n * p.halves_n);; p.tile_n = (p.tile_n + 1) / 2) {
      if (choose_k(p, n)) return true;
      if (p.tile_n <= 32) return false;
      p.halves_n = 1;
    }
  }

  // Longer commands first (a k of 32 a command leaves the engine waiting for the issue core), then a panel of
  // a where several tiles of n share it, then deeper buffers.
  bool choose_k(MatmulPlan& p, std::int64_t n) const {
    for (std::int64_t k : {256, 128, 64, 32})
      for (int panels : {2, 1, 0})
        for (int depth : {4, 3, 2}) {
          p.depth = depth;
          p.tile_k = std::min(k, s_.k);
          p.panels = n > p.tile_n ? panels : 0;
          if (local_bytes(p) <= chip_.local_store.bytes) return true;
        }
    return false;
  }

  std::int64_t local_bytes(const MatmulPlan& p) const {
    const std::int64_t a = p.tile_m * p.tile_k * element_, b = p.tile_n * p.tile_k * element_,
                       c = p.tile_m * p.tile_n * result_;
    const std::int64_t a_tiles = p.panels ? p.panels * p.k_chunks(s_.k) : p.depth;
    return a * (a_tiles + (p.transpose_a ? 2 : 0)) + b * (p.depth + (p.transpose_b ? 2 : 0)) + c * 2 + 7 * 64;
  }

  // Fill and drain of a grid-wide product: launch of the first tiles, the last drain and store.
  static constexpr double kUnitOverhead = 1500;

  const MatmulShape& s_;
  const ChipConfig& chip_;
  int element_, result_;
  bool transpose_a_, transpose_b_;
};

}  // namespace

MatmulShape normalise(const MatmulKernel& kernel) {
  MatmulShape s{kernel.a, kernel.b, kernel.c, {}, 0, 0, 0};
  auto rank = s.c.view.shape.size();
  if (s.c.view.strides[rank - 1] != 1 && s.c.view.shape[rank - 1] != 1 && s.c.view.strides[rank - 2] == 1) {
    std::swap(s.a, s.b);
    std::swap(s.c.view.shape[rank - 1], s.c.view.shape[rank - 2]);
    std::swap(s.c.view.strides[rank - 1], s.c.view.strides[rank - 2]);
  }
  merge_batch_into_m(s);
  merge_batch_dims(s);
  rank = s.c.view.shape.size();
  s.batch.assign(s.c.view.shape.begin(), s.c.view.shape.end() - 2);
  s.m = s.c.view.shape[rank - 2];
  s.n = s.c.view.shape[rank - 1];
  s.k = s.a.view.shape[rank - 1];
  return s;
}

MatmulPlan plan_matmul(const MatmulShape& shape, const ChipConfig& chip) {
  return Planner(shape, chip).best();
}

}  // namespace leto::compiler
