// Attention, forward. A PE owns rows of q and walks k and v block by block:
//
//   matrix     scores(j+1) | product(j) = p(j) v(j)
//   reduction  drains both
//   vector     p(j) from scores(j), against the running maximum; then sum = (sum + product(j-1)) * what the
//   maximum moved layout     v(j) transposed
//
// so that scores live in the local store only. Statistics a row: the running maximum of q k^T, the factor for
// sums made before it moved, and the running sum of exponentials.
#include <limits>

#include "compiler/lower/attention_loops.h"

namespace leto::compiler {
namespace {

using namespace attention_forward;
using Reg = CoreEmitter::Reg;
using isa::VectorOp;

class Emitter {
 public:
  Emitter(EmitContext& context, const AttentionKernel& kernel)
      : context_(context),
        kernel_(kernel),
        s_(shape_of(kernel)),
        plan_(chosen(context, attention_plans(s_, context.chip, context.candidate + 1))),
        loops_(context, plan_),
        move_(context.pe.move),
        core_(context.pe.compute) {
    heads_ = heads_of(kernel.q);
    group_ = heads_ / heads_of(kernel.k);
  }

  void run() {
    loops_.define_buffers();
    loops_.for_each_unit(move_, heads_, s_.m, true, [&](const AttentionUnit& u) { moves(u); });
    hoist();
    if (kernel_.causal) loops_.make_mask(core_, mask, ramp, true);
    loops_.for_each_unit(core_, heads_, s_.m, true, [&](const AttentionUnit& u) { compute(u); });
  }

 private:
  void moves(const AttentionUnit& u) {
    loops_.load(move_, q, kernel_.q, loops_.address(move_, kernel_.q, u.head, u.first), u.rows);
    const AttentionBlocks blocks = loops_.blocks(move_, u, s_.n, kernel_.causal, false);
    const Reg head = move_.reg();
    move_.divi(head, u.head, group_);
    loops_.for_each_block(move_, blocks, [&](int first, Amount columns) {
      loops_.load(move_, k, kernel_.k, loops_.address(move_, kernel_.k, head, first), columns);
      loops_.load(move_, v_raw, kernel_.v, loops_.address(move_, kernel_.v, head, first), columns);
    });
    if (kernel_.lse)
      loops_.store(move_, lse, *kernel_.lse, loops_.address(move_, *kernel_.lse, u.head, u.first), u.rows);
    loops_.store(move_, out, kernel_.out, loops_.address(move_, kernel_.out, u.head, u.first), u.rows);
  }

  // ---- compute ----

  // Offsets that never change.
  void hoist() {
    at_factor_ = core_.constant(plan_.rows() * 4);
    at_total_ = core_.constant(plan_.rows() * 8);
  }
  LocalTile maximum() const { return {statistics, DType::fp32, Amount::constant(4)}; }
  LocalTile factor() const { return maximum().at(at_factor_); }
  LocalTile total() const { return maximum().at(at_total_); }
  LocalTile sums() const { return {sum, DType::fp32, Amount::constant(s_.e * 4)}; }
  LocalTile raw_scores() const { return {scores, DType::fp32, Amount::constant(plan_.columns * 4)}; }
  LocalTile exponents() const { return {shifted, DType::fp32, Amount::constant(plan_.columns * 4)}; }

  void pass(const VectorPass& p, Amount columns) { emit_pass(core_, p, rows_, columns); }
  void tiny(const VectorPass& p) { pass(p, Amount::constant(1)); }

  void compute(const AttentionUnit& u) {
    rows_ = u.rows;
    slots_ = loops_.slots(core_, u.rows);
    started_ = core_.constant(0);
    emit_matmul_touch(core_, q, kernel_.q.dtype, {true, false});
    tiny({.to = maximum(), .value = -std::numeric_limits<float>::infinity()});
    tiny({.to = total()});
    pass({.to = sums()}, Amount::constant(s_.e));
    const AttentionBlocks blocks = loops_.blocks(core_, u, s_.n, kernel_.causal, false);
    loops_.pipeline(
        core_, blocks, [&](Amount columns) { make_scores(columns); },
        [&](Amount columns, int window) { block(columns, window); });
    emit_matmul_touch(core_, q, kernel_.q.dtype, {false, true});
    take_product();
    finish();
  }

  int half(const AttentionSlot& slot, bool product) const { return plan_.slots == 2 ? slot.index : product; }

  void make_scores(Amount columns) {
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      const std::int64_t pitch = s_.d * s_.element;
      const int bank = loops_.bank(half(slot, false));
      emit_matmul_command(core_, {.held = {q, pitch, loops_.before(core_, slot, pitch)},
                                  .stream = {k, pitch, 0, {slot.first, slot.last}},
                                  .m = slot.rows,
                                  .n = columns,
                                  .k = Amount::constant(s_.d),
                                  .dtype = kernel_.q.dtype,
                                  .bank = bank});
      emit_drain(core_, {.bank = bank,
                         .buffer = scores,
                         .m = slot.rows,
                         .n = columns,
                         .pitch = plan_.columns * 4,
                         .offset = loops_.before(core_, slot, plan_.columns * 4),
                         .flags = {slot.first, slot.last}});
    });
  }

