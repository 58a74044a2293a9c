// Do graph passes keep values? The graph before the first pass and the graph after each are computed in fp64
// (evaluate_wide) on the same inputs, parameters and state, drawn from a fixed seed. Every result of a graph,
// by its name, must be in the next one, the same but for what new constants are rounded to; results may be
// added.
//
// In fp64 a pass that chooses narrower types changes nothing, so that what differs is arithmetic, not
// rounding. A type that loses digits it should keep is not found here: that is the chip's values beside
// evaluate's.
#pragma once

#include <set>

#include "compiler/compiler.h"

namespace leto::compiler {

class ValueCheck {
 public:
  /// Does nothing unless the options ask for it.
  ValueCheck(const Graph& first, const Options& options);
  /// Throws Error(internal) that names the pass and the first result that differs from the graph before;
  /// otherwise says on stderr how near they are.
  void after(std::string_view pass, const Graph& graph);

 private:
  WideValues results(const Graph& graph);
  /// How far results may move, against the largest: by the rounding of constants that are new in this graph.
  double allowed(const Graph& graph);

  bool on_;
  WideValues contents_;  // of the leaves, by name: drawn once, before types narrow
  WideValues before_;
  std::set<std::string> constants_;  // seen so far
};

}  // namespace leto::compiler
