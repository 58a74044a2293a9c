// Simplifications that keep every value (x + 0 may turn -0 into 0): three small passes, meant to run in the
// order they stand here.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

/// Folds operations on small constants, identities (x * 1, x + 0, casts, reshapes and transposes that do
/// nothing) and chains of reshapes, of transposes.
Graph fold(const Graph& graph);

/// One of several operations with equal operands and attributes stays. Exception: a large elementwise value
/// of the forward phase is computed again in the backward phase rather than kept in memory until then; what
/// hangs on it (its row sums, say) is shared all the same.
Graph common_subexpressions(const Graph& graph);

/// Removes operations, parameters, state and constants that no output, loss or update needs. Inputs stay.
Graph dead_code(const Graph& graph);

}  // namespace leto::compiler
