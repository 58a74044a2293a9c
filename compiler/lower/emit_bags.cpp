// Sums of looked-up rows: a tile of bags goes through the local store position by position of the bags, so
// that one gather and one pass of the vector engine serve all of them. Where a table's popular rows lie
// apart, two gathers fill one tile: the table's rows, and the popular ones into the places left free.
#include <algorithm>

#include "base/int8_rows.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/row_tiles.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

// Bags of a tile: more only delay the first sum.
constexpr std::int64_t kMostBags = 256;
// Of gather's modes (isa/instructions.inc).
constexpr std::int64_t kZeros = 1, kLeaves = 2;

/// A list of indices on its way: as it lies in memory, and turned.
struct List {
  int bag_by_bag = -1, by_position = -1;  // buffers
};

// What the two cores share.
struct BagTiles {
  std::int64_t bag, width, bags;
  int element, index_bytes, out_element;
  List rows, apart, weights;
  int data, sum, result;   // buffers
  int product = -1;        // of a row and its weight or scale
  std::int64_t row_bytes;  // of the table, a tail of scale and bias with it
  std::int64_t list_pitch(const Place& index) const { return bags * size_of(index.dtype); }  // of positions
};

/// Moves the lists and rows of a tile.
class BagMover {
 public:
  BagMover(const EmitContext& context, const BagKernel& kernel, const BagTiles& tiles,
           const std::vector<BlockedDim>& dims)
      : context_(context), kernel_(kernel), t_(tiles), dims_(dims), core_(context.pe.move) {}

  void emit() {
    const std::int64_t out_stride = kernel_.out.view.strides[0] * t_.out_element;
    tile_loop(core_, dims_, [&](const Tile& tile) {
      turned(kernel_.index, t_.rows, tile);
      if (kernel_.apart) turned(kernel_.apart->index, t_.apart, tile);
      if (kernel_.weights) turned(*kernel_.weights, t_.weights, tile);
      rows_of(tile.extent[0]);
      emit_store(core_, t_.result,
                 tile_address(core_, context_.address_register(kernel_.out), tile, dims_, {out_stride}),
                 transfer_of(t_.out_element,
                             {{Amount::constant(t_.width), t_.out_element}, {tile.extent[0], out_stride}}));
    });
  }

 private:
  // Indices and weights come bag by bag; the layout engine turns them.
  void turned(const Place& index, const List& list, const Tile& tile) {
    using T = isa::transpose_t;
    const int bytes = size_of(index.dtype);
    const std::int64_t stride = index.view.strides[0] * bytes;
    emit_load(core_, list.bag_by_bag,
              tile_address(core_, context_.address_register(index), tile, dims_, {stride}),
              transfer_of(bytes, {{Amount::constant(t_.bag), bytes}, {tile.extent[0], stride}}));
    const int shape =
        core_.shape({tile.extent[0], Amount::constant(t_.bag), Amount::constant(t_.bag * bytes),
                     Amount::constant(t_.list_pitch(index)), Amount::constant(0), Amount::constant(0)});
    core_.emit(isa::Opcode::transpose, {{T::dst, list.by_position},
                                        {T::reserve, 1},
                                        {T::push, 1},
                                        {T::src, list.bag_by_bag},
                                        {T::wait, 1},
                                        {T::pop, 1},
                                        {T::type, std::int64_t(index.dtype)},
                                        {T::shape, shape}});
  }

  void rows_of(const Amount& bags) {
    const auto at = core_.constant(0), apart_at = core_.constant(0);
    const auto position = [&](bool last) {
      gather(kernel_.table, kernel_.index, t_.rows, at, bags,
             {.mode = kZeros, .first = true, .last = !kernel_.apart, .pop = last});
      if (kernel_.apart)
        gather(kernel_.apart->table, kernel_.apart->index, t_.apart, apart_at, bags,
               {.mode = kLeaves, .first = false, .last = true, .pop = last});
    };
    core_.loop(core_.constant(t_.bag - 1), [&] {
      position(false);
      core_.addi(at, at, t_.list_pitch(kernel_.index));
      if (kernel_.apart) core_.addi(apart_at, apart_at, t_.list_pitch(kernel_.apart->index));
    });
    position(true);
  }

