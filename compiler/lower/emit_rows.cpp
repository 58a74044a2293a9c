// Kernels over rows of memory: sums over rows, gathers, scatters.
#include <algorithm>
#include <functional>

#include "base/errors.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/row_tiles.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

// Columns that a PE takes of rows that repeat: fewer, and the network is full of short packets.
constexpr std::int64_t kLeastColumns = 64;
// Rows that a scatter adds at once.
constexpr std::int64_t kMostScattered = 512;

// A pass of the vector engine over a dense tile, with what these kernels need of it: zeros, copies, column
// sums.
struct Pass {
  int dst, src = -1;  // buffers; without a source the tile is filled with zeros
  DType dst_type = DType::fp32, src_type = DType::fp32;
  bool take = false;                       // the source is a circular buffer: wait for its tile and pop it
  bool publish = false;                    // so is the destination: reserve its tile and push it
  isa::Reduce reduce = isa::Reduce::none;  // with a reduction, the old destination enters first
  Amount rows = Amount::constant(1), columns;
};

void emit_pass(CoreEmitter& core, const Pass& p) {
  using V = isa::vector_t;
  const int shape =
      core.shape({p.rows, p.columns, p.columns.times(size_of(p.dst_type)),
                  p.columns.times(size_of(p.src_type)), Amount::constant(0), Amount::constant(0)});
  const auto mode = p.src >= 0 ? isa::Broadcast::full : isa::Broadcast::immediate;
  core.emit(isa::Opcode::vector, {{V::op, std::int64_t(isa::VectorOp::copy)},
                                  {V::dst, p.dst},
                                  {V::reserve, p.publish},
                                  {V::push, p.publish},
                                  {V::dst_type, std::int64_t(p.dst_type)},
                                  {V::a, std::max(p.src, 0)},
                                  {V::a_wait, p.take},
                                  {V::a_pop, p.take},
                                  {V::a_type, std::int64_t(p.src_type)},
                                  {V::a_mode, std::int64_t(mode)},
                                  {V::b_mode, std::int64_t(isa::Broadcast::immediate)},
                                  {V::reduce, std::int64_t(p.reduce)},
                                  {V::accumulate, p.reduce != isa::Reduce::none},
                                  {V::shape, shape}});
}

// Blocks of `tile` rows out of `total`: first row (register) and how many.
void row_blocks(CoreEmitter& core, std::int64_t total, std::int64_t tile,
                const std::function<void(int start, Amount rows)>& body) {
  const auto start = core.constant(0);
  core.loop(core.constant(ceil_div(total, tile)), [&] {
    body(start, total % tile == 0 ? Amount::constant(tile) : Amount::in(core.rest(start, total, tile)));
    core.addi(start, start, tile);
  });
}

}  // namespace

