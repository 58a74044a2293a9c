// The cycles around a difference, signal by signal, both sides beside each other, as a wave file. Only a replay
// has one: a run keeps commands (log.h) and no waves.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "model/kernel/time.h"

namespace leto::model {

class TwinWindow {
 public:
  static constexpr Cycle kBefore = 200, kAfter = 20;  // cycles around the difference

  explicit TwinWindow(Cycle difference)
      : from_(difference < kBefore ? 0 : difference - kBefore), to_(difference + kAfter) {}

  bool holds(Cycle cycle) const { return cycle >= from_ && cycle <= to_; }
  Cycle last() const { return to_; }
  /// `name` as "rtl.c_data_3"; a cycle in which nothing is put is shown as x. Up to 64 bits.
  void put(Cycle cycle, const std::string& name, int bits, std::uint64_t value);
  /// What was put up to this cycle stays as it is.
  void freeze(Cycle cycle) { frozen_ = cycle + 1; }

  /// What was put; empty: nothing.
  std::optional<std::uint64_t> value(Cycle cycle, const std::string& name) const;
  /// Signals stand under `instance`; a tick is a PE cycle, as in the trace. Throws Error(unsupported) in a build
  /// without the FST library.
  void write(const std::filesystem::path& path, const std::string& instance, const std::string& comment) const;

 private:
  struct Signal {
    int bits;
    std::map<Cycle, std::uint64_t> values;
  };
  Cycle from_, to_, frozen_ = 0;
  std::map<std::string, Signal> signals_;
};

}  // namespace leto::model
