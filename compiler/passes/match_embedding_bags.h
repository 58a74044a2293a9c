// Finds the sum of rows that a gather brings and nobody else needs, each as it is or times a weight of its
// own, and makes one operation of it, embedding_bag or weighted_bag (ops.inc): the rows then need no memory.
// Sums of looked-up rows of int8 become one quantised_bag. Runs on the forward graph, before autodiff; what
// it leaves over is dead code.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph match_embedding_bags(const Graph& forward);

}  // namespace leto::compiler
