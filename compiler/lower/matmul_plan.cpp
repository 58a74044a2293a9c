#include "compiler/lower/matmul_plan.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "compiler/lower/matmul_cost.h"
#include "compiler/lower/rounding.h"
#include "isa/instruction.h"

namespace leto::compiler {
namespace {

// Chunks of k in bytes, and how far loads may run ahead, in chunks.
constexpr std::int64_t kChunkBytes[] = {512, 256, 128, 64};
constexpr int kAhead[] = {6, 4, 3, 2};
// Loads along k need not be longer than this to be cheap.
constexpr std::int64_t kLongRun = 1024;
// Bytes that rounding tiles up to kTileAlignment may cost: at most seven buffers.
constexpr std::int64_t kBuffers = 7;

class Planner {
 public:
  Planner(const MatmulShape& shape, const ChipConfig& chip, int most)
      : s_(shape), chip_(chip), most_(std::size_t(most)) {
    element_ = size_of(s_.a.dtype);
    result_ = size_of(s_.c.dtype);
    held_ = std::min<std::int64_t>(isa::kHeldRows, isa::kBankRows * chip.matrix_engine.tiles);
    const auto adjacent = [](const View& v, std::size_t back) {
      return v.strides[v.shape.size() - back] == 1 || v.shape[v.shape.size() - back] == 1;
    };
    transpose_a_ = !adjacent(s_.a.view, 1) && adjacent(s_.a.view, 2);
    transpose_b_ = !adjacent(s_.b.view, 1) && adjacent(s_.b.view, 2);
  }

  std::vector<MatmulPlan> best() {
    using D = MatmulDim;
    for (narrow_ = 1; best_.empty() && narrow_ <= chip_.reduction_engine.banks; narrow_ *= 2) {
      for (D rows : {D::m, D::n, D::batch, D::k})
        for (D columns : {D::n, D::m, D::batch, D::k}) split(rows, columns);
      for (const MatmulPart& part : tilings(dealt())) consider({deal(part)});
    }
    if (best_.empty())
      throw Error(ExitCode::does_not_fit,
                  fmt::format("no tile of a {} x {} x {} matmul fits the local store of {} bytes", s_.m, s_.n,
                              s_.k, chip_.local_store.bytes),
                  "use a chip with a larger local_store.bytes");
    return std::move(best_);
  }

 private:
  // ---- how the product is dealt to the PEs ----
  MatmulPart part(std::int64_t m_start, std::int64_t m_end, MatmulDim rows, MatmulDim columns) const {
    MatmulPart p;
    p.m_start = m_start;
    p.m_end = m_end;
    p.over_rows = rows;
    p.over_columns = columns;
    p.batches = ceil_div(s_.batches(), ways(p, MatmulDim::batch));
    p.m = ceil_div(m_end - m_start, ways(p, MatmulDim::m));
    p.n = ceil_div(s_.n, ways(p, MatmulDim::n));
    p.k = ceil_div(s_.k, ways(p, MatmulDim::k));
    return p;
  }
  std::int64_t ways(const MatmulPart& p, MatmulDim dim) const {
    return (p.over_rows == dim ? chip_.pe.rows : 1) * (p.over_columns == dim ? chip_.pe.columns : 1);
  }

  // All of m split the same way; or as many whole held blocks as every PE gets, and the rest of m by columns
  // and k over all PEs.
  void split(MatmulDim rows, MatmulDim columns) {
    const bool by_batch = rows == MatmulDim::batch || columns == MatmulDim::batch;
    if (by_batch && s_.batches() == 1) return;
    if (rows == MatmulDim::k && columns == MatmulDim::k) return;
    const MatmulPart whole = part(0, s_.m, rows, columns);
    for (const MatmulPart& p : tilings(whole)) consider({p});
    const std::int64_t row = held_ * ways(whole, MatmulDim::m), even = s_.m / row * row;
    if (even == 0 || even == s_.m || row == held_) return;
    for (const MatmulPart& p : tilings(part(0, even, rows, columns)))
      for (auto [r, c] : {std::pair{MatmulDim::n, MatmulDim::n},
                          {MatmulDim::n, MatmulDim::k},
                          {MatmulDim::k, MatmulDim::n}})
        for (const MatmulPart& rest : tilings(part(even, s_.m, r, c))) consider({p, rest});
  }

