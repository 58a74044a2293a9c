// The kernels of a radix sort (sort_plan.h). All of it is issued by the move core: the sort's commands and
// the transfers hold each other through the buffers.
#include "compiler/lower/emit.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/tile_loop.h"
#include "compiler/lower/transfer.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kIndex = isa::kIndexBytes, kPair = isa::kPairBytes;
const Amount kNone = Amount::constant(0), kOne = Amount::constant(1);

/// What kernels of all steps do alike. Lists that other chunks' follow from are `counts`.
class SortEmitter {
 public:
  SortEmitter(EmitContext& context, const SortKernel& kernel)
      : context_(context),
        k_(kernel),
        pe_(context.pe),
        core_(context.pe.move),
        records_(kernel.from.view.shape[0]),
        stride_(kernel.from.view.shape.size() == 1 ? size_of(kernel.from.dtype) : kPair),
        chunks_(kernel.counts.view.shape[0]),
        counts_(kernel.counts.view.shape[1]),
        dims_{{records_, kernel.chunk}} {}

  void emit() {
    first_pe_ = context_.first_pe;
    pe_.barrier(isa::Scope::pe);
    pe_.reset_buffers();
    in_ = pe_.buffer(aligned(k_.tile * stride_ + kPair), 2);
    switch (k_.step) {
      case SortKernel::Step::count:
        counting();
        break;
      case SortKernel::Step::group:
        grouping();
        break;
    }
    context_.first_pe = int((first_pe_ + chunks_) % context_.chip.pes());
  }

 private:
  using Body = std::function<void(int start, const Amount& records, bool first)>;

  /// The tiles of a chunk; the first one has code of its own.
  void tiles(const Tile& chunk, const Body& body) {
    const auto start = core_.constant(0);
    if (chunk.index[0] >= 0) core_.muli(start, chunk.index[0], k_.chunk);
    const auto one = [&](bool first) {
      core_.scope([&] { body(start, Amount::in(core_.rest(start, records_, k_.tile)), first); });
    };
    one(true);
    core_.loop(core_.constant(k_.chunk / k_.tile - 1), [&] {
      core_.addi(start, start, k_.tile);
      one(false);
    });
  }
  static Amount number_of(const Tile& chunk) {
    return chunk.index[0] < 0 ? kNone : Amount::in(chunk.index[0]);
  }

  void load_tile(int start, const Amount& records) {
    const auto address = context_.address_register(k_.from), offset = core_.reg();
    core_.muli(offset, start, stride_);
    core_.add(address, address, offset);
    emit_load(core_, in_, address, transfer_of(int(stride_), {{records, stride_}}));
  }

  void spread(int tile, const Place& to, std::int64_t bytes, std::int64_t runs, std::int64_t places,
              std::int64_t most) {
    using S = isa::spread_t;
    const auto address = context_.address_register(to);
    const int shape = core_.shape({Amount::constant(bytes), Amount::constant(runs), Amount::constant(places),
                                   Amount::constant(most), kNone, kNone});
    core_.emit(isa::Opcode::spread,
               {{S::src, tile}, {S::wait, 1}, {S::pop, 1}, {S::address, address}, {S::shape, shape}});
  }

  /// Place `number` of what the counts of all chunks say of those before.
  void places_from_counts(const Amount& number) {
    using O = isa::offsets_t;
    emit_load(core_, lists_, context_.address_register(k_.counts),
              transfer_of(int(kIndex), {{Amount::constant(chunks_ * counts_), kIndex}}));
    const int shape =
        core_.shape({Amount::constant(chunks_), Amount::constant(counts_), number, kNone, kNone, kNone});
    core_.emit(isa::Opcode::offsets,
               {{O::dst, places_}, {O::src, lists_}, {O::wait, 1}, {O::pop, 1}, {O::shape, shape}});
  }

  void counting() {
    using C = isa::count_t;
    const int sum = pe_.buffer(aligned(kPair + counts_ * kIndex), 0);
    const int out = pe_.buffer(aligned(kPair + counts_ * kIndex), 2);
    context_.begin_code(false);
    const auto count = [&](const Amount& records, const Amount& number, bool first) {
      const int shape = core_.shape({records, Amount::constant(stride_), Amount::constant(k_.shift),
                                     Amount::constant(k_.bits), number, kNone});
      core_.emit(isa::Opcode::count, {{C::dst, sum},
                                      {C::src, in_},
                                      {C::wait, 1},
                                      {C::pop, 1},
                                      {C::type, std::int64_t(k_.from.dtype)},
                                      {C::accumulate, !first},
                                      {C::shape, shape}});
    };
    tile_loop(
        core_, dims_,
        [&](const Tile& chunk) {
          tiles(chunk, [&](int start, const Amount& records, bool first) {
            load_tile(start, records);
            count(records, number_of(chunk), first);
          });
          published(sum, out);
          spread(out, k_.counts, counts_ * kIndex, 1, chunks_, 1);
        },
        first_pe_);
  }

  /// Scratch is the sort's own: what it holds goes to the store unit through a buffer.
  void published(int scratch, int out) {
    using C = isa::copy_t;
    const Amount bytes = Amount::constant(kPair + counts_ * kIndex);
    const int shape =
        core_.shape({kOne, Amount::constant(kPair / kIndex + counts_), bytes, bytes, kNone, kNone});
    core_.emit(isa::Opcode::copy, {{C::dst, out},
                                   {C::reserve, 1},
                                   {C::push, 1},
                                   {C::src, scratch},
                                   {C::type, std::int64_t(DType::int32)},
                                   {C::shape, shape}});
  }

  void grouping() {
    using G = isa::group_t;
    const std::int64_t header = counts_ * kPair;
    const int out = pe_.buffer(aligned(header + k_.tile * kPair), 2);
    places_buffers();
    context_.begin_code(false);
    tile_loop(
        core_, dims_,
        [&](const Tile& chunk) {
          places_from_counts(number_of(chunk));
          tiles(chunk, [&](int start, const Amount& records, bool) {
            load_tile(start, records);
            const int shape =
                core_.shape({records, Amount::constant(stride_), Amount::constant(k_.shift),
                             Amount::constant(k_.bits), Amount::in(start), Amount::constant(k_.share)});
            core_.emit(isa::Opcode::group, {{G::dst, out},
                                            {G::reserve, 1},
                                            {G::push, 1},
                                            {G::src, in_},
                                            {G::wait, 1},
                                            {G::pop, 1},
                                            {G::places, places_},
                                            {G::type, std::int64_t(k_.from.dtype)},
                                            {G::shape, shape}});
            spread(out, *k_.to, kPair, counts_, records_, k_.tile);
          });
        },
        first_pe_);
  }

  void places_buffers() {
    lists_ = pe_.buffer(aligned(chunks_ * counts_ * kIndex), 1);
    places_ = pe_.buffer(aligned(counts_ * kIndex), 0);
  }

  EmitContext& context_;
  const SortKernel& k_;
  PeEmitter& pe_;
  CoreEmitter& core_;
  std::int64_t records_, stride_, chunks_, counts_;
  std::vector<BlockedDim> dims_;
  int first_pe_ = 0;
  int in_ = -1, lists_ = -1, places_ = -1;  // buffers
};

}  // namespace

void emit_sort(EmitContext& context, const SortKernel& kernel) {
  SortEmitter(context, kernel).emit();
}

}  // namespace leto::compiler
