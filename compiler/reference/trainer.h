// Training on the reference interpreter: a step graph run again and again, its state carried from step to
// step.
#pragma once

#include "base/snapshot.h"
#include "compiler/compiler.h"

namespace leto::compiler {

class Trainer {
 public:
  /// State starts from initial_content (initial.h) under `seed`. The graph must outlive the trainer.
  Trainer(const Graph& step, std::uint64_t seed);
  /// One step on these inputs: applies the updates and returns outputs and loss by name.
  Values step(const Values& inputs);
  /// Parameters and optimizer state by name, as of now.
  const Values& state() const { return state_; }
  /// All that changes (base/snapshot.h).
  void state(Snapshot& s) { s(state_); }

 private:
  const Graph& graph_;
  Values state_;
};

}  // namespace leto::compiler
