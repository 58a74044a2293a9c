// Vector kernels: load a tile of every input, run the steps on it, store the outputs.
#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"
#include "compiler/lower/vector_plan.h"

namespace leto::compiler {
namespace {

using Ref = VectorKernel::Ref;
using isa::Broadcast;
using V = isa::vector_t;

class VectorEmitter {
 public:
  VectorEmitter(EmitContext& context, const VectorKernel& kernel)
      : context_(context), pe_(context.pe), kernel_(kernel) {
    const auto plans = vector_plans(kernel, context.chip, context.candidate + 1);
    if (plans.empty())
      throw Error(ExitCode::does_not_fit, "one row of a fused kernel does not fit the local store",
                  "use a chip with a larger local_store.bytes");
    plan_ = chosen(context, plans);
    for (std::size_t i = 0; i < plan_.shape.size(); ++i)
      dims_.push_back({plan_.shape[i], plan_.tile_extent(i)});
    if (is_copy()) {  // its one buffer is emptied by the store
      plan_.inputs[0].invariant = plan_.inputs[0].per_run = false;
      plan_.run_dim.reset();
    }
    find_uses();
  }

  void run() {
    pe_.barrier(isa::Scope::pe);
    define_buffers();
    context_.begin_code(!is_copy());
    if (is_copy()) return emit_moves();
    if (plan_.blocked_rows) return emit_blocked_rows();
    emit_moves();
    emit_steps();
  }

 private:
  // ---- what kind of kernel ----
  bool is_copy() const {
    return kernel_.steps.size() == 1 && kernel_.outputs.size() == 1 &&
           kernel_.steps[0].op == isa::VectorOp::copy && kernel_.steps[0].reduce == isa::Reduce::none &&
           kernel_.steps[0].a.kind == Ref::Kind::input && plan_.inputs[0].spread == Spread::full &&
           plan_.inputs[0].place.dtype == plan_.outputs[0].place.dtype;
  }

  // Steps in the order in which the compute core issues them.
  std::vector<int> order_of_steps() const {
    std::vector<int> order(kernel_.steps.size());
    std::iota(order.begin(), order.end(), 0);
    if (plan_.blocked_rows)
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return turn_of(a) < turn_of(b); });
    return order;
  }

  void find_uses() {
    first_use_.assign(plan_.inputs.size(), -1);
    last_use_.assign(plan_.inputs.size(), -1);
    for (const int s : order_of_steps())
      for (const auto* ref : {&kernel_.steps[std::size_t(s)].a, &kernel_.steps[std::size_t(s)].b})
        if (ref->kind == Ref::Kind::input) {
          last_use_[std::size_t(ref->index)] = s;
          if (first_use_[std::size_t(ref->index)] < 0) first_use_[std::size_t(ref->index)] = s;
        }
  }

  void define_buffers() {
    pe_.reset_buffers();
    for (const auto& i : plan_.inputs) input_buffers_.push_back(pe_.buffer(i.tile_bytes, i.depth));
    if (is_copy()) return output_buffers_.push_back(input_buffers_[0]);
    for (const auto& o : plan_.outputs) output_buffers_.push_back(pe_.buffer(o.tile_bytes, o.depth));
    for (auto bytes : plan_.slot_bytes) slot_buffers_.push_back(pe_.buffer(bytes, 0));
    if (slot_buffers_.empty()) slot_buffers_.push_back(pe_.buffer(kSinkBytes, 0));
  }

  // ---- data movement ----
  Transfer transfer(const VectorPlan::Operand& o, const std::vector<Amount>& extent) const {
    const auto n = plan_.shape.size();
    const int element = size_of(o.place.dtype);
    const auto& strides = o.place.view.strides;
    auto level = [&](std::size_t i) { return Level{extent[i], strides[i] * element}; };
    switch (o.spread) {
      case Spread::full:
        return transfer_of(element, {level(n - 1), level(n - 2), level(n - 3)});
      case Spread::row:
        return transfer_of(element, {level(n - 1)});
      case Spread::column:
        return transfer_of(element, {level(n - 2), level(n - 3)});
      case Spread::scalar:
        return transfer_of(element, {});
    }
    return {};
  }

