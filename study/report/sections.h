// The report's sections, one function a topic. Each returns nothing to show as an empty list of blocks.
#pragma once

#include "study/report/report.h"

namespace leto::study {

// One run.
std::vector<Block> what_ran(const Record& record);
std::vector<Block> headline(const Record& record);
std::vector<Block> loss_curve(const Record& record);
std::vector<Block> engine_stalls(const Record& record);
/// Each engine's activity over the run; needs the dates of operations, which runs of one step have.
std::vector<Block> engine_timeline(const Record& record);
std::vector<Block> memory_traffic(const Record& record);
std::vector<Block> energy(const Record& record);
std::vector<Block> roofline(const Record& record);
std::vector<Block> operations(const Record& record);
std::vector<Block> operation_stalls(const Record& record);
std::vector<Block> every_operation(const Record& record);
/// How much of each memory is in use when; needs the dates of operations too.
std::vector<Block> memory_timeline(const Record& record);
std::vector<Block> memory_fit(const Record& record);
std::vector<Block> twins(const Record& record);
std::vector<Block> simulator_speed(const Record& record);

// All runs.
std::vector<Block> runs_side_by_side(const std::vector<Record>& records);
/// Settings in which the runs differ from the first one.
std::vector<Block> settings_that_differ(const std::vector<Record>& records);
std::vector<Block> beside_baselines(const std::vector<Record>& records,
                                    const std::vector<Baseline>& baselines);

/// "gpt2-small on pilot": how the report calls a run.
std::string run_name(const Record& record);
/// Bins of a chart over the run's time.
inline constexpr std::size_t kBins = 480;
/// Whether an operation says from when to when it ran.
inline bool dated(const OperationRecord& op) {
  return op.first && op.last && *op.last > *op.first;
}
/// The run's operations, those of most cycles first.
std::vector<const OperationRecord*> by_cycles(const Record& record);
/// The one operand type of the run's useful FLOPs; empty when it has none or several.
std::string precision_of(const Record& record);

}  // namespace leto::study
