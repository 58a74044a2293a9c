// Embedding tables over several chips: the graph of one chip's share. Every chip has samples and layers of
// its own, as many as the model says; tables are divided by table, by row or by column, so that a chip looks
// up for the samples of all chips, and an exchange brings every chip the pooled rows of its own samples (and
// takes their gradients back). Operations that the other chips do are not there. What would come from them is
// stood for by what this one has of their samples: values are legal, and those of a step of that kind, but
// not those of the whole system.
//
//   table   whole tables, dealt so that lookups are even; the share is that of the chip that has most of them
//   row     rows 0 to rows / chips of each table; lookups of others' rows are -1 here (row_plan.h), and the
//   exchange
//           carries partial sums, which are added up where they arrive
//   column  a run of columns of each table
#pragma once

#include "compiler/compiler.h"

namespace leto::compiler {

/// Error(unsupported) when there is nothing to shard: no embedding_bag of a parameter by an input of lookups.
Graph shard_tables(const Graph& forward, std::int64_t chips, ShardBy by);

}  // namespace leto::compiler