  Dims byte_strides(const VectorPlan::Operand& o) const {
    Dims strides = o.place.view.strides;
    for (auto& s : strides) s *= size_of(o.place.dtype);
    return strides;
  }

  int address_of(const VectorPlan::Operand& o, const Tile& tile, const std::vector<BlockedDim>& dims) const {
    return tile_address(pe_.move, context_.address_register(o.place), tile, dims, byte_strides(o));
  }

  std::vector<Amount> whole_tile() const {
    std::vector<Amount> extent;
    for (const auto& d : dims_) extent.push_back(Amount::constant(std::min(d.extent, d.tile)));
    return extent;
  }

  void emit_moves() {
    auto& core = pe_.move;
    load_invariants();
    for_tiles(core, {[&](const Tile& tile) { load(tile, true); },
                     [&](const Tile& tile) {
                       load(tile, false);
                       for (std::size_t o = 0; o < plan_.outputs.size(); ++o) store(o, tile, dims_);
                     },
                     [](const Tile&) {}});
  }

  // Both cores visit the tiles with this loop.
  void for_tiles(CoreEmitter& core, const RunBody& body) const {
    if (plan_.run_dim)
      run_loop(core, dims_, *plan_.run_dim, body);
    else
      tile_loop(core, dims_, body.tile);
  }

  // The operands of a run, or those of each of its tiles.
  void load(const Tile& tile, bool per_run) {
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
      if (!plan_.inputs[i].invariant && plan_.inputs[i].per_run == per_run) load(i, tile, dims_);
  }

  void load(std::size_t i, const Tile& tile, const std::vector<BlockedDim>& dims) {
    pe_.move.scope([&] {
      emit_load(pe_.move, input_buffers_[i], address_of(plan_.inputs[i], tile, dims),
                transfer(plan_.inputs[i], tile.extent));
    });
  }

  void store(std::size_t o, const Tile& tile, const std::vector<BlockedDim>& dims) {
    pe_.move.scope([&] {
      emit_store(pe_.move, output_buffers_[o], address_of(plan_.outputs[o], tile, dims),
                 transfer(plan_.outputs[o], tile.extent));
    });
  }

  void load_invariants() {
    auto& core = pe_.move;
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
      if (plan_.inputs[i].invariant)
        emit_load(core, input_buffers_[i], context_.address_register(plan_.inputs[i].place),
                  transfer(plan_.inputs[i], whole_tile()));
  }

  // ---- compute ----
  struct Source {
    int buffer = 0;
    bool wait = false, pop = false;
    DType dtype = DType::fp32;
    Broadcast mode = Broadcast::immediate;
    Amount pitch = Amount::constant(0);
  };

  Source source(const Ref& ref, int step, Amount columns) const {
    if (ref.kind == Ref::Kind::immediate) return {};
    Source s;
    Spread spread;
    if (ref.kind == Ref::Kind::input) {
      const auto& o = plan_.inputs[std::size_t(ref.index)];
      s = {input_buffers_[std::size_t(ref.index)], !o.invariant && first_use_[std::size_t(ref.index)] == step,
           !o.invariant && !o.per_run && last_use_[std::size_t(ref.index)] == step, o.place.dtype};
      spread = o.spread;
    } else {
      const auto& made = kernel_.steps[std::size_t(ref.index)];
      s = {slot_buffers_[std::size_t(plan_.slot_of[std::size_t(ref.index)])], false, false, made.dtype};
      spread = made.column ? Spread::column : Spread::full;
    }
    const int element = size_of(s.dtype);
    s.mode = spread == Spread::full  ? Broadcast::full
             : spread == Spread::row ? Broadcast::row
                                     : Broadcast::column;
    s.pitch = spread == Spread::full ? columns.times(element)
                                     : Amount::constant(spread == Spread::column ? element : 0);
    return s;
  }

