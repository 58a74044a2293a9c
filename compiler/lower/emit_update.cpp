// The update of a table by sorted lookups, one pass: a tile's gradients are fetched, added up by row in the
// local store, turned into the rows' changes there, and added to the table where it lies.
#include <algorithm>
#include <bit>

#include "base/errors.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/row_tiles.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kIndex = isa::kIndexBytes, kPair = isa::kPairBytes;
// Lists of number (isa/instructions.inc).
enum List : std::uint8_t { slots, keys, payloads, seams, run };
constexpr std::int64_t kMostAhead = 3;  // tiles of gradients on their way, and of changes
constexpr std::int64_t kScalar = 4;     // bytes
const Amount kNone = Amount::constant(0), kOne = Amount::constant(1);

class UpdateEmitter {
 public:
  UpdateEmitter(EmitContext& context, const UpdateKernel& kernel)
      : context_(context),
        k_(kernel),
        pe_(context.pe),
        lookups_(kernel.pairs.view.shape[0]),
        width_(kernel.gradients.view.shape[1]),
        element_(size_of(kernel.gradients.dtype)),
        dims_{{lookups_, std::min(lookups_, kernel.block)}} {}

  void emit() {
    define_buffers();
    const int first = context_.first_pe;
    tile_loop(
        pe_.move, dims_, [&](const Tile& tile) { move(tile); }, first);
    tile_loop(
        pe_.compute, dims_, [&](const Tile& tile) { compute(tile.extent[0]); }, first);
    context_.first_pe = int((first + dims_[0].blocks()) % context_.chip.pes());
  }

 private:
  void define_buffers() {
    const std::int64_t list = aligned(k_.block * kIndex);
    const std::int64_t lists = 2 * aligned((k_.block + 2) * kPair) + (k_.weights ? 16 : 12) * list;
    const std::int64_t row = width_ * 4, seam_rows = k_.seams ? 2 * 2 * row : 0;
    const std::int64_t products = k_.weights ? 1 : 0;
    const std::int64_t moments = (k_.mean ? 1 : 0) + (k_.square ? 1 : 0);  // of each the old, and its growth
    const std::int64_t tiles = k_.block * width_ * (element_ + 4 + 2 * 4 * moments);
    const std::int64_t ahead = rows_that_fit(
        context_.chip, tiles, kMostAhead, "an update of a table",
        lists + seam_rows + k_.block * row * (1 + moments + products) + 2 * aligned(2 * kScalar));
    pairs_ = buffer(aligned((k_.block + 2) * kPair), 2);
    fetched_ = buffer((k_.weights ? 3 : 2) * list, 2);
    slots_ = buffer(2 * list, 2);
    stored_ = buffer(list + aligned(3 * kPair), 2);
    gradients_ = buffer(aligned(k_.block * width_ * element_), ahead);
    if (k_.weights) {
      weights_ = buffer(aligned(k_.block * size_of(k_.weights->each.dtype)), 2);
      products_ = buffer(aligned(k_.block * row), 0);
    }
    sum_ = buffer(aligned(k_.block * row), 0);
    if (k_.table) change_ = buffer(aligned(k_.block * row), ahead);
    if (k_.seams) seam_ = buffer(aligned(2 * row), 2);
    if (k_.sums) {
      old_ = buffer(list, 2);
      square_ = buffer(list, 0);
      column_ = buffer(list, 0);
      growth_ = buffer(list, 2);
      states_.push_back({old_, growth_, *k_.sums, kIndex});
    }
    if (k_.mean) mean_ = moment(*k_.mean, ahead);
    if (k_.square) square_mean_ = moment(*k_.square, ahead);
    if (k_.scalars) scalars_ = buffer(aligned(2 * kScalar), 2);
    context_.open("update", buffers_);
  }
  int buffer(std::int64_t bytes, std::int64_t depth) {
    buffers_.push_back({bytes, depth});
    return int(buffers_.size()) - 1;
  }
  /// A moment's buffers: what it was, how much it grows, what it is.
  struct Moment {
    int old = -1, growth = -1, now = -1;
  };
  Moment moment(const UpdateKernel::Moment& m, std::int64_t ahead) {
    const std::int64_t bytes = aligned(k_.block * width_ * 4);
    const Moment made{buffer(bytes, ahead), buffer(bytes, ahead), buffer(bytes, 0)};
    states_.push_back({made.old, made.growth, m.rows, width_ * 4});
    return made;
  }
  std::int64_t list_at(int number) const { return number * aligned(k_.block * kIndex); }
  std::int64_t second_list() const { return list_at(1); }

