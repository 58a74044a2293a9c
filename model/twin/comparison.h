// What every twin's comparison shares, whatever the block: which sequences of commands are looked at, what
// was counted, the fault that inject plants, and how a difference becomes a finding.
#pragma once

#include <string>
#include <string_view>

#include "model/kernel/time.h"
#include "model/twin/spec.h"

namespace leto::model {

class Comparison {
 public:
  /// `instance` as --twin names it.
  Comparison(const TwinSpec& spec, std::string instance, std::uint64_t seed)
      : spec_(spec), instance_(std::move(instance)), seed_(seed) {
    count_.mode = spec.mode;
  }

  /// Does `check` want the next command, from `start` to `finish`? One of `every` sequences without a gap is
  /// taken whole, which one of each so many the seed says.
  bool wants(Cycle start, Cycle finish);
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
  TwinSpec spec_;
  std::string instance_;
  std::uint64_t seed_;
  TwinCount count_;
  bool injected_ = false;
  Cycle last_finish_ = kNever;
  std::uint64_t sequences_ = 0;
};

}  // namespace leto::model
