// The chip's block diagram as code: a control core, a grid of PEs, and the fabric (NoC, shared SRAM, device
// memory).
#pragma once

#include <memory>
#include <vector>

#include "model/control_core/control_core.h"
#include "model/fabric/fabric.h"
#include "model/kernel/accounts.h"
#include "model/pe/pe.h"
#include "model/reuse/reuse.h"
#include "model/tlm/engine_socket.h"
#include "model/twin/twins.h"

namespace leto::model {

class Chip {
 public:
  /// `construction_seed` permutes the order of construction; nothing else may depend on it.
  Chip(const isa::Program& program, const ChipConfig& config, isa::Memory& memory, const RunOptions& options,
       Kernel& kernel);

  /// Sets the program off once more, after a step that ended at `end`.
  void launch(Cycle end);
  bool finished() const;
  /// A finished step's stores go on to device memory.
  void clean();
  /// Last cycle of a finished and cleaned step; closes its accounts.
  Cycle close();
  /// Closes the accounts of a step that came to rest before its end.
  void settle();
  /// Closes the accounts in the middle of a step, which cannot go on: its last cycle. What is under way
  /// counts as idle.
  Cycle break_off();
  [[noreturn]] void throw_deadlock() const;
  void report(Statistics& statistics, Cycle cycles) const;
  std::vector<std::string> notes() const { return twins_.notes(); }
  const Twins& twins() const { return twins_; }
  const Counters& counters() const { return counters_; }

  /// All that changes (base/snapshot.h); without observer, twins or anything from outside.
  void state(Snapshot& s);

 private:
  void construct(const RunOptions& options);
  void construct_part(int part, const RunOptions& options);
  void watch_noc(const RunOptions& options);

  const isa::Program& program_;
  const ChipConfig& config_;
  Kernel& kernel_;
  Accounts accounts_;
  Counters counters_;
  ControlCore control_;
  Twins twins_;
  Wiring wiring_;
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<EngineSocket> engine_;  // from outside, if there is one
  std::vector<std::unique_ptr<Pe>> pes_;  // by index
  std::unique_ptr<Reuse> reuse_;          // if layers are to be reused
  std::vector<Pe*> order_;                // as constructed: also the order of their first wake-ups
};

}  // namespace leto::model
