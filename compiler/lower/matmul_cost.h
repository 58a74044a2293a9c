// The cost model of a matrix product: what each engine of the busiest PE has to do, in closed form, and what
// cannot be hidden.
//
// Models: the matrix engine's held blocks and streamed vectors, bytes through the port (runs in whole
// cycles), the layout and reduction engines, command issue, device memory (whole bursts, row activations) or
// SRAM over the whole chip; buffers too shallow for a round trip to memory; the first tiles' way in and the
// last one's way out. Engines run side by side: the slowest counts, the others by a sixteenth, for getting in
// its way. Leaves out: contention in the NoC, refresh, turnarounds.
#pragma once

#include "compiler/lower/matmul_plan.h"

namespace leto::compiler {

/// Matrix-engine cycles of the busiest PE alone: a lower bound, cheap to compute.
double matrix_cycles(const MatmulShape& shape, const MatmulPlan& plan, const ChipConfig& chip);
double matmul_cycles(const MatmulShape& shape, const MatmulPlan& plan, const ChipConfig& chip);

}  // namespace leto::compiler
