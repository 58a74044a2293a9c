// Attention, backward. The gradient kernel: a PE owns rows of k and v and walks q and dy block by block.
// Scores come out transposed, so that what follows finds its k adjacent:
//
//   matrix     scores = k q^T, dp = v dy^T of block j+1 | dv += p dy, dk += ds q of block j
//   vector     p = e^(scale scores - lse), ds = scale p (dp - delta)
//   layout     q and dy, as they are and transposed
//
// dk and dv go round: from the accumulators to the local store and back, so that one half of the banks is
// drained while the other is at work. ds also goes to memory, for the query kernel: dq = ds^T k, as a product
// whose blocks beyond the diagonal are left out.
#include "compiler/lower/attention_loops.h"

namespace leto::compiler {
namespace {

using Reg = CoreEmitter::Reg;
using isa::VectorOp;

std::int64_t back(const Place& place, std::size_t n) {
  return place.view.shape[place.view.shape.size() - n];
}

// Address of the tile of dscores that begins with row `row` and column `column` of head `head`: registers.
Reg tile_of_dscores(const AttentionLoops& loops, CoreEmitter& core, const Place& place, Reg head, Reg row,
                    Reg column) {
  const Reg at = loops.address(core, place, head, row);
  core.scope([&] {
    const Reg step = core.reg();
    core.muli(step, column, place.view.strides.back() * size_of(place.dtype));
    core.add(at, at, step);
  });
  return at;
}

// Part of a tile whose rows have `width` columns in memory.
Transfer dscores_tile(Amount rows, Amount columns, std::int64_t width, int element) {
  return transfer_of(element, {{columns, element}, {rows, width * element}});
}

class GradientEmitter {
 public:
  GradientEmitter(EmitContext& context, const AttentionGradientKernel& kernel)
      : kernel_(kernel),
        s_{back(kernel.q, 2), back(kernel.k, 2), back(kernel.q, 1), back(kernel.v, 1),
           size_of(kernel.q.dtype)},
        plan_(*plan_attention(AttentionStage::gradient, s_, context.chip)),
        loops_(context, plan_),
        move_(context.pe.move),
        core_(context.pe.compute),
        heads_(heads_of(kernel.k)),
        group_(heads_of(kernel.q) / heads_) {}

  void run() {
    loops_.define_buffers();
    loops_.for_each_unit(move_, heads_, s_.n, false, [&](const AttentionUnit& u) { moves(u); });
    for (int slot = 0; slot < plan_.slots; ++slot)
      offsets_.push_back(core_.constant(slot * plan_.held * plan_.columns * 4));
    if (kernel_.causal) loops_.make_mask(core_, B::mask, B::ramp, false);
    loops_.for_each_unit(core_, heads_, s_.n, false, [&](const AttentionUnit& u) { compute(u); });
  }

 private:
  using B = attention_gradient::Buffer;

  // ---- moves ----

  void moves(const AttentionUnit& u) {
    loops_.load(move_, B::k, kernel_.k, loops_.address(move_, kernel_.k, u.head, u.first), u.rows);
    loops_.load(move_, B::v, kernel_.v, loops_.address(move_, kernel_.v, u.head, u.first), u.rows);
    const AttentionBlocks blocks = loops_.blocks(move_, u, s_.m, kernel_.causal, true);
    const Reg head = move_.reg();
    move_.muli(head, u.head, group_);
    move_.loop(move_.constant(group_), [&] {
      loops_.for_each_block(move_, blocks,
                            [&](int first, Amount columns) { move_block(u, head, first, columns); });
      move_.addi(head, head, 1);
    });
    store_slots(u, kernel_.dv);
    store_slots(u, kernel_.dk);
  }

  void move_block(const AttentionUnit& u, int head, int first, Amount columns) {
    const auto load = [&](int buffer, const Place& place) {
      move_.scope(
          [&] { loops_.load(move_, buffer, place, loops_.address(move_, place, head, first), columns); });
    };
    load(B::q_raw, kernel_.q);
    load(B::dy_raw, kernel_.dy);
    load(B::lse, kernel_.lse);
    load(B::delta, kernel_.delta);
    const Reg at = tile_of_dscores(loops_, move_, kernel_.dscores, head, u.first, first);
    emit_store(move_, B::ds_out, at, dscores_tile(u.rows, columns, plan_.columns, s_.element));
  }

  void store_slots(const AttentionUnit& u, const Place& place) {
    const Reg first = move_.reg();
    move_.add(first, u.first, 0);
    for_each_slot(move_, loops_.slots(move_, u.rows), [&](const AttentionSlot& slot) {
      loops_.store(move_, B::out, place, loops_.address(move_, place, u.head, first), slot.rows);
      move_.addi(first, first, plan_.held);
    });
  }

  // ---- compute ----

