// Place: addresses for storages. What the host sees is pinned for the whole program; intermediates live from
// their first to their last kernel and share memory, in shared SRAM where they fit, else in HBM (or LPDDR).
#pragma once

#include "compiler/compiler.h"
#include "compiler/lower/kernel.h"
#include "compiler/lower/repeat.h"

namespace leto::compiler {

/// Storages start at multiples of this: a DRAM row and an interleave unit of every chip divide it.
inline constexpr std::int64_t kStorageAlignment = 4096;

/// What the placement used, for the record.
struct MemoryFit {
  std::int64_t hbm_pinned = 0, hbm_peak = 0, hbm_capacity = 0;
  std::int64_t sram_peak = 0, sram_capacity = 0;
  std::string peak_holder;  // the value with the most bytes alive when HBM peaks
};

/// Bytes that are alive while a kernel runs, gaps between them not counted.
struct LiveBytes {
  std::int64_t hbm = 0, sram = 0;
};
/// Of each kernel. Needs lifetimes and addresses.
std::vector<LiveBytes> live_bytes(const Lowered& lowered);

/// Sets Storage::first and last: the kernels between which it is alive.
void find_lifetimes(Lowered& lowered);

/// Sets Storage::address of every storage that is used; those of a family of `repeats` so that its loop can
/// count them. Needs lifetimes. Throws Error(does_not_fit) naming the value, the bytes and a remedy.
MemoryFit place(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident,
                const Repeats& repeats);

}  // namespace leto::compiler
