// The state of a run in a file, so that a killed run goes on where it was.
//
// The file says what it is of, by name and value: nothing but the same run goes on from it. Then comes the
// state (base/snapshot.h), in bytes that only the binary that wrote them can read; the binary is part of what
// the file is of. A checksum ends it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/snapshot.h"

namespace leto::host {

/// "chip configuration" -> its hash, …: what two runs must have in common for one to go on from the other's
/// state.
using Identity = std::vector<std::pair<std::string, std::string>>;

/// Of the executable that runs.
std::string binary_hash();

using ShowState = std::function<void(Snapshot&)>;

/// Replaces or creates `path` as a whole. Error(resource) when it cannot be written.
void save_checkpoint(const std::filesystem::path& path, Identity identity, const ShowState& state);
/// Error(bad_input) when the file is no checkpoint, damaged, or of something else, which it names; then
/// nothing has been loaded.
void load_checkpoint(const std::filesystem::path& path, const Identity& identity, const ShowState& state);

}  // namespace leto::host