  // ---- the move core: lists, rows in, rows out ----

  void move(const Tile& tile) {
    load_pairs(tile);
    number(fetched_, payloads, {.first = true, .last = states_.empty() && !k_.weights},
           {.first = true, .last = false}, 0, k_.weights ? k_.weights->bag : 1);
    if (!states_.empty()) number(fetched_, keys, {.first = false, .last = !k_.weights}, {});
    if (k_.weights) number(fetched_, payloads, {.first = false, .last = true}, {}, 2);
    number(slots_, slots, {.first = true, .last = !k_.seams}, {});
    if (k_.seams) number(slots_, seams, {.first = false, .last = true}, {});
    number(stored_, keys, {.first = true, .last = !k_.seams}, {.first = false, .last = !k_.seams});
    if (k_.seams) number(stored_, run, {.first = false, .last = true}, {.first = false, .last = true});
    gather(gradients_, k_.gradients, width_ * element_,
           {.first = true, .last = states_.empty() && !k_.weights}, 0);
    if (k_.weights)
      gather(weights_, k_.weights->each, size_of(k_.weights->each.dtype),
             {.first = false, .last = states_.empty()}, list_at(2));
    for (const State& s : states_)
      gather(s.old, s.rows, s.bytes, {.first = false, .last = &s == &states_.back()}, second_list());
    if (k_.scalars) load_scalars();
    if (k_.seams) store_seams(tile);
    for (const State& s : states_)
      scatter(s.growth, s.rows, s.bytes,
              {.first = !k_.seams && &s == &states_.front(), .last = !k_.table && &s == &states_.back()});
    if (k_.table)
      scatter(change_, *k_.table, width_ * 4, {.first = !k_.seams && states_.empty(), .last = true});
  }

  void load_scalars() {
    const auto one = transfer_of(4, {{kOne, 4}});
    emit_load(pe_.move, scalars_, context_.address_register(k_.scalars->rate), one, isa::Multicast::none,
              {.hold = true, .advance = false});
    emit_load(pe_.move, scalars_, context_.address_register(k_.scalars->root), one, isa::Multicast::none,
              {.hold = false, .advance = true}, pe_.move.constant(kScalar));
  }

  // With the pair before them, and the one behind.
  void load_pairs(const Tile& tile) {
    auto& core = pe_.move;
    own_ = core.materialise(tile.extent[0]);
    before_ = core.reg(), behind_ = core.reg(), many_ = core.reg(), number_ = core.reg();
    if (tile.index[0] < 0)
      core.set(number_, 0);
    else
      core.add(number_, tile.index[0], 0);
    const auto from = core.reg();
    core.muli(from, number_, k_.block);
    core.min(before_, from, core.constant(1));
    core.sub(behind_, core.constant(lookups_), from);
    core.sub(behind_, behind_, own_);
    core.min(behind_, behind_, core.constant(1));
    core.add(many_, own_, before_);
    core.add(many_, many_, behind_);
    core.sub(from, from, before_);
    core.muli(from, from, kPair);
    core.add(from, from, context_.address_register(k_.pairs));
    emit_load(core, pairs_, from, transfer_of(int(kPair), {{Amount::in(many_), kPair}}));
  }

  struct Turn {
    bool first = false, last = false;
  };
  /// `to`: of the list's buffer, of which it is the second list where it is not the first and none is named;
  /// `of`: of the pairs.
  void number(int buffer, List what, Turn to, Turn of, int list = -1, std::int64_t share = 1) {
    using N = isa::number_t;
    auto& core = pe_.move;
    const auto offset = core.constant(list_at(list >= 0 ? list : to.first ? 0 : 1));
    const int shape = core.shape({Amount::in(many_), Amount::in(number_), Amount::in(before_),
                                  Amount::in(behind_), share == 1 ? kNone : Amount::constant(share), kNone});
    core.emit(isa::Opcode::number, {{N::dst, buffer},
                                    {N::dst_offset, offset},
                                    {N::reserve, to.first},
                                    {N::push, to.last},
                                    {N::src, pairs_},
                                    {N::wait, of.first},
                                    {N::pop, of.last},
                                    {N::what, what},
                                    {N::shape, shape}});
  }