  MatmulPart dealt() const {
    MatmulPart p;
    p.m_end = p.m = s_.m;
    p.n = s_.n;
    p.k = s_.k;
    p.dealt = true;
    return p;
  }
  MatmulPart deal(MatmulPart p) const {
    p.m = p.tile_m;
    p.batches = ceil_div(s_.batches() * ceil_div(s_.m, p.tile_m), chip_.pes());
    return p;
  }

  // ---- tiles that the accumulators hold ----
  std::vector<MatmulPart> tilings(const MatmulPart& share) const {
    std::vector<MatmulPart> list;
    const std::int64_t bank_rows = ceil_div(std::min(held_, share.m), isa::kBankRows);
    for (int slots_m : {1, 2, 4})
      for (int slots_n : {1, 2}) {
        MatmulPart p = share;
        p.slots_m = slots_m;
        p.slots_n = slots_n;
        const std::int64_t widest =
            chip_.reduction_engine.banks / (narrow_ * slots_m * slots_n) / bank_rows * isa::kBankRows;
        if (widest == 0 || (slots_m > 1 && share.m <= held_ * (slots_m - 1))) continue;
        if (slots_n > 1 && share.n <= isa::kBankRows) continue;
        p.tile_m = std::min(share.m, held_ * slots_m);
        p.tile_n = even_tile(share.n, widest * slots_n);
        p.slot_n = std::min(widest, aligned(ceil_div(p.tile_n, slots_n), isa::kBankRows));
        list.push_back(p);
      }
    return list;
  }
  // Even tiles, but for whole cycles of the port: 683 columns in tiles of at most 256 are 256, 256 and 171.
  std::int64_t even_tile(std::int64_t extent, std::int64_t most) const {
    const std::int64_t even = ceil_div(extent, ceil_div(extent, most));
    return std::min({extent, most, aligned(even, chip_.fabric_interface.bytes_per_cycle / element_)});
  }

  // ---- what the local store holds ----
  void consider(const std::vector<MatmulPart>& parts) {
    MatmulPlan p;
    p.parts = parts;
    p.held = held_;
    p.a.transpose = transpose_a_;
    p.b.transpose = transpose_b_;
    const auto several = [&](auto tiles) { return std::any_of(parts.begin(), parts.end(), tiles); };
    const bool worth_a = several([](const MatmulPart& part) { return part.tiles_n() > 1; });
    const bool worth_b = several([](const MatmulPart& part) { return !part.dealt && part.tiles_m() > 1; });
    const bool k_split = several([](const MatmulPart& part) { return part.splits(MatmulDim::k); });
    std::int64_t before = 0;
    for (std::int64_t bytes : kChunkBytes) {
      p.tile_k = std::min(bytes / element_, s_.k);
      if (p.tile_k == std::exchange(before, p.tile_k)) continue;
      if (best_.size() == most_ && matrix_cycles(s_, p, chip_) >= best_.back().cycles) continue;
      fill(p, false, false);
      if (k_split) continue;
      if (worth_a) fill(p, true, false);
      if (worth_b) fill(p, false, true);
    }
  }

  void fill(MatmulPlan p, bool keep_a, bool keep_b) {
    p.a.kept = keep_a;
    p.b.kept = keep_b;
    for (int kept_depth : {2, 1}) {
      if (kept_depth == 1 && !keep_a && !keep_b) break;
      for (std::int64_t span_a : spans(p, p.a))
        for (std::int64_t span_b : spans(p, p.b))
          for (int c_depth : {2, 1}) {
            p.a.span = span_a;
            p.b.span = span_b;
            p.c_depth = c_depth;
            deepen(p, kept_depth);
          }
    }
  }

  // k of a load: one command's when the layout engine follows, else several commands' for longer runs.
  std::vector<std::int64_t> spans(const MatmulPlan& p, const MatmulOperand& o) const {
    if (o.kept) return {s_.k};
    std::vector<std::int64_t> list{p.tile_k};
    while (!o.transpose && list.back() * 2 * element_ <= kLongRun && list.back() < s_.k)
      list.push_back(list.back() * 2);
    return list;
  }

