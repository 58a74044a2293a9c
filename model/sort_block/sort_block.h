// Radix passes over index lists: count, offsets, group, number. They share the layout engine's queue.
//
// Models: a block that visits records_per_cycle records a cycle, or, where the chip has none, the cores'
// software at software_cycles a record and visit. count and number visit each record once; group twice, to
// count its digits and to move it, and each digit once, to find its run. offsets adds lists of counts as the
// vector cores do, at the layout engine's bytes a cycle. A latency a command, which is the call where it is
// software. Leaves out: conflicts of equal digits within a cycle; the issue slots of the core that runs the
// software. That MTIA 300 has such a block is public, its rate is not: ours.
#pragma once

#include "arch/chip_config.h"
#include "model/kernel/engine.h"

namespace leto::model {

class SortBlock {
 public:
  explicit SortBlock(const ChipConfig& chip)
      : config_(chip.sort_block), bytes_per_cycle_(chip.layout_engine.bytes_per_cycle) {}
  Work work(const isa::Command& command) const;

 private:
  Cycle visits(std::int64_t records) const;

  SortBlockConfig config_;
  int bytes_per_cycle_;
};

}  // namespace leto::model