  void compute(const AttentionUnit& u) {
    rows_ = u.rows;
    slots_ = loops_.slots(core_, u.rows);
    half_ = 0;
    pending_ = {};
    touch_operands({true, false});
    start(B::dv, s_.e);
    start(B::dk, s_.d);
    const AttentionBlocks blocks = loops_.blocks(core_, u, s_.m, kernel_.causal, true);
    core_.loop(core_.constant(group_), [&] {
      loops_.pipeline(
          core_, blocks, [&](Amount columns) { make_scores(columns); },
          [&](Amount columns, int window) { block(columns, window); });
    });
    touch_operands({false, true});
    finish(B::dv, s_.e, kernel_.dv);
    finish(B::dk, s_.d, kernel_.dk);
  }

  void touch_operands(Flags flags) {
    for (const int buffer : {B::k, B::v}) emit_matmul_touch(core_, buffer, kernel_.q.dtype, flags);
  }
  static MatmulOperandTile nothing() { return {B::none, 0}; }

  // Products take turns between the halves of the banks. A drain is emitted after the next product's fill, so
  // that the reduction engine does the fill first, while the matrix engine is still busy.
  void issue(MatmulCommand command, AccumulatorTile drain, bool fill) {
    command.bank = drain.bank = loops_.bank(half_);
    half_ = 1 - half_;
    if (fill) {
      AccumulatorTile source = drain;
      source.offset = 0;
      source.flags = {true, true};
      emit_fill(core_, source);
    }
    command.first = !fill;
    emit_matmul_command(core_, command);
    flush();
    pending_ = drain;
  }
  void flush() {
    if (pending_) emit_drain(core_, *pending_);
    pending_.reset();
  }

  // Sums of zero, a tile a slot.
  void start(int buffer, std::int64_t columns) {
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      issue({.held = nothing(),
             .stream = nothing(),
             .m = slot.rows,
             .n = Amount::constant(columns),
             .k = Amount::constant(0),
             .dtype = kernel_.q.dtype},
            {.buffer = buffer, .m = slot.rows, .n = Amount::constant(columns), .pitch = columns * 4}, false);
      flush();
    });
  }