  // As far ahead as the local store allows.
  void deepen(MatmulPlan& p, int kept_depth) {
    for (int ahead : kAhead) {
      for (auto* o : {&p.a, &p.b}) {
        const std::int64_t commands = o->span / p.tile_k;
        o->depth = o->kept        ? kept_depth
                   : o->transpose ? 2
                                  : std::max<int>(2, int(ceil_div(ahead, commands)) + (commands > 1 ? 1 : 0));
        o->raw_depth = o->transpose ? ahead : 0;
      }
      if (local_bytes(p) > chip_.local_store.bytes || !split_k(p)) continue;
      p.cycles = matmul_cycles(s_, p, chip_);
      return keep(p);
    }
  }

  // In the list, in place of one like it; of plans that cost the same the first stays ahead.
  void keep(const MatmulPlan& p) {
    const auto like = [&](const MatmulPlan& o) {
      return o.parts == p.parts && o.tile_k == p.tile_k && o.a.kept == p.a.kept && o.b.kept == p.b.kept;
    };
    const auto cheaper = [](const MatmulPlan& x, const MatmulPlan& y) { return x.cycles < y.cycles; };
    if (const auto same = std::find_if(best_.begin(), best_.end(), like); same != best_.end()) {
      if (!cheaper(p, *same)) return;
      best_.erase(same);
    }
    best_.insert(std::upper_bound(best_.begin(), best_.end(), p, cheaper), p);
    if (best_.size() > most_) best_.pop_back();
  }

  // Shares of k are whole rounds of the loop over k, at least two: its first and its last.
  bool split_k(MatmulPlan& p) const {
    const std::int64_t round = p.round() * p.tile_k, rounds = s_.k / round;
    for (MatmulPart& part : p.parts) {
      if (!part.splits(MatmulDim::k)) continue;
      const std::int64_t pes = ways(part, MatmulDim::k);
      if (s_.k % round != 0 || rounds / pes < 2) return false;
      part.k = ceil_div(rounds, pes) * round;
    }
    return true;
  }

  std::int64_t local_bytes(const MatmulPlan& p) const {
    std::int64_t bytes = kBuffers * kTileAlignment;
    auto side = [&](const MatmulOperand& o, std::int64_t rows) {
      bytes +=
          tile_bytes(p, o, rows, s_.k, element_) * o.depth + raw_tile_bytes(p, rows, element_) * o.raw_depth;
    };
    side(p.a, p.tile_m());
    side(p.b, p.tile_n());
    std::int64_t c = 0;
    for (const MatmulPart& part : p.parts) c = std::max(c, part.tile_m * part.tile_n * result_);
    return bytes + c * p.c_depth;
  }

  const MatmulShape& s_;
  const ChipConfig& chip_;
  int element_, result_;
  std::int64_t held_;
  bool transpose_a_, transpose_b_;
  int narrow_ = 1;  // tiles so much narrower, when wider ones do not fit the local store
  std::size_t most_;
  std::vector<MatmulPlan> best_;  // the cheapest first
};

}  // namespace

std::int64_t MatmulPlan::tile_m() const {
  std::int64_t rows = 0;
  for (const MatmulPart& part : parts) rows = std::max(rows, part.tile_m);
  return rows;
}

std::int64_t MatmulPlan::tile_n() const {
  std::int64_t rows = 0;
  for (const MatmulPart& part : parts) rows = std::max(rows, part.tile_n);
  return rows;
}

std::int64_t MatmulPlan::round() const {
  std::int64_t most = 1;
  for (const MatmulOperand* o : {&a, &b})
    if (!o->kept) most = std::max(most, o->span / tile_k);
  return most;
}

std::int64_t raw_tile_bytes(const MatmulPlan& plan, std::int64_t rows, int element) {
  return rows * plan.tile_k * element;
}

std::int64_t tile_bytes(const MatmulPlan& plan, const MatmulOperand& o, std::int64_t rows, std::int64_t k,
                        int element) {
  if (o.transpose && o.kept) return raw_tile_bytes(plan, rows, element) * plan.chunks(k);
  return rows * std::min(o.span, k) * element;
}

std::vector<MatmulPlan> matmul_plans(const MatmulShape& shape, const ChipConfig& chip, int most) {
  return Planner(shape, chip, most).best();
}

MatmulPlan plan_matmul(const MatmulShape& shape, const ChipConfig& chip) {
  return matmul_plans(shape, chip, 1).front();
}

}  // namespace leto::compiler
