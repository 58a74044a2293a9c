// Blocks that others wrote inside a run and in its replay: what --twin 'INSTANCE=check:block=FILE.toml' names
// is read at once, and built when the first instance is made. All instances share one library.
#pragma once

#include "apps/host/foreign.h"
#include "model/twin/foreign_twin.h"
#include "model/twin/log.h"

namespace leto::host {

/// A library that was built once for some SystemVerilog on some chip stays in this folder of a run's output.
inline constexpr std::string_view kBlocks = "blocks";

/// Where libraries are looked for, and where those that are used are left; either may be empty.
struct BlockFolders {
  std::filesystem::path from, to;
};

/// Puts the blocks that they name into the twins' specs. Throws Error(bad_input), as read_foreign does.
void plug_in(std::vector<model::TwinSpec>& twins, const ChipConfig& chip, const BlockFolders& folders);

/// The same for the log that `file` was read from; nothing where the RTL is ours.
void plug_in(model::TwinLog& log, const std::filesystem::path& file);

}  // namespace leto::host
