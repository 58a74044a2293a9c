// The roofline of a program: for each operation the longer of its engines' work and its bytes over memory's
// peak bandwidth, one operation after the other, and the launch (--fidelity roofline).
//
// The instructions of the PEs at the corners of the grid are gone through without time, registers and loops
// as they are; the other PEs count like these four in the mean. Rates are peaks: no latency, no waiting, no
// cache (every byte comes from where its address lies). Rows that gathers and scatters leave out are counted.
#pragma once

#include "arch/chip_config.h"
#include "isa/program.h"
#include "model/simulation.h"

namespace leto::model {

/// Of so many steps.
Statistics roofline(const isa::Program& program, const ChipConfig& chip, std::int64_t steps);

}  // namespace leto::model
