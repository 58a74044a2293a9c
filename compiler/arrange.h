// The middle of the back half: kernels with addresses, and which values are made again so that they fit.
#pragma once

#include "compiler/compiler.h"
#include "compiler/lower/place.h"

namespace leto::compiler {

struct Arranged {
  Lowered lowered;
  Repeats repeats;
  MemoryFit fit;
};

/// Kernels of a graph of primitives, in order, with loops if these fit, with an address for every storage.
/// Throws Error(does_not_fit).
Arranged arrange(const Graph& graph, const ChipConfig& chip, const Options& options);

/// Bytes of device memory that a step may take under this recipe.
std::int64_t memory_budget(const ChipConfig& chip, const Recipe& recipe);

/// The graph with what the budget does not hold made again in the backward pass: of the choices that lower
/// the peak the one that saves most bytes per FLOP, until the step fits or nothing helps. A graph that fits
/// stays as it is.
Graph recompute_to_fit(const Graph& graph, const ChipConfig& chip, std::int64_t budget,
                       const Options& options);

/// Peak of device memory, whatever the chip has.
std::int64_t memory_peak(const Graph& graph, const ChipConfig& chip, const Options& options);

}  // namespace leto::compiler
