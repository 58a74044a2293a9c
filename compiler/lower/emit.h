// Emit: kernels -> instructions. One function a kernel kind; emit.cpp strings them together with the barriers
// that their memory dependences need.
#pragma once

#include <algorithm>

#include "arch/chip_config.h"
#include "compiler/lower/core_emitter.h"
#include "compiler/lower/kernel.h"
#include "compiler/lower/repeat.h"
#include "compiler/tuning.h"

namespace leto::compiler {

/// The loop around a kernel that stands for one of every trip of a repeat.
struct TripLoop {
  int trip = 0;            // register of the move core: 0, 1, …
  int travelled = 0;       // register of the move core: trip times `usual`
  std::int64_t usual = 0;  // bytes that most addresses move by from trip to trip
  std::vector<std::pair<StorageId, std::int64_t>> moves;  // those that the kernel uses: bytes a trip
};

/// What the emitters share.
struct EmitContext {
  const Lowered& lowered;
  const ChipConfig& chip;
  PeEmitter& pe;
  /// What separates the kernel from the ones before: all PEs when it depends on what another PE may still be
  /// doing.
  isa::Scope sync = isa::Scope::all;
  /// Where kernels of a few tiles begin to deal them, so that neighbours that do not wait for each other run
  /// side by side.
  int first_pe = 0;
  /// Which of the plans that there are for the kernel (tunables.h).
  int candidate = 0;

  /// Between a kernel's buffers and its code: the compute core must see the buffers, if it has anything to
  /// do.
  void begin_code(bool computes = true) const {
    if (computes || sync == isa::Scope::all) pe.barrier(sync);
  }

  /// The buffers of a kernel, by id in their order, and what separates it from the kernels
  /// before. A kernel of the same kind with the same buffers goes on in them, where it waits for nobody: the
  /// PE's pipeline then does not run empty between tables of one shape.
  void open(std::string_view kind, const std::vector<PeEmitter::Buffer>& buffers, bool computes = true);

  const TripLoop* loop = nullptr;

  /// A fresh register of the move core that holds the address of the place's first element.
  int address_register(const Place& place) const;

  /// Who opened the buffers there are.
  std::string opened{};

  /// The address itself; inside a loop that of the first trip.
  std::uint64_t address(const Place& place) const {
    return lowered.storages[std::size_t(place.view.storage)].address +
           std::uint64_t(place.view.offset * size_of(place.dtype));
  }
};

/// Each writes one kernel: a barrier in the PE, its buffers, a barrier of scope `sync`, its code.
void emit_vector(EmitContext& context, const VectorKernel& kernel);
void emit_column_reduce(EmitContext& context, const ColumnReduceKernel& kernel);
void emit_matmul(EmitContext& context, const MatmulKernel& kernel);
void emit_copy(EmitContext& context, const CopyKernel& kernel);
void emit_exchange(EmitContext& context, const ExchangeKernel& kernel);
void emit_gather(EmitContext& context, const GatherKernel& kernel);
void emit_bags(EmitContext& context, const BagKernel& kernel);
void emit_sort(EmitContext& context, const SortKernel& kernel);
void emit_update(EmitContext& context, const UpdateKernel& kernel);
void emit_scatter(EmitContext& context, const ScatterKernel& kernel);
void emit_attention(EmitContext& context, const AttentionKernel& kernel);
void emit_attention_gradient(EmitContext& context, const AttentionGradientKernel& kernel);
void emit_attention_query(EmitContext& context, const AttentionQueryKernel& kernel);

/// One of the plans that there are for the kernel.
template <class Plan>
const Plan& chosen(const EmitContext& context, const std::vector<Plan>& plans) {
  return plans[std::min(std::size_t(context.candidate), plans.size() - 1)];
}

/// All kernels of a lowered graph, those of a repeat once in a loop; `code` receives both cores' programs.
/// The source id of a word is the number of its kernel. A choice of a candidate that there is not takes the
/// last.
void emit_all(const Lowered& lowered, const Repeats& repeats, const ChipConfig& chip, const Choices& choices,
              std::vector<isa::Instruction>* code);

}  // namespace leto::compiler