  // The sums of a unit, narrowed.
  void finish(int buffer, std::int64_t columns, const Place& to) {
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      const int bank = loops_.bank(half_);
      half_ = 1 - half_;
      const Amount m = slot.rows, n = Amount::constant(columns);
      emit_fill(core_, {.bank = bank, .buffer = buffer, .m = m, .n = n, .pitch = columns * 4});
      emit_matmul_command(core_, {.held = nothing(),
                                  .stream = nothing(),
                                  .m = m,
                                  .n = n,
                                  .k = Amount::constant(0),
                                  .dtype = kernel_.q.dtype,
                                  .bank = bank,
                                  .first = false});
      emit_drain(core_, {.bank = bank,
                         .buffer = B::out,
                         .m = m,
                         .n = n,
                         .pitch = columns * size_of(to.dtype),
                         .dtype = to.dtype});
    });
  }

  void make_scores(Amount columns) {
    const std::int64_t x = s_.element, wide = plan_.columns * x;
    const DType type = kernel_.q.dtype;
    emit_layout_copy(core_, {B::q, B::q_raw, s_.d * x, s_.d * x, type, {true, false}}, columns,
                     Amount::constant(s_.d));
    emit_layout_copy(core_, {B::dy, B::dy_raw, s_.e * x, s_.e * x, type, {true, false}}, columns,
                     Amount::constant(s_.e));
    emit_transpose(core_, {B::q_t, B::q_raw, wide, s_.d * x, type, {false, true}}, columns,
                   Amount::constant(s_.d));
    emit_transpose(core_, {B::dy_t, B::dy_raw, wide, s_.e * x, type, {false, true}}, columns,
                   Amount::constant(s_.e));
    scores_of(B::k, B::q, s_.d, B::scores, columns);
    scores_of(B::v, B::dy, s_.e, B::dp, columns);
    flush();
  }

  void scores_of(int held, int stream, std::int64_t depth, int to, Amount columns) {
    const std::int64_t pitch = depth * s_.element, wide = plan_.columns * 4;
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      issue({.held = {held, pitch, loops_.before(core_, slot, pitch)},
             .stream = {stream, pitch, 0, {slot.first, slot.last}},
             .m = slot.rows,
             .n = columns,
             .k = Amount::constant(depth),
             .dtype = kernel_.q.dtype},
            {.buffer = to,
             .m = slot.rows,
             .n = columns,
             .pitch = wide,
             .offset = offsets_[std::size_t(slot.index)],
             .flags = {slot.first, slot.last}},
            false);
    });
  }

  void block(Amount columns, int window) {
    make_gradients(columns, window);
    add_product(B::p, B::dy_t, s_.e, B::dv, columns);
    add_product(B::ds, B::q_t, s_.d, B::dk, columns);
    flush();
  }

  void add_product(int held, int stream, std::int64_t width, int sum, Amount columns) {
    const std::int64_t pitch = plan_.columns * s_.element;
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      issue({.held = {held, pitch, loops_.before(core_, slot, pitch), {slot.first, slot.last}},
             .stream = {stream, pitch, 0, {slot.first, slot.last}},
             .m = slot.rows,
             .n = Amount::constant(width),
             .k = columns,
             .dtype = kernel_.q.dtype},
            {.buffer = sum, .m = slot.rows, .n = Amount::constant(width), .pitch = width * 4}, true);
    });
  }

  void make_gradients(Amount columns, int window) {
    const auto wide = [&](int buffer) {
      return LocalTile{buffer, DType::fp32, Amount::constant(plan_.columns * 4)};
    };
    const auto narrow = [&](int buffer) {
      return LocalTile{buffer, kernel_.q.dtype, Amount::constant(plan_.columns * s_.element)};
    };
    const auto numbers = [](int buffer) { return LocalTile{buffer, DType::fp32}.row(); };
    const auto pass = [&](const VectorPass& p) { emit_pass(core_, p, rows_, columns); };
    const LocalTile x = wide(B::shifted), y = wide(B::difference);
    pass({.op = VectorOp::multiply, .to = x, .a = wide(B::scores).taking(), .value = kernel_.scale});
    if (window >= 0) {
      const LocalTile hidden{B::mask, DType::e4m3, Amount::constant(plan_.rows())};
      pass({.op = VectorOp::multiply,
            .to = y,
            .a = hidden.at(window == 0 ? 0 : core_.constant(window)),
            .value = kMaskedScore});
      pass({.op = VectorOp::add, .to = x, .a = x, .b = y});
    }
    pass({.op = VectorOp::subtract, .to = x, .a = x, .b = numbers(B::lse).taking()});
    pass({.op = VectorOp::exponential, .to = narrow(B::p).taking(), .a = x});
    pass({.op = VectorOp::exponential, .to = x, .a = x});
    if (kernel_.scale != 1) pass({.op = VectorOp::multiply, .to = x, .a = x, .value = kernel_.scale});
    pass({.op = VectorOp::subtract, .to = y, .a = wide(B::dp).taking(), .b = numbers(B::delta).taking()});
    pass({.op = VectorOp::multiply, .to = narrow(B::ds).taking(), .a = x, .b = y});
    LocalTile stored = narrow(B::ds_out).taking();
    stored.pitch = columns.times(s_.element);
    pass({.op = VectorOp::multiply, .to = stored, .a = x, .b = y});
  }

  const AttentionGradientKernel& kernel_;
  const AttentionShape s_;
  const AttentionPlan plan_;
  AttentionLoops loops_;
  CoreEmitter &move_, &core_;
  std::int64_t heads_, group_;
  Amount rows_;
  std::vector<AttentionSlot> slots_;
  std::vector<Reg> offsets_;
  int half_ = 0;
  std::optional<AccumulatorTile> pending_;
};

class QueryEmitter {
 public:
  QueryEmitter(EmitContext& context, const AttentionQueryKernel& kernel)
      : kernel_(kernel),
        s_{back(kernel.dq, 2), back(kernel.k, 2), back(kernel.k, 1), kernel.value_columns,
           size_of(kernel.k.dtype)},
        plan_(*plan_attention(AttentionStage::query, s_, context.chip)),
        tile_columns_(plan_attention(AttentionStage::gradient, s_, context.chip)->columns),
        loops_(context, plan_),
        move_(context.pe.move),
        core_(context.pe.compute),
        heads_(heads_of(kernel.dq)),
        group_(heads_ / heads_of(kernel.k)) {}

  void run() {
    loops_.define_buffers();
    loops_.for_each_unit(move_, heads_, s_.m, true, [&](const AttentionUnit& u) { moves(u); });
    loops_.for_each_unit(core_, heads_, s_.m, true, [&](const AttentionUnit& u) { compute(u); });
  }

 private:
  using B = attention_query::Buffer;

  void moves(const AttentionUnit& u) {
    const AttentionBlocks blocks = loops_.blocks(move_, u, s_.n, kernel_.causal, false);
    const Reg head = move_.reg();
    move_.divi(head, u.head, group_);
    const std::vector<Piece> pieces = pieces_of(move_, u);
    loops_.for_each_block(move_, blocks, [&](int first, Amount rows) {
      for (const Piece& piece : pieces)
        move_.scope([&] {
          emit_load(move_, B::ds_raw,
                    tile_of_dscores(loops_, move_, kernel_.dscores, u.head, first, piece.first),
                    dscores_tile(rows, piece.columns, tile_columns_, s_.element));
        });
      loops_.load(move_, B::k_raw, kernel_.k, loops_.address(move_, kernel_.k, head, first), rows);
    });
    loops_.store(move_, B::out, kernel_.dq, loops_.address(move_, kernel_.dq, u.head, u.first), u.rows);
  }

