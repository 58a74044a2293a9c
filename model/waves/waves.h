// Chosen signals of a run (signals.h) as a wave file, in the time base of the trace: a tick is one PE cycle,
// shown as one nanosecond.
//
// What an observer hears comes in no order of time, and a wave file is written in it: changes are kept (16
// bytes each), sorted and written at the end. Beyond kMostChanges of them recording stops; what had not ended
// by then is missing from the last cycles.
#pragma once

#include <optional>

#include "model/waves/fst_file.h"
#include "model/waves/signals.h"

namespace leto::model {

class Waves : public Observer {
 public:
  static constexpr std::size_t kMostChanges = std::size_t{1} << 24;

  /// Throws Error(unsupported) in a build without the FST library, Error(usage) when a pattern fits nothing.
  Waves(const std::filesystem::path& path, const std::vector<std::string>& patterns,
        const isa::Program& program, const ChipConfig& chip, std::size_t most_changes = kMostChanges);

  void on_interval(Engine engine, int instance, State state, std::uint32_t operation, Cycle from,
                   Cycle to) override;
  void on_command(const CommandLife& life) override;
  void on_memory(const MemoryAccess& access) override;
  void on_buffer(int pe, int buffer, std::int64_t tiles, Cycle at) override;

  void publish();
  /// Where recording stopped for having reached its most changes.
  std::optional<Cycle> cut() const { return cut_; }

 private:
  struct Change {
    Cycle at;
    int signal;
    int value;  // a state; for counts what is added
  };
  void change(Cycle at, int signal, int value);
  /// Something is counted from `from` to `to`.
  void count(int signal, Cycle from, Cycle to);
  void write(std::size_t& next);

  std::size_t most_changes_;
  Signals signals_;
  FstFile file_;
  std::vector<std::uint32_t> numbers_;  // in the file, by signal
  std::vector<int> now_;                // last value told, by signal
  std::vector<Change> changes_;
  Cycle end_ = 0;
  std::optional<Cycle> cut_;
};

}  // namespace leto::model
