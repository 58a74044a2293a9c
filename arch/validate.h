// Rules between keys of a chip file. The range of a single key stands in config_keys.inc.
#pragma once

#include <map>
#include <string>

#include "arch/chip_config.h"

namespace leto {

/// Where each key ("section.key") was set: "file:line" or the --set that changed it.
using Places = std::map<std::string, std::string>;

/// Throws Error(bad_input) naming where the first broken rule's key was set, and why the rule stands.
void validate(const ChipConfig& chip, const Places& places);
void validate(const DramTiming& dram, const Places& places);

}  // namespace leto
