// The signals that a run can leave as waves, by name, and which of them were asked for.
//
//   pe[3].issue_core[1].state, pe[3].matrix_engine.state   what it does or waits for: busy, data, space, …
//   pe[3].matrix_engine.queue     commands issued and not begun; also load, store, reduction, vector, layout
//   pe[3].b4.tiles                tiles in circular buffer 4
//   hbm.channel[7].queue          accesses asked for and not done; also sram.bank[…]
#pragma once

#include <array>
#include <string>
#include <vector>

#include "isa/program.h"
#include "model/kernel/observer.h"

namespace leto::model {

/// Does `name` fit `pattern`, in which * stands for any text and ? for one character?
bool fits(std::string_view pattern, std::string_view name);

class Signals {
 public:
  /// Throws Error(usage) when a pattern fits no signal.
  Signals(const std::vector<std::string>& patterns, const isa::Program& program, const ChipConfig& chip);

  static constexpr int kNone = -1;
  /// Number of a chosen signal, kNone if it is not.
  int state(Engine engine, int instance) const {
    return at(states_[static_cast<std::size_t>(engine)], instance);
  }
  int queue(int pe, isa::Unit unit) const;
  int buffer(int pe, int buffer) const { return at(buffers_, pe * isa::kBuffers + buffer); }
  int memory(SharedMemory memory, int unit) const {
    return at(memories_[static_cast<std::size_t>(memory)], unit);
  }

  struct Signal {
    std::string name;
    bool is_state;  // else a count
  };
  const std::vector<Signal>& chosen() const { return chosen_; }

 private:
  static int at(const std::vector<int>& numbers, int index) {
    return numbers[static_cast<std::size_t>(index)];
  }
  void offer(std::vector<int>& numbers, const std::string& name, bool is_state);
  void offer_pe(int pe, std::uint32_t buffers);

  const std::vector<std::string>& patterns_;
  std::vector<char> used_;  // by pattern: it fits something
  std::vector<Signal> chosen_;
  std::array<std::vector<int>, kEngines> states_;
  std::vector<int> queues_, buffers_;
  std::array<std::vector<int>, kSharedMemories> memories_;
};

}  // namespace leto::model