  void gather(int buffer, const Place& from, std::int64_t bytes, Turn of, std::int64_t list) {
    using G = isa::gather_t;
    auto& core = pe_.move;
    const auto address = context_.address_register(from), offset = core.constant(list);
    const std::int64_t stride = from.view.strides[0] * size_of(from.dtype);
    const int shape = core.shape({Amount::constant(bytes), Amount::in(own_), Amount::constant(stride),
                                  Amount::constant(from.view.shape[0]), kOne, Amount::constant(bytes)});
    core.emit(isa::Opcode::gather, {{G::dst, buffer},
                                    {G::reserve, 1},
                                    {G::push, 1},
                                    {G::index, fetched_},
                                    {G::index_offset, offset},
                                    {G::wait, of.first},
                                    {G::pop, of.last},
                                    {G::index_type, std::int64_t(DType::int32)},
                                    {G::address, address},
                                    {G::shape, shape}});
  }

  void scatter(int buffer, const Place& to, std::int64_t bytes, Turn of) {
    using S = isa::scatter_t;
    auto& core = pe_.move;
    const auto address = context_.address_register(to);
    const int shape =
        core.shape({Amount::constant(bytes), Amount::in(own_), Amount::constant(to.view.strides[0] * 4),
                    Amount::constant(to.view.shape[0]), kOne, Amount::constant(bytes)});
    core.emit(isa::Opcode::scatter, {{S::src, buffer},
                                     {S::wait, 1},
                                     {S::pop, 1},
                                     {S::index, stored_},
                                     {S::index_wait, of.first},
                                     {S::index_pop, of.last},
                                     {S::index_type, std::int64_t(DType::int32)},
                                     {S::address, address},
                                     {S::shape, shape}});
  }

  void store_seams(const Tile& tile) {
    using S = isa::spread_t;
    auto& core = pe_.move;
    const std::int64_t row = width_ * 4;
    const std::vector<BlockedDim> twos{{2 * dims_[0].blocks(), 2}};
    emit_store(core, seam_, tile_address(core, context_.address_register(k_.seams->rows), tile, twos, {row}),
               transfer_of(4, {{Amount::constant(2 * width_), 4}}));
    const auto address = context_.address_register(k_.seams->pairs), offset = core.constant(second_list());
    const int shape = core.shape({Amount::constant(kPair), kOne, Amount::constant(2 * dims_[0].blocks()),
                                  Amount::constant(2), kNone, kNone});
    core.emit(isa::Opcode::spread, {{S::src, stored_},
                                    {S::src_offset, offset},
                                    {S::wait, 1},
                                    {S::pop, 0},
                                    {S::address, address},
                                    {S::shape, shape}});
  }

  // ---- the compute core: sums, and what they change ----

  void compute(const Amount& rows) {
    if (k_.weights) weigh(rows);
    collect(sum_, false, rows, rows, {.first = true, .last = !k_.seams}, 0);
    if (k_.seams)
      collect(seam_, true, rows, Amount::constant(2), {.first = false, .last = true}, second_list());
    if (k_.sums) return adagrad(rows);
    if (k_.mean || k_.square) return adam(rows);
    pass({.op = isa::VectorOp::multiply,
          .rows = rows,
          .columns = Amount::constant(width_),
          .a = {sum_},
          .immediate = -k_.rate,
          .to = change_,
          .publish = true});
  }

  void weigh(const Amount& rows) {
    pass({.op = isa::VectorOp::multiply,
          .rows = rows,
          .columns = Amount::constant(width_),
          .a = {.buffer = gradients_, .wait = true, .pop = true, .dtype = k_.gradients.dtype},
          .b = {.buffer = weights_,
                .wait = true,
                .pop = true,
                .mode = isa::Broadcast::column,
                .dtype = k_.weights->each.dtype},
          .to = products_});
  }

