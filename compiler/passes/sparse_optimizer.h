// The update of embedding tables: only rows that the step looked up are read and written, and there is never
// a gradient of the table's size. The gradients of a row's lookups are added up first, in their order, so
// that a row is updated once whatever the duplicates.
#pragma once

#include "compiler/compiler.h"
#include "compiler/passes/autodiff.h"

namespace leto::compiler {

/// A table whose gradient is that of lookups of one index input.
struct LookedUp {
  ValueId table = -1;
  ValueId rows = -1, index = -1;  // of the gradient: a row for each lookup
};

/// The parameters that are updated row by row: by the recipe's table_optimizer, or where it names none, by
/// sgd without weight decay or adagrad. adagrad is row-wise for tables, one sum of mean squares a row; adam
/// has two moments an element, of rows that are looked up, and corrects them by the step (both as FBGEMM has
/// them). Throws Error(unsupported) where the recipe names a rule that it does not let follow.
std::vector<LookedUp> looked_up_tables(const Graph& graph, const Gradients& gradients, const Recipe& recipe);

/// Appends their updates.
void add_sparse_optimizer(Graph& graph, const std::vector<LookedUp>& tables, const Recipe& recipe);

}  // namespace leto::compiler
