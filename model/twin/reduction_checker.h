// The reduction engine's RTL in lock-step with the model: command by command, every cycle, every bit.
//
// The model computes a command at once and says from when to when it lasts; here its beats are unfolded: one
// goes in every cycle from the start on, and comes out so that the last one leaves in the command's last
// cycle. Cycles that the model loses to the local store are cycles in which a fill has nothing to offer, or a
// drain's result is not taken, before the last beat. Compared every cycle: f_ready, g_ready, w_valid,
// d_valid, p_valid, done; b_index while elements go in; index, count and data with a valid one; cmd_ready
// when a command is offered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/dtypes.h"
#include "isa/instruction.h"
#include "model/twin/blocks.h"
#include "model/twin/command_checker.h"

namespace leto::model {

/// A value's bits and what they mean, for a finding: a result is of the type that a drain leaves, all else
/// fp32.
std::string shown(std::uint32_t bits, DType type = DType::fp32);

/// A drain, fill, pass or merge with all it reads and leaves, elements in the order of rows.
struct ReductionRun {
  isa::Opcode op = isa::Opcode::drain;
  DType type = DType::fp32;  // of what a drain leaves
  int count = 0;
  std::vector<std::uint32_t> banks;     // accumulators before it; empty: they do not matter
  std::vector<std::uint32_t> incoming;  // fill: from the local store; merge: from the neighbour
  std::vector<std::uint32_t> result;    // bits of what leaves the engine, or is left in the banks
  Cycle start = 0, finish = 0;
  Cycle stall = 0;                 // cycles in which nothing moves …
  int stall_beat = -1;             // … before this beat; -1: the last one, as the model counts them
  std::string command, operation;  // for the finding

  std::uint64_t cycles() const { return finish - start; }
  std::size_t bytes() const { return sizeof *this + 4 * (banks.size() + incoming.size() + result.size()); }
};

class ReductionChecker final : public ResultChecker<ReductionRun, std::uint32_t> {
 public:
  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  ReductionChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                   std::uint64_t seed, std::unique_ptr<rtl::Block> block = nullptr);

  /// Commands in the order of the engine. Throws Error(mismatch) with the first difference.
  void add(ReductionRun run) override;
  /// Lets the last command come to its end.
  void flush() override;
  /// The RTL's result of a command, from an idle engine; nothing is compared.
  std::vector<std::uint32_t> compute(ReductionRun run) override;

  using Log = CommandLog<ReductionRun>;
  const Log& log() const override { return log_; }
  /// Runs a log's commands as the run that left it did.
  void replay(const Log& log) override;

  Comparison& comparison() override { return comparison_; }
  const Comparison& comparison() const { return comparison_; }

 private:
  struct Schedule;

  void offer(const ReductionRun* run);
  void end_cycle(Cycle now);
  void settle();
  void play(const ReductionRun& run);
  void play_alone(ReductionRun run, Cycle start);
  Cycle cycles_alone(const ReductionRun& run) const;
  bool follows(const ReductionRun& run) const { return last_ != kNever && last_ + 1 == run.start; }
  void start(const ReductionRun& run);
  void tick(Schedule& schedule, Cycle now);
  void compare(const Schedule& schedule, int pin, std::uint32_t model, Cycle now);
  void see_pins(Cycle now);
  void check_data(const Schedule& schedule, Cycle now);
  void check_done(bool done, Cycle now);
  Story story(const Schedule& schedule) const;
  std::uint32_t& value(int pin) { return *rtl_->pin(pin); }

  ReductionEngineConfig config_;
  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  bool comparing_ = true;
  Cycle last_ = kNever;  // the last command's last cycle, not ended yet: another may be taken in it
  Story last_story_;
  Log log_;
  std::vector<std::uint32_t> collected_;  // what came out of the command that runs
};

}  // namespace leto::model