  void collect(int to, bool publish, const Amount& rows, const Amount& results, Turn of, std::int64_t list) {
    using C = isa::collect_t;
    auto& core = pe_.compute;
    const bool made = k_.weights.has_value();  // by a pass before
    const DType dtype = made ? DType::fp32 : k_.gradients.dtype;
    const auto offset = core.constant(list);
    const int shape = core.shape(
        {rows, Amount::constant(width_), results, Amount::constant(width_ * size_of(dtype)), kNone, kNone});
    core.emit(isa::Opcode::collect, {{C::dst, to},
                                     {C::reserve, publish},
                                     {C::push, publish},
                                     {C::src, made ? products_ : gradients_},
                                     {C::wait, of.first && !made},
                                     {C::pop, of.last && !made},
                                     {C::src_type, std::int64_t(dtype)},
                                     {C::slots, slots_},
                                     {C::slots_offset, offset},
                                     {C::slots_wait, of.first},
                                     {C::slots_pop, of.last},
                                     {C::shape, shape}});
  }

  // sum' = sum + mean of g^2; change = -lr / (sqrt(sum') + eps) g.
  void adagrad(const Amount& rows) {
    using Op = isa::VectorOp;
    pass({.op = Op::multiply,
          .rows = rows,
          .columns = Amount::constant(width_),
          .a = {sum_},
          .b = {sum_},
          .to = column_,
          .sums = true});
    const auto column = [&](Op op, Operand a, Operand b, double immediate, int to, bool publish = false) {
      pass({.op = op,
            .rows = rows,
            .columns = kOne,
            .a = a,
            .b = b,
            .immediate = float(immediate),
            .to = to,
            .publish = publish});
    };
    column(Op::multiply, {column_}, {}, 1.0 / double(width_), square_);
    column(Op::copy, {square_}, {}, 0, growth_, true);
    column(Op::add, {.buffer = old_, .wait = true, .pop = true}, {square_}, 0, column_);
    if (!k_.table) return;
    column(Op::square_root, {column_}, {}, 0, column_);
    column(Op::add, {column_}, {}, k_.epsilon, column_);
    column(Op::reciprocal, {column_}, {}, 0, column_);
    column(Op::multiply, {column_}, {}, -k_.rate, column_);
    pass({.op = Op::multiply,
          .rows = rows,
          .columns = Amount::constant(width_),
          .a = {sum_},
          .b = {.buffer = column_, .mode = isa::Broadcast::column},
          .to = change_,
          .publish = true});
  }

  struct Operand {
    int buffer = -1;  // none: the immediate
    bool wait = false, pop = false;
    isa::Broadcast mode = isa::Broadcast::full;
    std::int64_t offset = 0;  // bytes into the tile
    DType dtype = DType::fp32;
  };

  // A moment moves towards its target t: growth = share (t - old); change = rate m / (root sqrt(v) + eps).
  void adam(const Amount& rows) {
    using Op = isa::VectorOp;
    if (k_.mean) move_towards(mean_, {sum_}, k_.mean->share, rows);
    if (k_.square) {
      each(rows, Op::multiply, {sum_}, {sum_}, square_mean_.now);
      move_towards(square_mean_, {square_mean_.now}, k_.square->share, rows);
    }
    if (!k_.table) return;
    const int to = square_mean_.now;
    each(rows, Op::square_root, {to}, {}, to);
    each(rows, Op::multiply, {to}, scalar(kScalar, true), to);
    each(rows, Op::add, {to}, {}, to, k_.epsilon);
    each(rows, Op::reciprocal, {to}, {}, to);
    each(rows, Op::multiply, {to}, {mean_.now}, to);
    each(rows, Op::multiply, {to}, scalar(0, false), change_, 0, true);
  }

  void move_towards(const Moment& m, Operand target, float share, const Amount& rows) {
    using Op = isa::VectorOp;
    each(rows, Op::subtract, target, {.buffer = m.old, .wait = true}, m.now);
    each(rows, Op::multiply, {m.now}, {}, m.now, share);
    each(rows, Op::copy, {m.now}, {}, m.growth, 0, true);
    each(rows, Op::add, {.buffer = m.old, .pop = true}, {m.now}, m.now);
  }

