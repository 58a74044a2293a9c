// The pins of each block of rtl/ on a chip: its ports.inc with the parameters that the chip's keys give it.
#pragma once

#include <string_view>
#include <vector>

#include "rtl/block.h"

namespace leto::rtl {

/// `block` is a folder of rtl/ with a ports.inc.
std::vector<Port> pins_of(std::string_view block, const ChipConfig& chip);

}  // namespace leto::rtl
