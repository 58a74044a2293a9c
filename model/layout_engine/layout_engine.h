// The layout engine (memory layout unit) of a PE: transpose and copy, local store to local store.
//
// Models: bytes_per_cycle for 2-byte elements; a transpose moves whole elements, so wider ones go at the same
// bytes and 1-byte ones at half; plus a latency. Leaves out: the inner tile shapes of a real transpose
// buffer. Rate is ours.
#pragma once

#include "arch/chip_config.h"
#include "model/kernel/engine.h"

namespace leto::model {

class LayoutEngine {
 public:
  explicit LayoutEngine(const LayoutEngineConfig& config) : config_(config) {}
  Work work(const isa::Command& command) const;

 private:
  LayoutEngineConfig config_;
};

}  // namespace leto::model
