// Records to report files, beside the baselines.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "study/record.h"

namespace leto::host {

/// Baselines that a report shows unless --vs chooses: the parts that a training chip of this generation is
/// weighed against.
inline const std::vector<std::string> kDefaultBaselines = {"h100-sxm", "h100-500w", "h200", "a100-80",
                                                           "b200"};

/// Writes one report a path, in the form its suffix says (.html, .md, .json); Error(usage) on another suffix.
void write_reports(std::span<const study::Record> records, const std::vector<std::string>& baselines,
                   std::span<const std::filesystem::path> paths);

}  // namespace leto::host
