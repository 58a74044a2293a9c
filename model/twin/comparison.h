// What every twin's comparison shares, whatever the block: which sequences of commands are looked at, what
// was counted, the fault that inject plants, and how a difference becomes a finding.
#pragma once

#include <string>
#include <string_view>

#include "model/kernel/time.h"
#include "model/twin/spec.h"

namespace leto::model {

/// Default sampling compares no more than this share of the chip's MACs, all twins together: a MAC in RTL
/// costs about 70 times what it costs the model with values on (docs/validation.md), so a run slows by less
/// than half.
inline constexpr double kBudgetShare = 1.0 / 256;

class Comparison {
 public:
  /// `instance` as --twin names it.
  Comparison(const TwinSpec& spec, std::string instance, std::uint64_t seed)
      : spec_(spec), instance_(std::move(instance)), seed_(seed) {
    count_.mode = spec.mode;
  }

  /// Default sampling: no more than `share` of the MACs that the chip has begun, and some that are free.
  void limit(const std::int64_t& chip_macs, double share) {
    chip_macs_ = &chip_macs;
    share_ = share;
  }
  /// Does `check` want the next command, from `start` to `finish`? One of `every` sequences without a gap is
  /// taken, which one of each so many the seed says, whole or until the budget is spent.
  bool wants(Cycle start, Cycle finish);
  bool budgeted() const { return spec_.budgeted; }
  bool checks() const { return spec_.mode == TwinMode::check; }

  /// Is the planted fault due in this signal, which is about to be compared?
  bool faulty(std::string_view signal);
  /// `story`: the command and its last inputs. Throws Error(mismatch).
  [[noreturn]] void differ(Cycle now, std::string_view signal, const std::string& values,
                           const std::string& story);

  TwinCount& count() { return count_; }
  const TwinCount& count() const { return count_; }
  /// Was a fault asked for, and never planted?
  bool fault_missed() const { return spec_.inject && !injected_; }

 private:
  bool over_budget() const;

  TwinSpec spec_;
  std::string instance_;
  std::uint64_t seed_;
  TwinCount count_;
  bool injected_ = false;
  Cycle last_finish_ = kNever;
  std::uint64_t sequences_ = 0;
  bool taken_ = false;                       // this sequence
  const std::int64_t* chip_macs_ = nullptr;  // null: no budget
  double share_ = 0;
};

}  // namespace leto::model
