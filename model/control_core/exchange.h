// An exchange with other chips, as the chip's links and message engines take it: a barrier of a PE that opens
// late.
//
// Models: the time of the bytes on the links (arch/bounds.cpp), each way at once, and the fixed part of a
// collective. Leaves out: the other chips, which are taken to be ready when this one is, the message engines'
// own work, and their traffic with device memory, whose bandwidth is several times that of the links.
#pragma once

#include "arch/chip_config.h"
#include "isa/instruction.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Cycles by which this barrier opens later; 0 when nothing is exchanged. Error(illegal_program) at one of
/// all PEs.
Cycle exchange_at(const isa::Instruction& barrier, const ChipConfig& chip);

}  // namespace leto::model