  struct Gather {
    std::int64_t mode;
    bool first, last;  // of those that fill the tile
    bool pop;          // the list's last position
  };
  void gather(const Place& table, const Place& index, const List& list, int offset, const Amount& bags,
              const Gather& how) {
    using G = isa::gather_t;
    const auto base = context_.address_register(table);
    const int shape = core_.shape(
        {Amount::constant(t_.row_bytes), bags, Amount::constant(table.view.strides[0] * t_.element),
         Amount::constant(table.view.shape[0]), Amount::constant(how.mode), Amount::constant(t_.row_bytes)});
    core_.emit(isa::Opcode::gather, {{G::dst, t_.data},
                                     {G::reserve, how.first},
                                     {G::push, how.last},
                                     {G::index, list.by_position},
                                     {G::index_offset, offset},
                                     {G::wait, 1},
                                     {G::pop, how.pop},
                                     {G::index_type, std::int64_t(index.dtype)},
                                     {G::address, base},
                                     {G::shape, shape}});
  }

  const EmitContext& context_;
  const BagKernel& kernel_;
  const BagTiles& t_;
  const std::vector<BlockedDim>& dims_;
  CoreEmitter& core_;
};

/// Adds the rows of a tile up, position by position.
class BagSummer {
 public:
  BagSummer(const EmitContext& context, const BagKernel& kernel, const BagTiles& tiles,
            const std::vector<BlockedDim>& dims)
      : kernel_(kernel), t_(tiles), dims_(dims), core_(context.pe.compute) {}

  void emit() {
    tile_loop(core_, dims_, [&](const Tile& tile) {
      bags_ = tile.extent[0];
      at_ = kernel_.weights ? core_.constant(0) : 0;
      if (t_.bag == 1) return position(true, true);
      position(true, false);
      core_.loop(core_.constant(t_.bag - 2), [&] { position(false, false); });
      position(false, true);
    });
  }

 private:
  struct Operand {
    int buffer;
    DType dtype = DType::fp32;
    bool wait = false, pop = false;
    isa::Broadcast mode = isa::Broadcast::full;
    int offset = 0;          // register
    std::int64_t pitch = 0;  // bytes; 0: dense
  };
  Operand rows(bool pop = true) const {
    return {t_.data, kernel_.table.dtype, true, pop, isa::Broadcast::full, 0, t_.row_bytes};
  }
  Operand dense(int buffer) const { return {buffer}; }
  /// One of the two fp32 numbers behind each row.
  Operand tail(int offset, bool pop) const {
    return {t_.data, DType::fp32, false, pop, isa::Broadcast::column, offset, t_.row_bytes};
  }

  void position(bool first, bool last) {
    using Op = isa::VectorOp;
    const int sum = last ? t_.result : t_.sum;
    if (kernel_.weights) return weighted(first, sum, last);
    if (kernel_.table.dtype == DType::int8) return quantised(first, sum);
    if (first)
      pass(Op::copy, rows(), {0, DType::fp32, false, false, isa::Broadcast::immediate}, sum);
    else
      pass(Op::add, dense(t_.sum), rows(), sum);
  }

  void weighted(bool first, int sum, bool last) {
    const Place& weights = *kernel_.weights;
    const Operand weight{t_.weights.by_position, weights.dtype, first, last, isa::Broadcast::column, at_,
                         size_of(weights.dtype)};
    pass(isa::VectorOp::multiply, rows(), weight, first ? sum : t_.product);
    if (!first) pass(isa::VectorOp::add, dense(t_.sum), dense(t_.product), sum);
    if (!last) core_.addi(at_, at_, t_.list_pitch(weights));
  }

  void quantised(bool first, int sum) {
    const int scale = core_.constant(t_.width), bias = core_.constant(t_.width + 4);
    pass(isa::VectorOp::multiply, rows(false), tail(scale, false), t_.product);
    pass(isa::VectorOp::add, dense(t_.product), tail(bias, true), first ? sum : t_.product);
    if (!first) pass(isa::VectorOp::add, dense(t_.sum), dense(t_.product), sum);
  }

