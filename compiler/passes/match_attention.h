// Finds softmax(scale q k^T + mask) v and makes one operation of it, attention (ops.inc): its scores then
// need no memory. The mask must be a constant that is causal or nothing at all; heads that an exporter
// repeats for grouped queries are taken unrepeated. Runs on the forward graph, before autodiff; what it
// leaves over is dead code.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

Graph match_attention(const Graph& forward);

}  // namespace leto::compiler