void emit_column_reduce(EmitContext& context, const ColumnReduceKernel& kernel) {
  const auto& in = kernel.in;
  const auto& out = kernel.out;
  const std::int64_t outer = in.view.shape[0], reduced = in.view.shape[1], inner = in.view.shape[2];
  const int in_element = size_of(in.dtype), out_element = size_of(out.dtype);
  // Columns are dealt to PEs in blocks of at least 64 bytes, two rows of which fit beside the sums and
  // results.
  const std::int64_t wanted = ceil_div(inner, std::max<std::int64_t>(1, context.chip.pes() / outer));
  const std::int64_t fixed = 4 + 2 * out_element;  // bytes a column
  const std::int64_t most = (context.chip.local_store.bytes - kSpare) / (fixed + 4 * in_element) / 32 * 32;
  const std::int64_t columns = std::min({inner, std::max<std::int64_t>(ceil_div(wanted, 32) * 32, 32), most});
  const std::int64_t rows = rows_that_fit(context.chip, columns * in_element * 2,
                                          std::min<std::int64_t>(reduced, ceil_div(16384, columns)),
                                          "a sum over rows", columns * fixed);
  const std::vector<BlockedDim> dims{{outer, 1}, {inner, columns}};

  auto& pe = context.pe;
  pe.barrier(isa::Scope::pe);
  pe.reset_buffers();
  const int input = pe.buffer(aligned(rows * columns * in_element), 2);
  const int result = pe.buffer(aligned(columns * out_element), 2);
  const int sum = pe.buffer(aligned(columns * 4), 0);
  context.begin_code();

  auto bytes = [](const Place& p, std::size_t dim) { return p.view.strides[dim] * size_of(p.dtype); };

  tile_loop(pe.move, dims, [&](const Tile& tile) {
    auto& core = pe.move;
    const auto base =
        tile_address(core, context.address_register(in), tile, dims, {bytes(in, 0), bytes(in, 2)});
    row_blocks(core, reduced, rows, [&](int start, Amount n) {
      const auto address = core.reg();
      core.muli(address, start, bytes(in, 1));
      core.add(address, address, base);
      emit_load(core, input, address,
                transfer_of(in_element, {{tile.extent[1], bytes(in, 2)}, {n, bytes(in, 1)}}));
    });
    emit_store(core, result,
               tile_address(core, context.address_register(out), tile, dims, {bytes(out, 0), bytes(out, 1)}),
               transfer_of(out_element, {{tile.extent[1], bytes(out, 1)}}));
  });
  tile_loop(pe.compute, dims, [&](const Tile& tile) {
    auto& core = pe.compute;
    const Amount width = tile.extent[1];
    emit_pass(core, {.dst = sum, .columns = width});
    row_blocks(core, reduced, rows, [&](int, Amount n) {
      emit_pass(core, {.dst = sum,
                       .src = input,
                       .src_type = in.dtype,
                       .take = true,
                       .reduce = kernel.reduce,
                       .rows = n,
                       .columns = width});
    });
    emit_pass(core, {.dst = result, .src = sum, .dst_type = out.dtype, .publish = true, .columns = width});
  });
}

void emit_gather(EmitContext& context, const GatherKernel& kernel) {
  const std::int64_t count = kernel.out.view.shape[0], width = kernel.out.view.shape[1];
  const int element = size_of(kernel.out.dtype), index_bytes = size_of(kernel.index.dtype);
  const std::int64_t row_bytes = width * element;
  const std::int64_t wanted = std::max(ceil_div(count, context.chip.pes() * 4), kernel.least);
  const std::int64_t rows = rows_that_fit(context.chip, 2 * (row_bytes + index_bytes), wanted, "gather");
  const std::vector<BlockedDim> dims{{count, rows}};
  const int first = kernel.least > 1 ? context.first_pe : 0;

  constexpr int index = 0, data = 1;  // buffers
  context.open("gather", {{aligned(rows * index_bytes), 2}, {aligned(rows * row_bytes), 2}}, false);
  tile_loop(
      context.pe.move, dims,
      [&](const Tile& tile) {
        using G = isa::gather_t;
        auto& core = context.pe.move;
        const Amount n = tile.extent[0];
        const std::int64_t index_stride = kernel.index.view.strides[0] * index_bytes;
        emit_load(core, index,
                  tile_address(core, context.address_register(kernel.index), tile, dims, {index_stride}),
                  transfer_of(index_bytes, {{n, index_stride}}));
        const auto table = context.address_register(kernel.table);
        const int shape = core.shape({Amount::constant(row_bytes), n,
                                      Amount::constant(kernel.table.view.strides[0] * element),
                                      Amount::constant(kernel.table.view.shape[0]),
                                      Amount::constant(kernel.padding), Amount::constant(row_bytes)});
        core.emit(isa::Opcode::gather, {{G::dst, data},
                                        {G::reserve, 1},
                                        {G::push, 1},
                                        {G::index, index},
                                        {G::wait, 1},
                                        {G::pop, 1},
                                        {G::index_type, std::int64_t(kernel.index.dtype)},
                                        {G::address, table},
                                        {G::shape, shape}});
        const std::int64_t out_stride = kernel.out.view.strides[0] * element;
        emit_store(core, data,
                   tile_address(core, context.address_register(kernel.out), tile, dims, {out_stride}),
                   transfer_of(element, {{Amount::constant(width), element}, {n, out_stride}}));
      },
      first);
  if (kernel.least > 1) context.first_pe = int((first + dims[0].blocks()) % context.chip.pes());
}

