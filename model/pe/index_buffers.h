// Which buffers of a program hold indices: what passes through them has to be carried out with values off
// too.
#pragma once

#include <cstdint>

#include "isa/program.h"

namespace leto::model {

/// Bit b: gathers and scatters take indices from buffer b, or the layout engine fills such a buffer from it.
std::uint32_t index_buffers(const isa::Program& program);

}  // namespace leto::model
