// Kernels: what the back end turns graph operations into. A kernel runs on every PE at once, reads and writes
// memory through views, and is separated from kernels it depends on by a barrier. select.h makes them,
// place.h gives their storages addresses, emit.h writes their code.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/graph.h"
#include "compiler/lower/view.h"
#include "isa/instruction.h"

namespace leto::compiler {

/// A memory operand.
struct Place {
  View view;
  DType dtype = DType::fp32;
};

/// Elementwise operations and row reductions over one iteration space, fused: every result stays in the local
/// store unless something outside needs it.
struct VectorKernel {
  /// An operand of a step: a memory input, an earlier step's result, or the immediate.
  struct Ref {
    enum class Kind : std::uint8_t { input, result, immediate } kind = Kind::immediate;
    int index = 0;
    bool operator==(const Ref&) const = default;
  };
  struct Step {
    isa::VectorOp op = isa::VectorOp::copy;
    isa::Reduce reduce = isa::Reduce::none;  // of what the operation gives: none, row_sum or row_max
    Ref a, b;
    float value = 0;  // the immediate
    DType dtype = DType::fp32;
    bool column = false;  // one element a row
    bool operator==(const Step&) const = default;
  };
  struct Output {
    int step = 0;
    Place place;  // view over `shape` (last dim 1 for a column)
  };
  Dims shape;                 // iteration space; the last dim are the columns
  std::vector<Place> inputs;  // views broadcast to `shape`
  std::vector<Step> steps;
  std::vector<Output> outputs;
};

/// out[o][i] = sum or max over k of in[o][k][i], ascending k.
struct ColumnReduceKernel {
  Place in;   // view [o, k, i]
  Place out;  // view [o, i]
  isa::Reduce reduce = isa::Reduce::column_sum;
};

/// c[b][m][n] = sum over k of a[b][m][k] * b[b][n][k]: note b's order, rows are n.
struct MatmulKernel {
  Place a, b, c;
  std::int64_t batches() const { return product(c.view.shape) / (m() * n()); }
  std::int64_t m() const { return c.view.shape[c.view.shape.size() - 2]; }
  std::int64_t n() const { return c.view.shape.back(); }
  std::int64_t k() const { return a.view.shape.back(); }
};

/// The same elements elsewhere; same dtype.
struct CopyKernel {
  Place from, to;
};
/// With scalars as one column: kernels have columns.
CopyKernel copy_kernel(Place from, Place to);

/// A place that chips exchange: it stays as it is (ops.inc), and takes their links' time.
struct ExchangeKernel {
  Place data;
  std::int64_t bytes = 0;  // sent, and as many got
  std::int64_t chips = 0;
};

/// out[i] = table[index[i]].
struct GatherKernel {
  Place table;           // [rows, width], width dense
  Place index;           // [count]
  Place out;             // [count, width]
  bool padding = false;  // a negative index names no row: zeros
  std::int64_t least =
      1;  // rows of a tile: more than one where such kernels, side by side, share the PEs out
};

/// out[i] = table[index[i][0]] + table[index[i][1]] + …, in fp32; a negative index names no row, but where
/// the table's popular rows lie apart, one of those.
struct BagKernel {
  Place table;  // [rows, width], width dense; of int8: [rows, width + 8], a scale and a bias behind each row
  Place index;  // [count, bag], bag dense
  Place out;    // [count, width], width dense
  struct Apart {
    Place table;  // [copies, width], width dense
    Place index;  // [count, bag], bag dense; negative where `index` is not
  };
  std::optional<Apart> apart{};
  std::optional<Place> weights{};  // [count, bag], bag dense: each row is multiplied by its own, in fp32
};

/// One step of a radix sort (sort_plan.h).
struct SortKernel {
  enum class Step : std::uint8_t { count, group } step = Step::count;
  Place from;                        // [records] keys, or int32 [records, 2] pairs
  Place counts;                      // int32 [chunks, counts]: made by count, read by group
  std::optional<Place> to{};         // group: int32 [records, 2] pairs
  std::int64_t tile = 0, chunk = 0;  // records
  int shift = 0, bits = 0;           // of the digit
  std::int64_t share = 0;            // group: lookups of one payload; 0: pairs have theirs
};

/// table[index[i * repeats + j]] += rows[i][j], fp32, ascending. A negative index may name no row.
struct ScatterKernel {
  Place table;           // [rows, width], fp32
  Place index;           // [count * repeats]
  Place rows;            // [count, repeats, width]
  bool padding = false;  // a negative index names no row: nothing is added
};

/// The rows of a table that sorted lookups name, updated in their place by the sums of the lookups' gradients
/// (update_plan.h). Tiles of `block` lookups; what of a key lies in several goes to the seams.
struct UpdateKernel {
  std::optional<Place> table{};  // fp32 [rows, width]; not where only the sums are asked for
  std::optional<Place> sums{};   // row-wise adagrad: fp32 [rows, 1]
  struct Moment {
    Place rows;       // fp32 [rows, width]
    float share = 0;  // of the way to the gradient, or to its square
  };
  std::optional<Moment> mean{}, square{};  // adam
  struct Scalars {
    Place rate, root;  // fp32 scalars: -lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  };
  std::optional<Scalars> scalars{};  // adam, where the table is asked for
  Place pairs;                       // int32 [lookups, 2]: row (-1: none), which gradient
  Place gradients;                   // [many, width], width dense
  /// Pairs then name a lookup, gradients are of bags of `bag` lookups, and each lookup has its weight.
  struct Weights {
    Place each;  // [lookups]
    std::int64_t bag = 1;
  };
  std::optional<Weights> weights{};
  struct Seams {
    Place pairs;  // int32 [2 tiles, 2], as those above
    Place rows;   // fp32 [2 tiles, width]
  };
  std::optional<Seams> seams{};  // none where there is one tile
  std::int64_t block = 0;
  float rate = 0, epsilon = 0;
};

/// What attention's kernels have in common: see ops.inc. Batch dims of k and v are those of q but for the
/// last, which divides q's. Rows of every matrix are dense.
struct AttentionTerms {
  float scale = 1;
  bool causal = false;
};

/// out = softmax(scale q k^T) v, and the logarithm of each row's sum of exponentials where somebody needs it.
struct AttentionKernel : AttentionTerms {
  Place q, k, v, out;        // [batch…, m, d], [batch…, n, d], [batch…, n, e], [batch…, m, e]
  std::optional<Place> lse;  // fp32 [batch…, m, 1]
};

/// What the backward pass makes of the scores, all but dq.
struct AttentionGradientKernel : AttentionTerms {
  Place q, k, v, dy, lse, delta;  // lse and delta fp32 [batch…, m, 1]
  Place dscores, dk, dv;          // [batch…, n, m] in tiles (attention_plan.h), as k, as v
};

/// dq = dscores^T k, dscores as the gradient kernel left them: in its tiles, nothing beyond the diagonal of
/// its rows.
struct AttentionQueryKernel : AttentionTerms {
  Place dscores, k, dq;
  std::int64_t value_columns = 0;  // of the v that the scores' gradient came from
};

struct Kernel {
  std::variant<VectorKernel, ColumnReduceKernel, MatmulKernel, CopyKernel, ExchangeKernel, GatherKernel,
               BagKernel, ScatterKernel, SortKernel, UpdateKernel, AttentionKernel, AttentionGradientKernel,
               AttentionQueryKernel>
      body;
  std::string name;  // the graph operation it came from (the first, when several were fused)
  Phase phase = Phase::forward;
  std::int64_t useful_macs = 0;
};

std::string_view kind_of(const Kernel& kernel);
/// What its matrix products take; nothing for a kernel without any.
std::optional<DType> product_dtype(const Kernel& kernel);
/// Every place the kernel reads, and every place it writes.
std::vector<const Place*> reads(const Kernel& kernel);
std::vector<const Place*> writes(const Kernel& kernel);
/// All of them, to be changed.
std::vector<Place*> places(Kernel& kernel);

/// A block of memory.
struct Storage {
  ValueId value = -1;  // the value it was made for
  std::int64_t elements = 0;
  DType dtype = DType::fp32;
  bool pinned = false;        // the host reads or writes it: lives as long as the program
  int first = -1, last = -1;  // kernels between which it is alive
  std::uint64_t address = 0;
  std::int64_t bytes() const { return elements * size_of(dtype); }
};

struct Lowered {
  std::vector<Kernel> kernels;
  std::vector<Storage> storages;
  std::vector<std::optional<View>> views;  // by value: where it is, if it is in memory
  std::vector<StorageId> storage_of;       // by value; -1 for values that never reach memory on their own
};

/// Does the place lie in shared SRAM? For storages that have addresses.
bool in_sram(const Lowered& lowered, const Place& place);

}  // namespace leto::compiler
