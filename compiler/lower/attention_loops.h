// What the code of attention's kernels shares: the units of work dealt to PEs, the blocks that a unit walks,
// addresses of rows of a head, and the ramp and mask that causal kernels make for themselves.
#pragma once

#include <functional>

#include "compiler/lower/attention_plan.h"
#include "compiler/lower/core_emitter.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/vector_pass.h"

namespace leto::compiler {

/// Heads of an operand [batch…, rows, columns].
std::int64_t heads_of(const Place& place);

/// Rows of one head that a PE owns for a while.
struct AttentionUnit {
  int head;     // register: of all batch dims
  int first;    // register: its first row
  Amount rows;  // the last unit of a head may have fewer
};

/// Blocks of the other side that a unit walks: `full` (a register) whole ones from row `first` on, then the
/// rest.
struct AttentionBlocks {
  struct Rest {
    int first;        // register
    Amount columns;   // may come out as none
    int window = -1;  // bytes into the rows of the mask; -1 = nothing is masked
  };
  int first, full;
  std::vector<Rest> rest;
};

/// Rows that one matmul command holds.
struct AttentionSlot {
  int index;
  bool first, last;
  Amount rows;
};

inline void for_each_slot(CoreEmitter& core, const std::vector<AttentionSlot>& slots,
                          const std::function<void(const AttentionSlot&)>& body) {
  for (const AttentionSlot& slot : slots) core.scope([&] { body(slot); });
}

class AttentionLoops {
 public:
  AttentionLoops(EmitContext& context, const AttentionPlan& plan) : context_(context), plan_(plan) {}

  /// The PE's circular buffers: ids are those of the plan's enumeration.
  void define_buffers() const;

  /// `body` for every unit of this PE: heads x blocks of rows. The most work comes first and PEs take turns
  /// from both ends, so that all have nearly the same.
  void for_each_unit(CoreEmitter& core, std::int64_t heads, std::int64_t rows, bool last_rows_first,
                     const std::function<void(const AttentionUnit&)>& body) const;

  /// Columns that rows of a unit see: all `total` of them, or those up to the diagonal, or (`from_diagonal`)
  /// from it on.
  AttentionBlocks blocks(CoreEmitter& core, const AttentionUnit& unit, std::int64_t total, bool causal,
                         bool from_diagonal) const;
  void for_each_block(CoreEmitter& core, const AttentionBlocks& blocks,
                      const std::function<void(int first, Amount columns)>& body) const;
  /// The same blocks, with `ahead` one block ahead of `body`.
  void pipeline(CoreEmitter& core, const AttentionBlocks& blocks,
                const std::function<void(Amount columns)>& ahead,
                const std::function<void(Amount columns, int window)>& body) const;

  /// Address of row `first` of head `head`: registers.
  int address(CoreEmitter& core, const Place& place, int head, int first) const;
  void load(CoreEmitter& core, int buffer, const Place& place, int address, Amount rows) const;
  void store(CoreEmitter& core, int buffer, const Place& place, int address, Amount rows) const;

  /// mask[r][c] = 1 where c > r (`above`) or r > c, of rows() x rows(), one byte each.
  void make_mask(CoreEmitter& core, int mask, int ramp, bool above) const;

  /// The slots of a unit with so many rows.
  std::vector<AttentionSlot> slots(CoreEmitter& core, Amount rows) const;
  /// A register with the bytes of the slots before.
  int before(CoreEmitter& core, const AttentionSlot& slot, std::int64_t pitch) const;
  int bank(int half) const { return half == 0 ? 0 : plan_.half; }

 private:
  EmitContext& context_;
  const AttentionPlan& plan_;
};

/// A matrix in the local store that a matmul command reads, k adjacent.
struct MatmulOperandTile {
  int buffer;
  std::int64_t pitch;  // bytes
  int offset = 0;      // register
  Flags flags{false, false};
};
struct MatmulCommand {
  MatmulOperandTile held, stream;
  Amount m, n, k;
  DType dtype;
  int bank = 0;
  bool first = true, last = true;
};
void emit_matmul_command(CoreEmitter& core, const MatmulCommand& command);

/// A matmul of no rows, which waits for the tile of an operand that stays for a while, or pops it.
void emit_matmul_touch(CoreEmitter& core, int buffer, DType dtype, Flags flags);

/// Accumulators to and from a buffer of m x n at `pitch` bytes.
struct AccumulatorTile {
  int bank = 0;
  int buffer;
  Amount m, n;
  std::int64_t pitch;
  DType dtype = DType::fp32;
  int offset = 0;  // register
  Flags flags{true, true};
};
void emit_drain(CoreEmitter& core, const AccumulatorTile& tile);
void emit_fill(CoreEmitter& core, const AccumulatorTile& tile);

/// rows x columns of a buffer to columns x rows (or as they are) of another.
struct LayoutCommand {
  int to, from;
  std::int64_t to_pitch, from_pitch;
  DType dtype;
  Flags take{true, true};  // of the source
};
void emit_transpose(CoreEmitter& core, const LayoutCommand& command, Amount rows, Amount columns);
void emit_layout_copy(CoreEmitter& core, const LayoutCommand& command, Amount rows, Amount columns);

}  // namespace leto::compiler