  void block(Amount columns, int window) {
    const std::int64_t pitch = plan_.columns * s_.element;
    emit_transpose(core_, {v, v_raw, pitch, s_.e * s_.element, kernel_.v.dtype}, columns,
                   Amount::constant(s_.e));
    make_probabilities(columns, window);
    core_.loop(started_, [&] { take_product(); });
    core_.set(started_, 1);
    pass({.op = VectorOp::multiply, .to = sums(), .a = sums(), .b = factor().column()},
         Amount::constant(s_.e));
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      const int bank = loops_.bank(half(slot, true));
      emit_matmul_command(core_,
                          {.held = {p, pitch, loops_.before(core_, slot, pitch), {slot.first, slot.last}},
                           .stream = {v, pitch, 0, {slot.first, slot.last}},
                           .m = slot.rows,
                           .n = Amount::constant(s_.e),
                           .k = columns,
                           .dtype = kernel_.q.dtype,
                           .bank = bank});
      emit_drain(core_, {.bank = bank,
                         .buffer = weighted,
                         .m = slot.rows,
                         .n = Amount::constant(s_.e),
                         .pitch = s_.e * 4,
                         .offset = loops_.before(core_, slot, s_.e * 4),
                         .flags = {slot.first, slot.last}});
    });
  }

  // p = e^(scale (scores - maximum)), the maximum being that of all scores so far.
  void make_probabilities(Amount columns, int window) {
    const bool masked = window >= 0;
    if (masked) {
      pass({.op = VectorOp::multiply,
            .to = exponents(),
            .a = LocalTile{mask, DType::e4m3, Amount::constant(plan_.rows())}.at(
                window == 0 ? 0 : core_.constant(window)),
            .value = kMaskedScore},
           columns);
      pass({.op = VectorOp::add, .to = exponents(), .a = raw_scores().taking(), .b = exponents()}, columns);
    }
    const LocalTile x = masked ? exponents() : raw_scores();
    tiny({.to = factor(), .a = maximum()});
    pass({.to = maximum(), .a = x.taking(!masked, false), .reduce = isa::Reduce::row_max, .accumulate = true},
         columns);
    pass(
        {.op = VectorOp::subtract, .to = exponents(), .a = x.taking(false, !masked), .b = maximum().column()},
        columns);
    if (kernel_.scale != 1)
      pass({.op = VectorOp::multiply, .to = exponents(), .a = exponents(), .value = kernel_.scale}, columns);
    pass({.op = VectorOp::exponential,
          .to = LocalTile{p, kernel_.q.dtype, Amount::constant(plan_.columns * s_.element)}.taking(),
          .a = exponents()},
         columns);
    tiny({.op = VectorOp::subtract, .to = factor(), .a = factor(), .b = maximum()});
    if (kernel_.scale != 1)
      tiny({.op = VectorOp::multiply, .to = factor(), .a = factor(), .value = kernel_.scale});
    tiny({.op = VectorOp::exponential, .to = factor(), .a = factor()});
    tiny({.op = VectorOp::multiply, .to = total(), .a = total(), .b = factor()});
    pass({.op = VectorOp::exponential,
          .to = total(),
          .a = exponents(),
          .reduce = isa::Reduce::row_sum,
          .accumulate = true},
         columns);
  }

  void take_product() {
    pass({.op = VectorOp::add,
          .to = sums(),
          .a = sums(),
          .b = LocalTile{weighted, DType::fp32, Amount::constant(s_.e * 4)}.taking()},
         Amount::constant(s_.e));
  }

  void finish() {
    if (kernel_.lse) {
      tiny({.op = VectorOp::logarithm, .to = factor(), .a = total()});
      tiny({.op = VectorOp::multiply, .to = maximum(), .a = maximum(), .value = kernel_.scale});
      tiny({.op = VectorOp::add,
            .to = LocalTile{lse, DType::fp32, Amount::constant(4)}.taking(),
            .a = maximum(),
            .b = factor()});
    }
    tiny({.op = VectorOp::reciprocal, .to = total(), .a = total()});
    pass({.op = VectorOp::multiply,
          .to =
              LocalTile{out, kernel_.out.dtype, Amount::constant(s_.e * size_of(kernel_.out.dtype))}.taking(),
          .a = sums(),
          .b = total().column()},
         Amount::constant(s_.e));
  }

  EmitContext& context_;
  const AttentionKernel& kernel_;
  const AttentionShape s_;
  const AttentionPlan plan_;
  AttentionLoops loops_;
  CoreEmitter &move_, &core_;
  std::int64_t heads_, group_;
  Reg at_factor_ = 0, at_total_ = 0, started_ = 0;
  Amount rows_;
  std::vector<AttentionSlot> slots_;
};

}  // namespace

void emit_attention(EmitContext& context, const AttentionKernel& kernel) {
  Emitter(context, kernel).run();
}

}  // namespace leto::compiler