  struct Target {
    int buffer;
    bool output;
    DType dtype;
  };

  struct Extent {
    Amount rows, columns;
    Amount first_column = Amount::constant(0);
  };

  void emit_pass(const VectorKernel::Step& step, Target to, const Source& a, const Source& b,
                 const Extent& extent, bool accumulate = false) {
    auto& core = pe_.compute;
    const bool column = step.column && step.reduce == isa::Reduce::none;
    const Amount width = column ? Amount::constant(1) : extent.columns;
    const Amount pitch = step.column ? Amount::constant(size_of(to.dtype)) : width.times(size_of(to.dtype));
    const Amount first = step.op == isa::VectorOp::column_is ? extent.first_column : Amount::constant(0);
    const int shape = core.shape({extent.rows, width, pitch, a.pitch, b.pitch, first});
    const bool same = a.pop && b.pop && a.buffer == b.buffer;
    core.emit(isa::Opcode::vector, {{V::op, std::int64_t(step.op)},
                                    {V::dst, to.buffer},
                                    {V::reserve, to.output},
                                    {V::push, to.output},
                                    {V::dst_type, std::int64_t(to.dtype)},
                                    {V::a, a.buffer},
                                    {V::a_wait, a.wait},
                                    {V::a_pop, a.pop && !same},
                                    {V::a_type, std::int64_t(a.dtype)},
                                    {V::a_mode, std::int64_t(a.mode)},
                                    {V::b, b.buffer},
                                    {V::b_wait, b.wait && !(a.wait && a.buffer == b.buffer)},
                                    {V::b_pop, b.pop},
                                    {V::b_type, std::int64_t(b.dtype)},
                                    {V::b_mode, std::int64_t(b.mode)},
                                    {V::reduce, std::int64_t(step.reduce)},
                                    {V::accumulate, accumulate},
                                    {V::value, immediate(step.value)},
                                    {V::shape, shape}});
  }

  static std::int64_t immediate(float value) { return std::int64_t(std::bit_cast<std::uint32_t>(value)); }

  Amount rows_of(const Tile& tile) const {
    const auto n = plan_.shape.size();
    const Amount planes = tile.extent[n - 3], rows = tile.extent[n - 2];
    if (planes.is_constant()) return rows.times(planes.value);
    if (rows.is_constant()) return planes.times(rows.value);
    throw Error(ExitCode::internal, "a tile is ragged in two dims", "report the model");
  }

  void emit_steps() {
    const auto invariant = [](const VectorPlan::Operand& o) { return o.invariant; };
    const auto per_run = [](const VectorPlan::Operand& o) { return o.per_run; };
    touch(invariant, true);
    for_tiles(pe_.compute, {[](const Tile&) {}, [&](const Tile& tile) { emit_tile(tile); },
                            [&](const Tile&) { touch(per_run, false); }});
    touch(invariant, false);
  }

  void emit_tile(const Tile& tile) {
    const int block = tile.index.back();
    const Extent extent{rows_of(tile), tile.extent.back(),
                        block < 0 ? Amount::constant(0) : Amount::in(block, plan_.tile_columns)};
    for (int s = 0; s < int(kernel_.steps.size()); ++s) emit_step(s, extent);
  }

  void emit_step(int s, const Extent& extent, bool accumulate = false) {
    const auto& step = kernel_.steps[std::size_t(s)];
    const int slot = plan_.slot_of[std::size_t(s)];
    const Source a = source(step.a, s, extent.columns),
                 b = isa::is_binary(step.op) ? source(step.b, s, extent.columns) : Source{};
    const DType dtype = accumulate ? DType::fp32 : step.dtype;
    const Target to = slot >= 0 ? Target{slot_buffers_[std::size_t(slot)], false, dtype}
                                : Target{output_buffers_[std::size_t(-1 - slot)], true, dtype};
    emit_pass(step, to, a, b, extent, accumulate);
    if (!accumulate) copy_outputs(s, extent);
  }

