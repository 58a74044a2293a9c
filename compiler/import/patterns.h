// What exporters take apart and the compiler wants whole.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler::import {

/// Finds, in whatever order and grouping their factors stand:
///
///   x/2 (1 + erf(x / sqrt 2)), x/2 (1 + tanh(c (x + d x^3)))      gelu
///   x sigmoid(x)                                                  silu (SwiGLU is silu times the other half)
///   (x - mean) / sqrt(variance + e) scale + bias                  layernorm
///   x / sqrt(mean(x^2) + e) scale                                 rmsnorm
///   x clip(x + 3, 0, 6) / 6                                       x min(max(x/6 + 1/2, 0), 1)
///   softmax((a q) (b k)^T + mask)                                 softmax(a b (q k^T) + mask), k as the
///   operand x cos + concat(-x2, x1) sin, known sin                        x cos + concat(x2, x1) sin', signs
///   in the table
///
/// A composite's backward phase needs its operands alone, and in bf16 nothing is rounded on the way. The
/// parts stay for dead_code when something else uses them.
Graph recognise(const Graph& graph);

}  // namespace leto::compiler::import
