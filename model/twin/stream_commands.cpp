#include "model/twin/stream_commands.h"

namespace leto::model {

// The block is idle between commands: it can start anew at any of them.
const ReductionRun& StreamCommands::kept(ReductionRun run) {
  if (log_.is_long()) {
    log_ = {};
    checker_.restart();
  }
  log_.add(std::move(run), comparison().place());
  return log_.runs.back();
}

void StreamCommands::add(ReductionRun run) {
  checker_.add(kept(std::move(run)));
}

std::vector<std::uint32_t> StreamCommands::compute(ReductionRun run) {
  return checker_.compute(kept(std::move(run)));
}

void StreamCommands::replay(const CommandLog<ReductionRun>& log) {
  comparison().go_on(log.from);
  for (const ReductionRun& run : log.runs) add(run);
  flush();
}

std::unique_ptr<CommandChecker<ReductionRun, std::uint32_t>> reduction_commands(
    const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
    std::unique_ptr<rtl::Block> block) {
  if (spec.foreign && !spec.foreign->by_cycle())
    return std::make_unique<StreamCommands>(spec, instance, seed);
  return std::make_unique<ReductionChecker>(chip, spec, instance, seed, std::move(block));
}

}  // namespace leto::model
