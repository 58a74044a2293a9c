// Which registers of a core carry something from one trip of a loop to the next.
#pragma once

#include <cstdint>
#include <span>

#include "isa/instruction.h"

namespace leto::isa {

/// Bit r: register r may be read before it is written when the body [begin, end) of a loop goes on from `pc`,
/// through its end and on from its begin. Loops inside may have no trip: what they write is not counted on.
std::uint64_t live_registers(std::span<const Instruction> code, std::uint32_t begin, std::uint32_t end,
                             std::uint32_t pc);

}  // namespace leto::isa
