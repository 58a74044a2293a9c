// The reduction engine of a PE: accumulator banks, drained to or filled from the local store, and the
// reduction network to the four neighbours.
//
// Models: rate and latency of drain, fill, pass and merge; one partial sum outstanding per link direction (RE
// of the neighbour takes it before the next is sent). Leaves out: the bank ports' own conflicts with a
// running matmul. The rates are ours (chips.md section 12).
#pragma once

#include <array>
#include <optional>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "isa/machine.h"
#include "model/kernel/engine.h"

namespace leto::model {

class ReductionEngine {
 public:
  explicit ReductionEngine(const ReductionEngineConfig& config) : config_(config) {}

  Work work(const isa::Command& command) const;

  /// Reduction network, indexed by direction: what a neighbour has passed to us, and whether our link to it
  /// is taken.
  std::array<std::optional<isa::Partials>, 4> arrived;
  std::array<bool, 4> link_taken{};

  /// Does the network hold the command back?
  bool held_by_network(const isa::Command& command) const;

  void state(Snapshot& s) { s(arrived, link_taken); }

 private:
  ReductionEngineConfig config_;
};

/// The direction a pass or merge names.
isa::Direction direction_of(const isa::Command& command);

}  // namespace leto::model