  /// All elements of the tile, as one row.
  void each(const Amount& rows, isa::VectorOp op, Operand a, Operand b, int to, float immediate = 0,
            bool publish = false) {
    pass({.op = op,
          .rows = kOne,
          .columns = rows.times(width_),
          .a = a,
          .b = b,
          .immediate = immediate,
          .to = to,
          .publish = publish});
  }

  /// One of the two that every element of the tile meets: the one that is used first waits for them.
  Operand scalar(std::int64_t offset, bool first) {
    return {
        .buffer = scalars_, .wait = first, .pop = !first, .mode = isa::Broadcast::column, .offset = offset};
  }

  struct Pass {
    isa::VectorOp op;
    Amount rows, columns;
    Operand a{}, b{};
    float immediate = 0;
    int to = -1;
    bool publish = false;
    bool sums = false;  // of the rows
  };
  void pass(const Pass& p) {
    using V = isa::vector_t;
    auto& core = pe_.compute;
    const auto mode = [](const Operand& o) {
      return std::int64_t(o.buffer < 0 ? isa::Broadcast::immediate : o.mode);
    };
    const auto pitch = [&](const Operand& o) {
      const int element = size_of(o.dtype);
      return o.mode == isa::Broadcast::column ? Amount::constant(element) : p.columns.times(element);
    };
    const auto offset = [&](const Operand& o) { return o.offset == 0 ? 0 : core.constant(o.offset); };
    const int b_offset = offset(p.b);
    const int shape = core.shape({p.rows, p.columns, p.sums ? Amount::constant(4) : p.columns.times(4),
                                  pitch(p.a), pitch(p.b), kNone});
    core.emit(isa::Opcode::vector,
              {{V::op, std::int64_t(p.op)},
               {V::dst, p.to},
               {V::reserve, p.publish},
               {V::push, p.publish},
               {V::dst_type, std::int64_t(DType::fp32)},
               {V::a, p.a.buffer},
               {V::a_wait, p.a.wait},
               {V::a_pop, p.a.pop},
               {V::a_type, std::int64_t(p.a.dtype)},
               {V::a_mode, mode(p.a)},
               {V::b, std::max(p.b.buffer, 0)},
               {V::b_offset, b_offset},
               {V::b_wait, p.b.wait},
               {V::b_pop, p.b.pop},
               {V::b_type, std::int64_t(p.b.dtype)},
               {V::b_mode, mode(p.b)},
               {V::reduce, std::int64_t(p.sums ? isa::Reduce::row_sum : isa::Reduce::none)},
               {V::value, std::int64_t(std::bit_cast<std::uint32_t>(p.immediate))},
               {V::shape, shape}});
  }

  EmitContext& context_;
  const UpdateKernel& k_;
  PeEmitter& pe_;
  std::int64_t lookups_, width_;
  int element_;
  std::vector<BlockedDim> dims_;
  std::vector<PeEmitter::Buffer> buffers_;
  /// What is read, and grows, row by row beside the table: buffers of the old rows and of their growth.
  struct State {
    int old, growth;
    Place rows;
    std::int64_t bytes;  // of a row
  };
  std::vector<State> states_;
  // Buffers. Each has one reader: `fetched` the loads (payloads, keys, the weights' payloads), `slots` the
  // sums (slots, seams), `stored` the stores (keys, run).
  int pairs_ = -1, fetched_ = -1, slots_ = -1, stored_ = -1, gradients_ = -1, sum_ = -1, change_ = -1,
      seam_ = -1;
  int old_ = -1, square_ = -1, column_ = -1, growth_ = -1;  // adagrad's columns
  int weights_ = -1, products_ = -1;                        // of weighted bags
  Moment mean_, square_mean_;                               // adam's
  int scalars_ = -1;
  // Registers of the tile at hand.
  int own_ = -1, before_ = -1, behind_ = -1, many_ = -1, number_ = -1;
};

}  // namespace

void emit_update(EmitContext& context, const UpdateKernel& kernel) {
  UpdateEmitter(context, kernel).emit();
}

}  // namespace leto::compiler
