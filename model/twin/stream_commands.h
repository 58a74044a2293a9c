// A run's commands through a stream checker, kept for a replay.
#pragma once

#include "model/twin/command_checker.h"
#include "model/twin/foreign_twin.h"

namespace leto::model {

class StreamCommands final : public CommandChecker<ReductionRun, std::uint32_t> {
 public:
  StreamCommands(const TwinSpec& spec, const std::string& instance, std::uint64_t seed)
      : checker_(spec.foreign->load(), spec.foreign->stream(), spec, instance, seed) {}

  bool offers(const ReductionRun& run) const override { return checker_.offers(run); }
  void add(ReductionRun run) override;
  /// A command has come to its end when the next one is offered.
  void flush() override { comparison().raise(); }
  std::vector<std::uint32_t> compute(ReductionRun run) override;
  const CommandLog<ReductionRun>& log() const override { return log_; }
  void replay(const CommandLog<ReductionRun>& log) override;
  Comparison& comparison() override { return checker_.comparison(); }

 private:
  const ReductionRun& kept(ReductionRun run);

  StreamChecker checker_;
  CommandLog<ReductionRun> log_;
};

/// In lock-step with rtl/'s block or another (`block`), or as streams, as `spec` has it.
std::unique_ptr<CommandChecker<ReductionRun, std::uint32_t>> reduction_commands(
    const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
    std::unique_ptr<rtl::Block> block);

}  // namespace leto::model
