// Recompute: what the forward pass made and the backward pass reads is kept in memory between them, or made
// again in the backward phase from what is kept anyway. Which, is the caller's choice; the values are the
// same bits.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

/// By value: is it made again? Only what a Saving names may be.
using Again = std::vector<bool>;

/// Values alike in operation, attributes and types. Layers that are alike keep and make again the same ones,
/// so that they stay alike.
struct Saving {
  std::vector<ValueId> values;
  std::int64_t bytes = 0;  // less to keep
  std::int64_t flops = 0;  // more to compute
};

/// What is worth to be made again besides `again`, most bytes per FLOP first.
std::vector<Saving> savings(const Graph& graph, const Again& again);

/// The graph with those values made again in the backward phase, ahead of their first reader there.
Graph recompute(const Graph& graph, const Again& again);

}  // namespace leto::compiler