namespace {

void scatter(CoreEmitter& core, const ScatterKernel& kernel, const Amount& count, std::int64_t table,
             const Amount& bytes, int rows, int index) {
  using S = isa::scatter_t;
  const int shape =
      core.shape({bytes, count, Amount::constant(kernel.table.view.strides[0] * 4),
                  Amount::constant(kernel.table.view.shape[0]), Amount::constant(kernel.padding), bytes});
  core.emit(isa::Opcode::scatter, {{S::src, rows},
                                   {S::wait, 1},
                                   {S::pop, 1},
                                   {S::index, index},
                                   {S::index_wait, 1},
                                   {S::index_pop, 1},
                                   {S::index_type, std::int64_t(kernel.index.dtype)},
                                   {S::address, table},
                                   {S::shape, shape}});
}

}  // namespace

// Rows may repeat, so a table's columns, not the rows, are dealt to the PEs: each PE adds every row to its
// own columns, in order.
void emit_scatter(EmitContext& context, const ScatterKernel& kernel) {
  const auto& from = kernel.rows.view;
  const std::int64_t repeats = from.shape[1], width = from.shape[2];
  const std::int64_t count = kernel.index.view.shape[0] / repeats;
  const int element = size_of(kernel.rows.dtype), index_bytes = size_of(kernel.index.dtype);
  const std::int64_t columns =
      std::min(width, ceil_div(ceil_div(width, context.chip.pes()), kLeastColumns) * kLeastColumns);
  const bool convert = kernel.rows.dtype != DType::fp32;
  const std::int64_t row_bytes = columns * (2 * element + (convert ? 8 : 0)) + 2 * index_bytes;
  const std::int64_t most = std::min(count, ceil_div(kMostScattered, repeats));
  const std::int64_t block = rows_that_fit(context.chip, row_bytes * repeats, most, "scatter");
  const std::vector<BlockedDim> dims{{width, columns}};

  auto& pe = context.pe;
  pe.barrier(isa::Scope::pe);
  pe.reset_buffers();
  const std::int64_t rows = block * repeats;
  const int index = pe.buffer(aligned(rows * index_bytes), 2);
  const int data = pe.buffer(aligned(rows * columns * element), 2);
  const int wide = convert ? pe.buffer(aligned(rows * columns * 4), 2) : data;
  context.begin_code(convert);

  const int first = context.first_pe;
  tile_loop(
      pe.move, dims,
      [&](const Tile& tile) {
        auto& core = pe.move;
        const std::int64_t index_stride = kernel.index.view.strides[0] * index_bytes;
        const auto stride = [&](std::size_t dim) { return from.strides[dim] * element; };
        const auto table = tile_address(core, context.address_register(kernel.table), tile, dims, {4});
        const auto source =
            tile_address(core, context.address_register(kernel.rows), tile, dims, {stride(2)});
        const auto indices = context.address_register(kernel.index);
        row_blocks(core, count, block, [&](int start, Amount n) {
          const auto address = core.reg();
          core.muli(address, start, index_stride * repeats);
          core.add(address, address, indices);
          emit_load(core, index, address, transfer_of(index_bytes, {{n.times(repeats), index_stride}}));
          core.muli(address, start, stride(0));
          core.add(address, address, source);
          emit_load(core, data, address,
                    transfer_of(element, {{tile.extent[0], stride(2)},
                                          {Amount::constant(repeats), stride(1)},
                                          {n, stride(0)}}));
          scatter(core, kernel, n.times(repeats), table, tile.extent[0].times(4), wide, index);
        });
      },
      first);
  if (convert)
    tile_loop(
        pe.compute, dims,
        [&](const Tile& tile) {
          row_blocks(pe.compute, count, block, [&](int, Amount n) {
            emit_pass(pe.compute, {.dst = wide,
                                   .src = data,
                                   .src_type = kernel.rows.dtype,
                                   .take = true,
                                   .publish = true,
                                   .rows = n.times(repeats),
                                   .columns = tile.extent[0]});
          });
        },
        first);
  context.first_pe = int((first + dims[0].blocks()) % context.chip.pes());
}

}  // namespace leto::compiler
