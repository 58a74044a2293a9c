// A run's commands through a stream checker, kept for a replay; and which checker a spec asks for.
#pragma once

#include <bit>

#include "model/twin/command_checker.h"
#include "model/twin/foreign_twin.h"

namespace leto::model {

template <class Run, class Element>
class StreamCommands final : public ResultChecker<Run, Element> {
 public:
  StreamCommands(const TwinSpec& spec, const std::string& instance, std::uint64_t seed)
      : checker_(spec.foreign->load(), spec.foreign->stream(), spec, instance, seed) {}

  bool offers(const Run& run) const override { return checker_.offers(run); }
  void add(Run run) override { checker_.add(kept(std::move(run))); }
  /// A command has come to its end when the next one is offered; a replay knows of no flush.
  void flush() override { comparison().raise(); }
  std::vector<Element> compute(Run run) override {
    std::vector<Element> all;
    for (const std::uint32_t bits : checker_.compute(kept(std::move(run))))
      all.push_back(std::bit_cast<Element>(bits));
    return all;
  }
  const CommandLog<Run>& log() const override { return log_; }
  void replay(const CommandLog<Run>& log) override {
    comparison().go_on(log.from);
    for (const Run& run : log.runs) add(run);
    flush();
  }
  Comparison& comparison() override { return checker_.comparison(); }

 private:
  /// The block is idle between commands: it can start anew, from a reset, at any that needs nothing of those
  /// before.
  const Run& kept(Run run) {
    bool begins = true;
    if constexpr (requires { run.first; }) begins = run.first;
    if (begins && log_.is_long()) {
      log_ = {};
      checker_.restart();
    }
    log_.add(std::move(run), comparison().place());
    return log_.runs.back();
  }

  StreamChecker checker_;
  CommandLog<Run> log_;
};

/// In lock-step with rtl/'s block or another (`block`), or as streams, as `spec` has it.
std::unique_ptr<ResultChecker<ReductionRun, std::uint32_t>> reduction_commands(
    const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
    std::unique_ptr<rtl::Block> block);
std::unique_ptr<ResultChecker<MatrixRun, float>> matrix_commands(const ChipConfig& chip, const TwinSpec& spec,
                                                                 const std::string& instance,
                                                                 std::uint64_t seed,
                                                                 std::unique_ptr<rtl::Block> block);
std::unique_ptr<CommandChecker<LookupRun>> lookup_commands(const ChipConfig& chip, const TwinSpec& spec,
                                                           const std::string& instance, std::uint64_t seed,
                                                           std::unique_ptr<rtl::Block> block);

}  // namespace leto::model
