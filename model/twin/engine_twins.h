// Twins of the engines that execute commands: what they read and leave, gathered for their checkers.
#pragma once

#include <vector>

#include "model/twin/stream_commands.h"
#include "model/twin/twins.h"

namespace leto::model {

class MatrixTwin : public EngineTwin {
 public:
  MatrixTwin(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
             const isa::Program& program);

  void before(const isa::Command& matmul, isa::PeState& pe, const isa::Partials& incoming,
              const Timing& timing) override;
  void after(const isa::Command& matmul, isa::PeState& pe, isa::Partials& outgoing) override;
  void flush() override { checker_->flush(); }
  void log(TwinLog& log) const override;
  Comparison& comparison() override { return checker_->comparison(); }

 private:
  void capture(const isa::Command& matmul, isa::PeState& pe, const Timing& timing);
  bool goes_on(const isa::Command& matmul, isa::PeState& pe) const;
  void replace(const isa::Command& matmul, isa::PeState& pe);

  const isa::Program& program_;
  std::unique_ptr<ResultChecker<MatrixRun, float>> checker_;
  MatrixRun run_;
  bool wanted_ = false;
  const bool keeps_sums_;            // the RTL is given no accumulators
  std::vector<std::int64_t> sums_;   // in which the command before was; empty: the block does not offer it
  bool given_ = false;               // and was it given that one?
  std::vector<std::uint32_t> left_;  // that it left there, where the block keeps them
};

class ReductionTwin : public EngineTwin {
 public:
  ReductionTwin(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                const isa::Program& program)
      : program_(program),
        checker_(reduction_commands(chip, spec, instance, seed, block_in_lock_step(spec))) {}

  void before(const isa::Command& command, isa::PeState& pe, const isa::Partials& incoming,
              const Timing& timing) override;
  void after(const isa::Command& command, isa::PeState& pe, isa::Partials& outgoing) override;
  void flush() override { checker_->flush(); }
  void log(TwinLog& log) const override;
  Comparison& comparison() override { return checker_->comparison(); }

 private:
  const isa::Program& program_;
  std::unique_ptr<ResultChecker<ReductionRun, std::uint32_t>> checker_;
  ReductionRun run_;
  bool wanted_ = false;
};

}  // namespace leto::model
