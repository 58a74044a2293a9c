// The vector engine (SIMD engine) of a PE: one pass over a tile a command.
//
// Models: elements_per_cycle lanes and a local-store port of bytes_per_cycle, whichever is slower, plus the
// latency of the pass. When every full operand is dense the tile is one run of elements; else each row starts
// a new beat. Every operation is one pass at full rate, exp and rsqrt too (chips.md section 4). Leaves out:
// forwarding from pass to pass.
#pragma once

#include "arch/chip_config.h"
#include "model/kernel/engine.h"

namespace leto::model {

class VectorEngine {
 public:
  explicit VectorEngine(const VectorEngineConfig& config) : config_(config) {}
  Work work(const isa::Command& vector) const;
  /// Is the tile one run of elements? Of vector commands only.
  static bool dense(const isa::Command& vector);

 private:
  VectorEngineConfig config_;
};

}  // namespace leto::model