  // A result that later steps read as well lives in a scratch slot; its output gets a copy.
  void copy_outputs(int s, const Extent& extent) {
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o) {
      if (kernel_.outputs[o].step != s || plan_.slot_of[std::size_t(s)] == -1 - int(o)) continue;
      VectorKernel::Step copy = kernel_.steps[std::size_t(s)];
      copy.op = isa::VectorOp::copy;
      copy.reduce = isa::Reduce::none;
      const Source from =
          source({Ref::Kind::result, s}, s, copy.column ? Amount::constant(1) : extent.columns);
      emit_pass(copy, {output_buffers_[o], true, copy.dtype}, from, {}, extent);
    }
  }

  // Operands that stay for several tiles are popped once, after them, those that stay for all are waited for
  // once, before them: a pass of no rows.
  void touch(bool (*which)(const VectorPlan::Operand&), bool wait) {
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
      if (!which(plan_.inputs[i])) continue;
      const Source from{input_buffers_[i], wait, !wait, plan_.inputs[i].place.dtype, Broadcast::full};
      emit_pass({}, {slot_buffers_[0], false, DType::fp32}, from, {},
                {Amount::constant(0), Amount::constant(0)});
    }
  }

  // ---- rows in blocks of columns: what is one number a row comes before the blocks or after them ----
  bool of_blocks(const VectorPlan::Operand& o) const {
    return !o.invariant && (o.spread == Spread::full || o.spread == Spread::row);
  }

  void emit_blocked_rows() {
    load_invariants();
    std::vector<BlockedDim> rows = dims_;
    rows.back() = {1, 1};
    tile_loop(pe_.move, rows, [&](const Tile& tile) { move_row(tile, rows); });
    const auto invariant = [](const VectorPlan::Operand& o) { return o.invariant; };
    touch(invariant, true);
    tile_loop(pe_.compute, rows, [&](const Tile&) { compute_row(); });
    touch(invariant, false);
  }

  void blocks_of_row(CoreEmitter& core, const std::function<void(int start, Amount width)>& body) const {
    const BlockedDim& columns = dims_.back();
    const auto start = core.constant(0);
    core.loop(core.constant(columns.blocks()), [&] {
      body(start, columns.extent % columns.tile == 0
                      ? Amount::constant(columns.tile)
                      : Amount::in(core.rest(start, columns.extent, columns.tile)));
      core.addi(start, start, columns.tile);
    });
  }

  void move_row(const Tile& tile, const std::vector<BlockedDim>& rows) {
    auto& core = pe_.move;
    std::vector<int> first_in(plan_.inputs.size()),
        first_out(plan_.outputs.size());  // bytes of the row's first block
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
      if (of_blocks(plan_.inputs[i])) first_in[i] = address_of(plan_.inputs[i], tile, rows);
      if (plan_.inputs[i].per_run) load(i, tile, rows);
    }
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o)
      if (of_blocks(plan_.outputs[o])) first_out[o] = address_of(plan_.outputs[o], tile, rows);
    blocks_of_row(core, [&](int start, Amount width) {
      auto extent = tile.extent;
      extent.back() = width;
      auto each_block = [&](const VectorPlan::Operand& o, int first, const std::function<void(int)>& body) {
        if (!of_blocks(o)) return;
        core.scope([&] {
          const auto at = core.reg();
          core.muli(at, start, byte_strides(o).back());
          core.add(at, at, first);
          body(at);
        });
      };
      for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
        each_block(plan_.inputs[i], first_in[i], [&](int at) {
          emit_load(core, input_buffers_[i], at, transfer(plan_.inputs[i], extent));
        });
      for (std::size_t o = 0; o < plan_.outputs.size(); ++o)
        each_block(plan_.outputs[o], first_out[o], [&](int at) {
          emit_store(core, output_buffers_[o], at, transfer(plan_.outputs[o], extent));
        });
    });
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o)
      if (!of_blocks(plan_.outputs[o])) store(o, tile, rows);
  }

  bool reduces(int s) const { return kernel_.steps[std::size_t(s)].reduce != isa::Reduce::none; }

  enum class Turn { before, blocks, after };
  Turn turn_of(int s) const {
    if (!kernel_.steps[std::size_t(s)].column || reduces(s)) return Turn::blocks;
    return late_[std::size_t(s)] ? Turn::after : Turn::before;
  }

  // Zero (or -inf), accumulate block by block, round once.
  void compute_row() {
    const int steps = int(kernel_.steps.size());
    const Extent one{Amount::constant(1), Amount::constant(1)};
    for (int s = 0; s < steps; ++s) {
      if (turn_of(s) == Turn::before) emit_step(s, one);
      if (reduces(s)) clear(s);
    }
    blocks_of_row(pe_.compute, [&](int start, Amount width) {
      const Extent block{Amount::constant(1), width, Amount::in(start)};
      for (int s = 0; s < steps; ++s)
        if (turn_of(s) == Turn::blocks) emit_step(s, block, reduces(s));
    });
    for (int s = 0; s < steps; ++s) {
      if (reduces(s)) round_sum(s);
      if (turn_of(s) == Turn::after) emit_step(s, one);
    }
    touch([](const VectorPlan::Operand& o) { return o.per_run; }, false);
  }

  int slot_buffer(int step) const { return slot_buffers_[std::size_t(plan_.slot_of[std::size_t(step)])]; }

  void clear(int s) {
    VectorKernel::Step fill;
    fill.column = true;
    fill.value = kernel_.steps[std::size_t(s)].reduce == isa::Reduce::row_max
                     ? -std::numeric_limits<float>::infinity()
                     : 0.0f;
    emit_pass(fill, {slot_buffer(s), false, DType::fp32}, {}, {}, {Amount::constant(1), Amount::constant(1)});
  }

  void round_sum(int s) {
    const Extent one{Amount::constant(1), Amount::constant(1)};
    VectorKernel::Step round;
    round.column = true;
    Source sum;
    sum.buffer = slot_buffer(s);
    sum.mode = Broadcast::full;
    sum.pitch = Amount::constant(size_of(DType::fp32));
    const DType dtype = kernel_.steps[std::size_t(s)].dtype;
    if (dtype != DType::fp32) emit_pass(round, {slot_buffer(s), false, dtype}, sum, {}, one);
    copy_outputs(s, one);
  }

  EmitContext& context_;
  PeEmitter& pe_;
  const VectorKernel& kernel_;
  VectorPlan plan_;
  std::vector<BlockedDim> dims_;
  std::vector<bool> late_ = after_reductions(kernel_);  // of steps: needs a sum of the whole row
  std::vector<int> first_use_, last_use_, input_buffers_, output_buffers_, slot_buffers_;
};

}  // namespace

