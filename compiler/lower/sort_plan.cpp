#include "compiler/lower/sort_plan.h"

#include <algorithm>
#include <bit>

#include "compiler/lower/rounding.h"
#include "compiler/lower/row_tiles.h"

namespace leto::compiler {
namespace {

constexpr int kDigitBits = 8;
// Runs of a chunk are to be some DRAM bursts long, and its counts few beside its records.
constexpr std::int64_t kLeastChunk = 2048, kMostTile = 8192;
// Bytes of the local store that the kernels take: a record of a tile (two tiles of pairs come, two go), a
// count of a digit (places, counts on their way, two headers).
constexpr std::int64_t kRecordBytes = 32, kDigitBytes = 32;

/// Bits of a key, so that all ones is beyond every row: negative keys end up last.
int key_bits(std::int64_t rows) {
  return std::bit_width(static_cast<std::uint64_t>(rows));
}

}  // namespace

SortPlan plan_sort(std::int64_t records, std::int64_t rows, const ChipConfig& chip,
                   std::int64_t most_chunks) {
  SortPlan plan;
  plan.records = records;
  const int bits = key_bits(rows), passes = std::max(1, (bits + kDigitBits - 1) / kDigitBits);
  for (int pass = 0; pass < passes; ++pass)
    plan.digits.push_back((bits * (pass + 1)) / passes - bits * pass / passes);
  const int widest = *std::max_element(plan.digits.begin(), plan.digits.end());
  const std::int64_t chunks = std::clamp<std::int64_t>(records / kLeastChunk, 1, most_chunks);
  const std::int64_t counts = (kDigitBytes + chunks * isa::kIndexBytes) << widest;
  const std::int64_t share = ceil_div(records, chunks);
  const std::int64_t fit =
      rows_that_fit(chip, kRecordBytes, std::min(kMostTile, share), "a sort of lookups", counts);
  const std::int64_t tiles = ceil_div(share, fit);
  plan.tile = ceil_div(share, tiles);
  plan.chunk = plan.tile * tiles;
  plan.chunks = ceil_div(records, plan.chunk);
  return plan;
}

std::vector<SortKernel> sort_kernels(const SortPlan& plan, const Place& index, const Place& result,
                                     std::int64_t share,
                                     const std::function<StorageId(std::int64_t elements)>& storage) {
  using Step = SortKernel::Step;
  const auto room = [&](const Dims& shape) {
    return Place{dense_view(storage(product(shape)), shape), DType::int32};
  };
  const auto step = [&](Step what, const Place& from, std::int64_t counts) {
    SortKernel k;
    k.step = what;
    k.from = from;
    k.counts = room({plan.chunks, counts});
    k.tile = plan.tile;
    k.chunk = plan.chunk;
    return k;
  };
  std::vector<SortKernel> kernels;
  Place from = index;
  Place spare{};
  int shift = 0;
  for (const int bits : plan.digits) {
    const bool first = shift == 0, second = kernels.size() == 2;
    const bool last = kernels.size() + 2 == 2 * plan.digits.size();
    SortKernel k = step(Step::count, from, std::int64_t{1} << bits);
    k.shift = shift;
    k.bits = bits;
    kernels.push_back(k);
    k.step = Step::group;
    k.share = first ? share : 0;
    k.to = last ? result : first || second ? room({plan.records, 2}) : spare;
    kernels.push_back(k);
    spare = from;
    from = *k.to;
    shift += bits;
  }
  return kernels;
}

}  // namespace leto::compiler
