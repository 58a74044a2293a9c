// Vector kernels: load a tile of every input, run the steps on it, store the outputs.
#include <limits>

#include "base/errors.h"
#include "compiler/lower/emit.h"
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
    auto plan = plan_vector(kernel, context.chip);
    if (!plan)
      throw Error(ExitCode::does_not_fit, "one row of a fused kernel does not fit the local store",
                  "use a chip with a larger local_store.bytes");
    plan_ = std::move(*plan);
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
    if (accumulates()) return emit_blocked_reduction();
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
  // A row reduction over columns that do not fit at once.
  bool accumulates() const {
    return kernel_.steps[0].reduce != isa::Reduce::none && plan_.tile_columns < plan_.shape.back();
  }

  void find_uses() {
    first_use_.assign(plan_.inputs.size(), -1);
    last_use_.assign(plan_.inputs.size(), -1);
    for (int s = 0; s < int(kernel_.steps.size()); ++s)
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

  int address_of(CoreEmitter& core, const VectorPlan::Operand& o, const Tile& tile) const {
    return tile_address(core, context_.address(o.place), tile, dims_, byte_strides(o));
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
                       for (std::size_t o = 0; o < plan_.outputs.size(); ++o)
                         emit_store(core, output_buffers_[o], address_of(core, plan_.outputs[o], tile),
                                    transfer(plan_.outputs[o], tile.extent));
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
    auto& core = pe_.move;
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
      if (!plan_.inputs[i].invariant && plan_.inputs[i].per_run == per_run)
        emit_load(core, input_buffers_[i], address_of(core, plan_.inputs[i], tile),
                  transfer(plan_.inputs[i], tile.extent));
  }

  void load_invariants() {
    auto& core = pe_.move;
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
      if (plan_.inputs[i].invariant)
        emit_load(core, input_buffers_[i],
                  core.constant(std::int64_t(context_.address(plan_.inputs[i].place))),
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

  void emit_pass(const VectorKernel::Step& step, Target to, const Source& a, const Source& b, Amount rows,
                 Amount columns, bool accumulate = false) {
    auto& core = pe_.compute;
    const bool column = step.column && step.reduce == isa::Reduce::none;
    const Amount width = column ? Amount::constant(1) : columns;
    const Amount pitch = step.column ? Amount::constant(size_of(to.dtype)) : width.times(size_of(to.dtype));
    const int shape = core.shape({rows, width, pitch, a.pitch, b.pitch, Amount::constant(0)});
    const bool same = a.pop && b.pop && a.buffer == b.buffer;
    core.emit(isa::Opcode::vector, {{V::op, std::int64_t(step.op)},
                                    {V::dst, to.buffer},
                                    {V::reserve, to.output && !accumulate},
                                    {V::push, to.output && !accumulate},
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
    const Amount rows = rows_of(tile), columns = tile.extent.back();
    for (int s = 0; s < int(kernel_.steps.size()); ++s) {
      const auto& step = kernel_.steps[std::size_t(s)];
      const int slot = plan_.slot_of[std::size_t(s)];
      const Source a = source(step.a, s, columns),
                   b = isa::is_binary(step.op) ? source(step.b, s, columns) : Source{};
      const Target to = slot >= 0 ? Target{slot_buffers_[std::size_t(slot)], false, step.dtype}
                                  : Target{output_buffers_[std::size_t(-1 - slot)], true, step.dtype};
      emit_pass(step, to, a, b, rows, columns);
      copy_outputs(s, rows, columns);
    }
  }

  // A result that later steps read as well lives in a scratch slot; its output gets a copy.
  void copy_outputs(int s, Amount rows, Amount columns) {
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o) {
      if (kernel_.outputs[o].step != s || plan_.slot_of[std::size_t(s)] == -1 - int(o)) continue;
      VectorKernel::Step copy = kernel_.steps[std::size_t(s)];
      copy.op = isa::VectorOp::copy;
      copy.reduce = isa::Reduce::none;
      const Source from = source({Ref::Kind::result, s}, s, copy.column ? Amount::constant(1) : columns);
      emit_pass(copy, {output_buffers_[o], true, copy.dtype}, from, {}, rows, columns);
    }
  }

  // Operands that stay for several tiles are popped once, after them, those that stay for all are waited for
  // once, before them: a pass of no rows.
  void touch(bool (*which)(const VectorPlan::Operand&), bool wait) {
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
      if (!which(plan_.inputs[i])) continue;
      const Source from{input_buffers_[i], wait, !wait, plan_.inputs[i].place.dtype, Broadcast::full};
      emit_pass({}, {slot_buffers_[0], false, DType::fp32}, from, {}, Amount::constant(0),
                Amount::constant(0));
    }
  }

  // ---- a row reduction over column blocks: zero (or -inf), accumulate block by block, publish ----
  void emit_blocked_reduction() {
    const auto n = plan_.shape.size();
    const BlockedDim columns = dims_[n - 1];
    std::vector<BlockedDim> rows = dims_;
    rows[n - 1] = {1, 1};
    const auto& in = plan_.inputs[0];
    const int element = size_of(in.place.dtype);
    const std::int64_t stride = in.place.view.strides[n - 1] * element;
    auto blocks = [&](CoreEmitter& core, const std::function<void(int start, Amount width)>& body) {
      const auto start = core.constant(0);
      core.loop(core.constant(columns.blocks()), [&] {
        body(start, Amount::in(core.rest(start, columns.extent, columns.tile)));
        core.addi(start, start, columns.tile);
      });
    };
    tile_loop(pe_.move, rows, [&](const Tile& tile) {
      auto& core = pe_.move;
      const auto base = tile_address(core, context_.address(in.place), tile, rows, byte_strides(in));
      blocks(core, [&](int start, Amount width) {
        const auto address = core.reg();
        core.muli(address, start, stride);
        core.add(address, address, base);
        emit_load(core, input_buffers_[0], address, transfer_of(element, {{width, stride}}));
      });
      emit_store(core, output_buffers_[0],
                 tile_address(core, context_.address(plan_.outputs[0].place), tile, rows,
                              byte_strides(plan_.outputs[0])),
                 transfer_of(size_of(plan_.outputs[0].place.dtype), {}));
    });
    tile_loop(pe_.compute, rows, [&](const Tile&) {
      const auto& step = kernel_.steps[0];
      const bool sum = step.reduce == isa::Reduce::row_sum;
      publish(output_buffers_[0], true, false, sum ? 0.0f : -std::numeric_limits<float>::infinity());
      blocks(pe_.compute, [&](int, Amount width) {
        Source a = source(step.a, 0, width);
        emit_pass(step, {output_buffers_[0], true, step.dtype}, a, {}, Amount::constant(1), width, true);
      });
      publish(output_buffers_[0], false, true, 0);
    });
  }

  // Reserves the output tile and fills its one element, or publishes it.
  void publish(int buffer, bool reserve, bool push, float value) {
    auto& core = pe_.compute;
    const DType dtype = kernel_.steps[0].dtype;
    const int shape =
        core.shape({Amount::constant(reserve ? 1 : 0), Amount::constant(1), Amount::constant(size_of(dtype)),
                    Amount::constant(0), Amount::constant(0), Amount::constant(0)});
    core.emit(isa::Opcode::vector, {{V::op, std::int64_t(isa::VectorOp::copy)},
                                    {V::dst, buffer},
                                    {V::reserve, reserve},
                                    {V::push, push},
                                    {V::dst_type, std::int64_t(dtype)},
                                    {V::a_mode, std::int64_t(Broadcast::immediate)},
                                    {V::b_mode, std::int64_t(Broadcast::immediate)},
                                    {V::value, immediate(value)},
                                    {V::shape, shape}});
  }

  EmitContext& context_;
  PeEmitter& pe_;
  const VectorKernel& kernel_;
  VectorPlan plan_;
  std::vector<BlockedDim> dims_;
  std::vector<int> first_use_, last_use_, input_buffers_, output_buffers_, slot_buffers_;
};

}  // namespace

void emit_vector(EmitContext& context, const VectorKernel& kernel) {
  VectorEmitter(context, kernel).run();
}

void emit_copy(EmitContext& context, const CopyKernel& kernel) {
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
