// A radix sort of the lookups of one table: passes over digits from the lowest up, each of them two kernels.
// Every chunk of the list counts its digits; then, from all chunks' counts, it knows where its records of
// each digit go, and moves them there.
#pragma once

#include <functional>

#include "arch/chip_config.h"
#include "compiler/lower/kernel.h"

namespace leto::compiler {

struct SortPlan {
  std::int64_t records = 0;
  std::int64_t tile = 0, chunk = 0;  // records of a load, and of what one PE goes through in a row
  std::int64_t chunks = 0;
  std::vector<int> digits;  // bits of each, the lowest digit first
};
/// Of `records` keys below `rows`, or negative, which come last, by at most `most_chunks` PEs.
/// Error(does_not_fit) when a tile of one record does not fit the local store.
SortPlan plan_sort(std::int64_t records, std::int64_t rows, const ChipConfig& chip, std::int64_t most_chunks);

/// The kernels in their order. `result` is int32 [records, 2]: key and payload; `share` lookups have one
/// payload; `storage` makes room for so many elements.
std::vector<SortKernel> sort_kernels(const SortPlan& plan, const Place& index, const Place& result,
                                     std::int64_t share,
                                     const std::function<StorageId(std::int64_t elements)>& storage);

}  // namespace leto::compiler
