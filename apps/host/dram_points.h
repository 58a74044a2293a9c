// The DRAM controller beside reference points: rows of a CSV file that say what another simulator gave for a
// grade, a request pattern and an issue rule (model/hbm/patterns.h).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/chip_config.h"

namespace leto::host {

/// Runs every row whose `config` names this grade: <grade>_pc1|pc2[_ref|_noref][_mop], that is pseudo
/// channels that share a controller, all-bank refresh or none, interleaved address map or linear. The
/// controller has what the reference has: queues of 32, watermarks 0.8 and 0.2, open rows. {"points": [the
/// row's columns, ours, and signed fractions `bandwidth_error`, `latency_error`], "summary": {…}}; rows of
/// other grades are counted as skipped.
nlohmann::json compare_dram_points(const std::filesystem::path& csv, const DramTiming& grade);

}  // namespace leto::host
