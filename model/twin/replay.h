// A block alone, model and RTL, from the log that a mismatch left.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "model/twin/log.h"

namespace leto::model {

/// Runs the log's commands on a new block; `window`: where to show the cycles around the difference, may be
/// null. Empty: nothing differs. Throws Error(unsupported) when this build has no such RTL. `block`: another
/// in lock-step; null: the foreign one of the log's spec, or rtl/'s.
std::optional<Finding> replay(const TwinLog& log, TwinWindow* window = nullptr,
                              std::unique_ptr<rtl::Block> block = nullptr);

/// As one JSON document: when and where, both values, what the block was doing, hashes.
std::string to_json(const Finding& finding, const TwinLog& log);

/// Writes INSTANCE.twin, INSTANCE.fst and INSTANCE.json into `folder`, which is to be called `shown_as`.
/// Returns the finding as an error whose remedy is the line to replay it with.
Error leave(const TwinLog& log, const std::filesystem::path& folder, std::string_view shown_as);

}  // namespace leto::model