  // A unit's rows of q are columns of this many tiles of dscores.
  struct Piece {
    Reg first;
    Amount columns;
    bool opens, closes;
    std::int64_t rows_before;
  };
  std::vector<Piece> pieces_of(CoreEmitter& core, const AttentionUnit& u) const {
    std::vector<Piece> pieces;
    for (std::int64_t at = 0; at < plan_.rows(); at += tile_columns_) {
      Piece piece{core.reg(), Amount::constant(tile_columns_), at == 0, at + tile_columns_ == plan_.rows(),
                  at};
      core.addi(piece.first, u.first, at);
      if (s_.m % tile_columns_ != 0) piece.columns = Amount::in(core.rest(piece.first, s_.m, tile_columns_));
      pieces.push_back(piece);
    }
    return pieces;
  }

  void compute(const AttentionUnit& u) {
    slots_ = loops_.slots(core_, u.rows);
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      multiply(slot, Amount::constant(0), {B::none, 0}, {B::none, 0}, true, false);
    });
    const AttentionBlocks blocks = loops_.blocks(core_, u, s_.n, kernel_.causal, false);
    const std::vector<Piece> pieces = pieces_of(core_, u);
    loops_.for_each_block(core_, blocks, [&](int, Amount rows) { block(pieces, rows); });
    const std::int64_t pitch = s_.d * size_of(kernel_.dq.dtype);
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      multiply(slot, Amount::constant(0), {B::none, 0}, {B::none, 0}, false, true);
      emit_drain(core_, {.bank = bank(slot),
                         .buffer = B::out,
                         .m = slot.rows,
                         .n = Amount::constant(s_.d),
                         .pitch = pitch,
                         .dtype = kernel_.dq.dtype,
                         .offset = loops_.before(core_, slot, pitch),
                         .flags = {slot.first, slot.last}});
    });
  }

  void block(const std::vector<Piece>& pieces, Amount rows) {
    const std::int64_t pitch = plan_.columns * s_.element;
    const DType type = kernel_.k.dtype;
    for (const Piece& piece : pieces) core_.scope([&] { turn(piece, rows, pitch, type); });
    emit_transpose(core_, {B::k, B::k_raw, pitch, s_.d * s_.element, type}, rows, Amount::constant(s_.d));
    for_each_slot(core_, slots_, [&](const AttentionSlot& slot) {
      multiply(slot, rows, {B::ds, pitch, loops_.before(core_, slot, pitch), {slot.first, slot.last}},
               {B::k, pitch, 0, {slot.first, slot.last}}, false, false);
    });
  }

  // A piece of dscores, transposed into its rows of the block.
  void turn(const Piece& piece, Amount rows, std::int64_t pitch, DType type) {
    using T = isa::transpose_t;
    const Reg offset = piece.opens ? 0 : core_.constant(piece.rows_before * pitch);
    const Reg shape =
        core_.shape({rows, piece.columns, piece.columns.times(s_.element), Amount::constant(pitch)});
    core_.emit(isa::Opcode::transpose, {{T::dst, B::ds},
                                        {T::dst_offset, offset},
                                        {T::reserve, piece.opens},
                                        {T::push, piece.closes},
                                        {T::src, B::ds_raw},
                                        {T::wait, 1},
                                        {T::pop, 1},
                                        {T::type, std::int64_t(type)},
                                        {T::shape, shape}});
  }

  void multiply(const AttentionSlot& slot, Amount depth, MatmulOperandTile held, MatmulOperandTile stream,
                bool first, bool last) {
    emit_matmul_command(core_, {.held = held,
                                .stream = stream,
                                .m = slot.rows,
                                .n = Amount::constant(s_.d),
                                .k = depth,
                                .dtype = kernel_.k.dtype,
                                .bank = bank(slot),
                                .first = first,
                                .last = last});
  }

  int bank(const AttentionSlot& slot) const { return loops_.bank(slot.index); }

  const AttentionQueryKernel& kernel_;
  const AttentionShape s_;
  const AttentionPlan plan_;
  const std::int64_t tile_columns_;
  AttentionLoops loops_;
  CoreEmitter &move_, &core_;
  std::int64_t heads_, group_;
  std::vector<AttentionSlot> slots_;
};

}  // namespace

void emit_attention_gradient(EmitContext& context, const AttentionGradientKernel& kernel) {
  GradientEmitter(context, kernel).run();
}

void emit_attention_query(EmitContext& context, const AttentionQueryKernel& kernel) {
  QueryEmitter(context, kernel).run();
}

}  // namespace leto::compiler
