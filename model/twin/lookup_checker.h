// The vector engine's lookup path in RTL in lock-step with the model: every result of exponential, logarithm,
// tanh, erf, sigmoid and reciprocal bit for bit, and the cycle in which it leaves.
//
// The model says from when to when a command lasts, and not in which of these cycles its beats pass: here the
// last one leaves in the command's last cycle and the others right before it, so cycles lost to the local
// store lie before the first. Nothing is in the pipeline between commands, and nothing is clocked. Compared
// every cycle: x_ready and y_valid; y_count and y_data with a valid one.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/dtypes.h"
#include "isa/instruction.h"
#include "model/twin/blocks.h"
#include "model/twin/command_checker.h"

namespace leto::model {

/// The elements of a vector command, in the order of rows.
struct LookupRun {
  isa::VectorOp op = isa::VectorOp::exponential;
  DType type = DType::fp32;           // of the results
  int row = 1;                        // elements until a new beat starts
  std::vector<std::uint32_t> x;       // fp32
  std::vector<std::uint32_t> result;  // bits of `type`
  Cycle start = 0, finish = 0;
  /// A test's: in which cycles from the start on nothing is offered, or taken; each counts one beat's delay.
  std::vector<bool> idle, held;
  std::string command, operation;  // for the finding

  std::size_t bytes() const { return sizeof *this + 4 * (x.size() + result.size()); }
  std::uint64_t cycles() const { return finish - start; }
};

/// What a result counts in the budget of default sampling: as many multiply-adds as the longest function
/// takes.
inline constexpr std::uint64_t kMacsOfLookup = 32;

/// Is it the lookup path's?
bool is_lookup(isa::VectorOp op);
/// What the model makes of x.
std::uint32_t looked_up(isa::VectorOp op, DType type, std::uint32_t x);

class LookupChecker final : public CommandChecker<LookupRun> {
 public:
  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  LookupChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                std::unique_ptr<rtl::Block> block = nullptr);

  /// Commands in the order of the engine. Throws Error(mismatch) with the first difference.
  void add(LookupRun run) override;
  /// Nothing is in the pipeline between commands.
  void flush() override { comparison_.raise(); }

  using Log = CommandLog<LookupRun>;
  const Log& log() const override { return log_; }
  void replay(const Log& log) override;

  Comparison& comparison() override { return comparison_; }
  const Comparison& comparison() const { return comparison_; }

 private:
  struct Beat {
    std::size_t first, count;  // of its elements
  };
  void play(const LookupRun& run);
  void tick(const LookupRun& run, bool offers, bool takes, Cycle now);
  void check_data(const LookupRun& run, const Beat& beat, Cycle now);
  void compare(const LookupRun& run, int pin, std::uint64_t model, Cycle now);
  void see_pins(Cycle now);
  Story story(const LookupRun& run) const;
  std::uint32_t& value(int pin) { return *rtl_->pin(pin); }

  VectorEngineConfig config_;
  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  std::deque<Beat> waiting_;                      // not gone in
  std::deque<std::pair<Beat, Cycle>> under_way_;  // and how often the pipeline has moved when it comes out
  Cycle moved_ = 0;
  Log log_;
};

}  // namespace leto::model
