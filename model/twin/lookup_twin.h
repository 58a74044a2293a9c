// The twin of a vector engine's lookup path: what its commands read, gathered for the checker.
#pragma once

#include "model/twin/stream_commands.h"
#include "model/twin/twins.h"

namespace leto::model {

class LookupTwin : public EngineTwin {
 public:
  LookupTwin(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
             const isa::Program& program)
      : program_(program), checker_(lookup_commands(chip, spec, instance, seed, block_in_lock_step(spec))) {}

  void before(const isa::Command& command, isa::PeState& pe, const isa::Partials& incoming,
              const Timing& timing) override;
  void after(const isa::Command& command, isa::PeState& pe, isa::Partials& outgoing) override;
  void flush() override { checker_->flush(); }
  void log(TwinLog& log) const override;
  Comparison& comparison() override { return checker_->comparison(); }

 private:
  const isa::Program& program_;
  std::unique_ptr<CommandChecker<LookupRun>> checker_;
  LookupRun run_;
  bool wanted_ = false;
};

}  // namespace leto::model
