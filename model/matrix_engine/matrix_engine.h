// The matrix engine (dot-product engine) of a PE: tiles of 32 held rows that share one stream.
//
// Models: a command holds m rows and streams n vectors past them, once for each k-block of inner_bytes; one
// vector a cycle, at least 32 cycles a block because loading the next held block (hidden, double-buffered)
// takes 32. The first block's load shows unless the command before it was still streaming; the pipeline fills
// once when the engine was idle. Leaves out: zero skipping and structured sparsity. Source: chips.md section
// 4, our reading of the tile notation.
#pragma once

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/engine.h"

namespace leto::model {

class MatrixEngine {
 public:
  explicit MatrixEngine(const MatrixEngineConfig& config) : config_(config) {}

  /// Throws Error(illegal_program) when the tiles do not hold m rows. `held_ready`: since when the held
  /// operand and the command were there.
  Work work(const isa::Command& matmul, Cycle now, Cycle held_ready) const;
  /// The command started at `start` and ends at `finish`.
  void started(const isa::Command& matmul, Cycle start, Cycle finish);

  void state(Snapshot& s) { s(finish_, last_block_); }

 private:
  Cycle blocks(const isa::Command& matmul) const;
  Cycle exposed_load(Cycle now, Cycle held_ready) const;

  MatrixEngineConfig config_;
  Cycle finish_ = kNever;  // of the command before; kNever: none yet
  Cycle last_block_ = 0;   // when it began to stream its last block: from then on a held buffer is free
};

}  // namespace leto::model
