// From a forward graph to a training step, one small pass after the other; compiler.h's training_step runs
// them in this order. Between the first and the last all arithmetic is fp32.
//
//   widen              every float becomes fp32: parameters are now the masters
//   decompose_pools    pools to slices, maxima and sums                    (decompose.h)
//   add_loss           the recipe's loss
//   add_loss_scale     its scale, where that is state
//   differentiate      gradients                                            (autodiff.h)
//   add_optimizer      new parameters, optimizer state, updates
//   decompose_convolutions  to slices and products                         (decompose.h)
//   narrow             bf16 where the recipe's precision says bf16 or fp8
//   quantise           products of matrices in fp8 where it says fp8
//   fold, common_subexpressions, dead_code                                  (fold.h)
#pragma once

#include "compiler/compiler.h"
#include "compiler/passes/autodiff.h"
#include "compiler/passes/builder.h"

namespace leto::compiler {

/// fp32 everywhere but for the inputs, which keep their type and are cast.
Graph widen(const Graph& graph);

/// Sets graph.loss, a scalar of phase loss. own: the graph's. cross_entropy: of the first output as scores
/// [..., classes] against a new int32 input "labels" (or the graph's own one). mse: of the first output
/// against a new input "target". sum: of all float outputs. Throws Error(bad_input) when the graph cannot
/// have it.
void add_loss(Graph& graph, Loss loss);

/// Updates of every float parameter that has a gradient, as torch.optim writes them (decoupled weight decay
/// for adamw, also on biases; L2 for sgd, momentum and adagrad; tables that are looked up:
/// sparse_optimizer.h). Bias corrections 1 - beta^t are fp32 scalars of state.
/// `scale` is what the gradients are multiplied by; where it is a scalar of state, a step whose gradients are
/// not all finite updates that scalar and nothing else.
void add_optimizer(Graph& graph, const Gradients& gradients, const Recipe& recipe, const LossScale& scale);

/// What the recipe wants the loss multiplied by; a dynamic scale is state, added here.
LossScale add_loss_scale(Graph& graph, const Recipe& recipe);
/// 1 if no gradient times the scalar `inverse`, of the scale they have, holds an infinity or a NaN, else 0.
ValueId all_finite(Builder& b, const std::map<ValueId, ValueId>& gradients, ValueId inverse);
/// State and what replaces it.
using StateUpdates = std::vector<std::pair<ValueId, ValueId>>;
/// 1 - beta^t of this step t, a scalar of state.
ValueId bias_correction(Builder& b, const std::string& name, double beta, StateUpdates& updates);
/// The scale halves after an overflow and doubles after `period` good steps in a row.
StateUpdates next_loss_scale(Builder& b, ValueId scale, ValueId finite, std::int64_t period);

/// bf16 compute on fp32 masters: operands and activations in bf16; reductions, the loss, what lies inside one
/// operation's gradient, parameter gradients and the optimizer in fp32. Every fp32 operand of a matmul is
/// cast once.
Graph narrow(const Graph& graph, const Gradients& gradients);

/// Operands of every matmul in fp8, each tensor with a scale of its own: e5m2 what the backward pass made,
/// e4m3 the rest. Products are summed in fp32; results, masters and all other operations stay as they are,
/// and so does attention, whose scores never reach memory.
Graph quantise(const Graph& graph);

}  // namespace leto::compiler