void emit_vector(EmitContext& context, const VectorKernel& kernel) {
  VectorEmitter(context, kernel).run();
}

namespace {

// A copy whose runs lie along different dims in its source and its destination: what a transfer moves element
// by element, the layout engine turns tile by tile.
struct TurningCopy {
  Place from, to;
  std::size_t from_run = 0, to_run = 0;  // the dims with stride 1
};

// Smaller matrices are not worth a tile each.
constexpr std::int64_t kSmallestTurned = 512;
// Bytes of a run that is written, long enough for memory; elements of a tile, so few that every PE has some,
// and tiles a PE from which on they are larger, for runs as long where they are read.
constexpr std::int64_t kTurnedRun = 256, kTurnedTile = 8192, kTurnedTilesPerPe = 6;

std::optional<TurningCopy> as_turning(const CopyKernel& kernel) {
  std::vector<View> views{kernel.from.view, kernel.to.view};
  collapse(views, false);
  TurningCopy copy{{views[0], kernel.from.dtype}, {views[1], kernel.to.dtype}};
  const auto run_of = [](const View& v) {
    std::size_t i = 0;
    while (i < v.shape.size() && (v.strides[i] != 1 || v.shape[i] == 1)) ++i;
    return i;
  };
  copy.from_run = run_of(views[0]);
  copy.to_run = run_of(views[1]);
  const std::size_t rank = views[0].shape.size();
  if (copy.from_run == rank || copy.to_run == rank || copy.from_run == copy.to_run ||
      views[0].strides[copy.to_run] == 0 || kernel.from.dtype != kernel.to.dtype ||
      views[0].shape[copy.from_run] * views[0].shape[copy.to_run] < kSmallestTurned)
    return std::nullopt;
  return copy;
}

void emit_turning(EmitContext& context, const TurningCopy& copy) {
  const int element = size_of(copy.from.dtype);
  const std::int64_t most = context.chip.local_store.bytes / (8 * element), run = kTurnedRun / element;
  const std::int64_t share = product(copy.to.view.shape) / (context.chip.pes() * kTurnedTilesPerPe);
  const std::int64_t tile = std::min(most, std::clamp(share, kTurnedTile, std::max(kTurnedTile, run * run)));
  std::vector<BlockedDim> dims;
  for (const std::int64_t extent : copy.to.view.shape) dims.push_back({extent, 1});
  auto &read = dims[copy.from_run], &written = dims[copy.to_run];
  written.tile = std::min(written.extent, run);
  const auto across = std::uint64_t(std::max<std::int64_t>(tile / written.tile, 1));
  read.tile = std::min(std::int64_t(std::bit_floor(across)), read.extent);  // whole bursts
  const auto bytes = [&](const Place& place) {
    Dims strides = place.view.strides;
    for (std::int64_t& stride : strides) stride *= element;
    return strides;
  };
  auto& pe = context.pe;
  pe.barrier(isa::Scope::pe);
  pe.reset_buffers();
  const std::int64_t tile_bytes = aligned(read.tile * written.tile * element);
  const int input = pe.buffer(tile_bytes, 2), result = pe.buffer(tile_bytes, 2);
  context.begin_code();
  tile_loop(pe.move, dims, [&](const Tile& tile) {
    const Amount along = tile.extent[copy.from_run], across = tile.extent[copy.to_run];
    const Dims from = bytes(copy.from), to = bytes(copy.to);
    emit_load(pe.move, input, tile_address(pe.move, context.address_register(copy.from), tile, dims, from),
              transfer_of(element, {{along, element}, {across, from[copy.to_run]}}));
    emit_store(pe.move, result, tile_address(pe.move, context.address_register(copy.to), tile, dims, to),
               transfer_of(element, {{across, element}, {along, to[copy.from_run]}}));
  });
  tile_loop(pe.compute, dims, [&](const Tile& tile) {
    using T = isa::transpose_t;
    const Amount along = tile.extent[copy.from_run], across = tile.extent[copy.to_run];
    const int shape = pe.compute.shape({across, along, along.times(element), across.times(element),
                                        Amount::constant(0), Amount::constant(0)});
    pe.compute.emit(isa::Opcode::transpose, {{T::dst, result},
                                             {T::reserve, 1},
                                             {T::push, 1},
                                             {T::src, input},
                                             {T::wait, 1},
                                             {T::pop, 1},
                                             {T::type, std::int64_t(copy.from.dtype)},
                                             {T::shape, shape}});
  });
}

}  // namespace

void emit_copy(EmitContext& context, const CopyKernel& kernel) {
  if (const auto turning = as_turning(kernel)) return emit_turning(context, *turning);
  VectorKernel copy;
  copy.shape = kernel.to.view.shape;
  copy.inputs = {kernel.from};
  copy.steps = {{isa::VectorOp::copy,
                 isa::Reduce::none,
                 {VectorKernel::Ref::Kind::input, 0},
                 {},
                 0,
                 kernel.to.dtype,
                 false}};
  copy.outputs = {{0, kernel.to}};
  emit_vector(context, copy);
}

}  // namespace leto::compiler