  /// Into a scratch buffer, or published as a result.
  void pass(isa::VectorOp op, const Operand& a, const Operand& b, int to) {
    using V = isa::vector_t;
    const Amount width = Amount::constant(t_.width);
    const bool last = to == t_.result;
    const auto pitch = [&](const Operand& o) {
      return o.pitch > 0 ? Amount::constant(o.pitch) : width.times(size_of(o.dtype));
    };
    const int shape = core_.shape(
        {bags_, width, width.times(last ? t_.out_element : 4), pitch(a), pitch(b), Amount::constant(0)});
    core_.emit(isa::Opcode::vector, {{V::op, std::int64_t(op)},
                                     {V::dst, to},
                                     {V::reserve, last},
                                     {V::push, last},
                                     {V::dst_type, std::int64_t(last ? kernel_.out.dtype : DType::fp32)},
                                     {V::a, a.buffer},
                                     {V::a_wait, a.wait},
                                     {V::a_pop, a.pop},
                                     {V::a_type, std::int64_t(a.dtype)},
                                     {V::a_mode, std::int64_t(a.mode)},
                                     {V::b, b.buffer},
                                     {V::b_offset, b.offset},
                                     {V::b_wait, b.wait},
                                     {V::b_pop, b.pop},
                                     {V::b_type, std::int64_t(b.dtype)},
                                     {V::b_mode, std::int64_t(b.mode)},
                                     {V::shape, shape}});
  }

  const BagKernel& kernel_;
  const BagTiles& t_;
  const std::vector<BlockedDim>& dims_;
  CoreEmitter& core_;
  Amount bags_;  // of the tile at hand
  int at_ = 0;   // register: the position's weights, bytes into their list
};

}  // namespace

void emit_bags(EmitContext& context, const BagKernel& kernel) {
  constexpr int kLists = 2;  // index lists there, each in both orders
  // Gathers in flight or waiting for the vector engine.
  constexpr std::int64_t kLeastAhead = 3, kMostAhead = 32;
  BagTiles t{};
  t.bag = kernel.index.view.shape[1];
  t.width = kernel.out.view.shape[1];
  t.element = size_of(kernel.table.dtype);
  t.row_bytes = kernel.table.view.shape[1] * t.element;
  const bool products = kernel.weights || kernel.table.dtype == DType::int8;
  t.index_bytes = size_of(kernel.index.dtype);
  t.out_element = size_of(kernel.out.dtype);
  const std::int64_t count = kernel.out.view.shape[0];
  const int lists = t.index_bytes + (kernel.apart ? size_of(kernel.apart->index.dtype) : 0) +
                    (kernel.weights ? size_of(kernel.weights->dtype) : 0);
  const std::int64_t sums = t.width * (products ? 8 : 4);
  const std::int64_t bytes =
      2 * kLists * t.bag * lists + kLeastAhead * t.row_bytes + sums + t.width * 2 * t.out_element;
  // As many as fit, but the same number of tiles for every PE.
  const std::int64_t share = ceil_div(count, context.chip.pes());
  const std::int64_t fit = rows_that_fit(context.chip, bytes, std::min(kMostBags, share), "embedding_bag");
  t.bags = ceil_div(share, ceil_div(share, fit));
  const std::vector<BlockedDim> dims{{count, t.bags}};
  // Gathers of few rows: as many as the port may have in flight, and one that is being summed.
  const std::int64_t gathered = aligned(t.bags * t.row_bytes);
  const std::int64_t left =
      context.chip.local_store.bytes - kSpare - t.bags * (bytes - kLeastAhead * t.row_bytes);
  const std::int64_t ahead = std::clamp(
      std::min(ceil_div(context.chip.fabric_interface.outstanding_bytes, gathered) + 1, left / gathered),
      kLeastAhead, kMostAhead);

  std::vector<PeEmitter::Buffer> buffers;
  const auto buffer = [&](std::int64_t size, std::int64_t depth) {
    buffers.push_back({aligned(size), depth});
    return int(buffers.size()) - 1;
  };
  const auto list_of = [&](const Place& index) {
    const std::int64_t all = t.bag * t.list_pitch(index);
    return List{buffer(all, kLists), buffer(all, kLists)};
  };
  t.rows = list_of(kernel.index);
  if (kernel.apart) t.apart = list_of(kernel.apart->index);
  if (kernel.weights) t.weights = list_of(*kernel.weights);
  t.data = buffer(t.bags * t.row_bytes, ahead);
  t.sum = buffer(t.bags * t.width * 4, 0);
  if (products) t.product = buffer(t.bags * t.width * 4, 0);
  t.result = buffer(t.bags * t.width * t.out_element, 2);
  context.open("embedding_bag", buffers);
  BagMover(context, kernel, t, dims).emit();
  BagSummer(context, kernel, t, dims).emit();
}

}  // namespace leto::compiler
