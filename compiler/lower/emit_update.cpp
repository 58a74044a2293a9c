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
    const std::int64_t lists = 2 * aligned((k_.block + 2) * kPair) + 12 * list;
    const std::int64_t row = width_ * 4, seam_rows = k_.seams ? 2 * 2 * row : 0;
    const std::int64_t ahead = rows_that_fit(context_.chip, k_.block * width_ * (element_ + 4), kMostAhead,
                                             "an update of a table", lists + seam_rows + k_.block * row);
    pairs_ = buffer(aligned((k_.block + 2) * kPair), 2);
    fetched_ = buffer(2 * list, 2);
    slots_ = buffer(2 * list, 2);
    stored_ = buffer(list + aligned(3 * kPair), 2);
    gradients_ = buffer(aligned(k_.block * width_ * element_), ahead);
    sum_ = buffer(aligned(k_.block * row), 0);
    if (k_.table) change_ = buffer(aligned(k_.block * row), ahead);
    if (k_.seams) seam_ = buffer(aligned(2 * row), 2);
    if (k_.sums) {
      old_ = buffer(list, 2);
      square_ = buffer(list, 0);
      column_ = buffer(list, 0);
      growth_ = buffer(list, 2);
    }
    context_.open("update", buffers_);
  }
  int buffer(std::int64_t bytes, std::int64_t depth) {
    buffers_.push_back({bytes, depth});
    return int(buffers_.size()) - 1;
  }
  std::int64_t second_list() const { return aligned(k_.block * kIndex); }

  // ---- the move core: lists, rows in, rows out ----

  void move(const Tile& tile) {
    load_pairs(tile);
    number(fetched_, payloads, {.first = true, .last = !k_.sums}, {.first = true, .last = false});
    if (k_.sums) number(fetched_, keys, {.first = false, .last = true}, {});
    number(slots_, slots, {.first = true, .last = !k_.seams}, {});
    if (k_.seams) number(slots_, seams, {.first = false, .last = true}, {});
    number(stored_, keys, {.first = true, .last = !k_.seams}, {.first = false, .last = !k_.seams});
    if (k_.seams) number(stored_, run, {.first = false, .last = true}, {.first = false, .last = true});
    gather(gradients_, k_.gradients, width_ * element_, {.first = true, .last = !k_.sums}, 0);
    if (k_.sums) gather(old_, *k_.sums, kIndex, {.first = false, .last = true}, second_list());
    if (k_.seams) store_seams(tile);
    if (k_.sums) scatter(growth_, *k_.sums, kIndex, {.first = !k_.seams, .last = !k_.table});
    if (k_.table) scatter(change_, *k_.table, width_ * 4, {.first = !k_.seams && !k_.sums, .last = true});
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
  /// `to`: of the list's buffer, its second list where it is not the first; `of`: of the pairs.
  void number(int buffer, List what, Turn to, Turn of) {
    using N = isa::number_t;
    auto& core = pe_.move;
    const auto offset = core.constant(to.first ? 0 : second_list());
    const int shape = core.shape(
        {Amount::in(many_), Amount::in(number_), Amount::in(before_), Amount::in(behind_), kNone, kNone});
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
    collect(sum_, false, rows, rows, {.first = true, .last = !k_.seams}, 0);
    if (k_.seams)
      collect(seam_, true, rows, Amount::constant(2), {.first = false, .last = true}, second_list());
    if (k_.sums) return adagrad(rows);
    pass({.op = isa::VectorOp::multiply,
          .rows = rows,
          .columns = width_,
          .a = {sum_},
          .immediate = -k_.rate,
          .to = change_,
          .publish = true});
  }

  void collect(int to, bool publish, const Amount& rows, const Amount& results, Turn of, std::int64_t list) {
    using C = isa::collect_t;
    auto& core = pe_.compute;
    const auto offset = core.constant(list);
    const int shape = core.shape(
        {rows, Amount::constant(width_), results, Amount::constant(width_ * element_), kNone, kNone});
    core.emit(isa::Opcode::collect, {{C::dst, to},
                                     {C::reserve, publish},
                                     {C::push, publish},
                                     {C::src, gradients_},
                                     {C::wait, of.first},
                                     {C::pop, of.last},
                                     {C::src_type, std::int64_t(k_.gradients.dtype)},
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
          .columns = width_,
          .a = {sum_},
          .b = {sum_},
          .to = column_,
          .sums = true});
    const auto column = [&](Op op, Operand a, Operand b, double immediate, int to, bool publish = false) {
      pass({.op = op,
            .rows = rows,
            .columns = 1,
            .a = a,
            .b = b,
            .immediate = float(immediate),
            .to = to,
            .publish = publish});
    };
    column(Op::multiply, {column_}, {}, 1.0 / double(width_), square_);
    column(Op::copy, {square_}, {}, 0, growth_, true);
    column(Op::add, {.buffer = old_, .take = true}, {square_}, 0, column_);
    if (!k_.table) return;
    column(Op::square_root, {column_}, {}, 0, column_);
    column(Op::add, {column_}, {}, k_.epsilon, column_);
    column(Op::reciprocal, {column_}, {}, 0, column_);
    column(Op::multiply, {column_}, {}, -k_.rate, column_);
    pass({.op = Op::multiply,
          .rows = rows,
          .columns = width_,
          .a = {sum_},
          .b = {.buffer = column_, .mode = isa::Broadcast::column},
          .to = change_,
          .publish = true});
  }

  struct Operand {
    int buffer = -1;  // none: the immediate
    bool take = false;
    isa::Broadcast mode = isa::Broadcast::full;
  };
  struct Pass {
    isa::VectorOp op;
    Amount rows;
    std::int64_t columns;
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
      return Amount::constant(o.mode == isa::Broadcast::column ? 4 : p.columns * 4);
    };
    const int shape =
        core.shape({p.rows, Amount::constant(p.columns), Amount::constant(p.sums ? 4 : p.columns * 4),
                    pitch(p.a), pitch(p.b), kNone});
    core.emit(isa::Opcode::vector,
              {{V::op, std::int64_t(p.op)},
               {V::dst, p.to},
               {V::reserve, p.publish},
               {V::push, p.publish},
               {V::dst_type, std::int64_t(DType::fp32)},
               {V::a, p.a.buffer},
               {V::a_wait, p.a.take},
               {V::a_pop, p.a.take},
               {V::a_type, std::int64_t(DType::fp32)},
               {V::a_mode, mode(p.a)},
               {V::b, std::max(p.b.buffer, 0)},
               {V::b_type, std::int64_t(DType::fp32)},
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
  // Buffers. Each has one reader: `fetched` the loads (payloads, keys), `slots` the sums (slots, seams),
  // `stored` the stores (keys, run).
  int pairs_ = -1, fetched_ = -1, slots_ = -1, stored_ = -1, gradients_ = -1, sum_ = -1, change_ = -1,
      seam_ = -1;
  int old_ = -1, square_ = -1, column_ = -1, growth_ = -1;  // adagrad's columns
  // Registers of the tile at hand.
  int own_ = -1, before_ = -1, behind_ = -1, many_ = -1, number_ = -1;
};

}  // namespace

void emit_update(EmitContext& context, const UpdateKernel& kernel) {
  UpdateEmitter(context, kernel).emit();
}

}  // namespace leto::compiler
