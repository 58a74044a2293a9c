// Select, inside: what graph operations become, and where values lie. One class, a file for each kind of
// operation; select.cpp strings them together.
//
//   select_moves.cpp      reshapes, transposes, slices, concatenations: views, destinations, copies
//   select_products.cpp   matrix products, sums over outer axes
//   select_rows.cpp       rows chosen by indices: gathers, bags, sorts, scatters, updates of tables
//   select_attention.cpp  attention and its gradients
//   select_fusion.cpp     element-wise operations and row reductions, fused
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "compiler/lower/kernel.h"
#include "compiler/lower/turn_operands.h"
#include "compiler/lower/vector_ops.h"
#include "compiler/ops.h"

namespace leto::compiler {

class Selector {
 public:
  Selector(const Graph& graph, const ChipConfig& chip);
  Lowered run();

 private:
  // ---- select.cpp: what the others share
  const Node& node(int n) const { return graph_.nodes[std::size_t(n)]; }
  const Type& type(ValueId v) const { return graph_.value(v).type; }
  bool is_state(ValueId v) const;
  // Other inputs may be planned from them (row_plan.h).
  bool are_lookups(ValueId v) const;
  // Scalar constants become immediates of the instructions that use them.
  bool is_immediate(ValueId v) const;
  StorageId new_storage(ValueId v, bool pinned);
  // A dense storage for v of no kernel's own.
  View temporary(ValueId v);
  void schedule(int n);
  Place place_of(ValueId v) { return {*views_[std::size_t(v)], type(v).dtype}; }
  // Where a kernel writes v: its destination, or a storage of its own.
  View result_view(ValueId v);
  void emit(const Node& x, decltype(Kernel::body) body, std::int64_t useful = 0) {
    out_.kernels.push_back({std::move(body), x.name, x.phase, useful});
  }
  void copy(const Node& x, const Place& from, const Place& to) {
    if (!(from.view == to.view)) emit(x, copy_kernel(from, to));
  }

  // ---- select_moves.cpp: a value that is only moved into another is produced there
  bool sinkable(ValueId v) const;
  // Can v's kernel write this window at speed? Rows must be adjacent; a matmul may also write adjacent
  // columns, with its operands swapped.
  bool can_write(ValueId v, const View& view) const;
  void sink(ValueId v, const View& view);
  void assign_destinations();
  // The transposed value gets a dense storage of its own only if its source can be produced straight into it.
  void sink_transpose(const Node& x);
  template <class F>
  void for_each_part(const Node& concat, F f);
  std::optional<View> moved(const Node& x) const;
  void move(int n);
  void concat(const Node& x);
  void fill(const Node& x, const Place& place, float value);
  void embed(const Node& x);
  void exchange(const Node& x);

  // ---- select_products.cpp
  // A matrix operand as [batch…, rows, columns] broadcast to the batch dims of the result.
  View operand(ValueId v, bool swap, const Dims& batch) const;
  // The engines want one of an operand's last two dims adjacent; a copy provides that where a view does not.
  View with_adjacent(const Node& x, ValueId v);
  void matmul(const Node& x);
  // Operands that are better turned in memory first (turn_operands.h).
  void turn_operands(const Node& x, MatmulKernel& k);
  void turn(const Node& x, Place& operand);
  void column_reduce(const Node& x);
  // All that is reduced lies in one run: a row reduction. `in` is [outer, reduced, 1], `out` [outer, 1].
  void sum_runs(const Node& x, const Place& in, const Place& out);
  // Few long columns would leave PEs idle and cut memory into slivers: every PE then sums a block of rows,
  // and a second kernel sums the partial sums, in order.
  void sum_rows(const Node& x, const Place& in, const Place& out);

  // ---- select_rows.cpp
  // Rows of [leading…, width…] as [count, width].
  View as_rows(const View& view, std::int64_t count, const Node& x) const;
  void gather(const Node& x);
  void embedding_bag(const Node& x);
  // Updates of tables make the products themselves: for their use alone no memory is needed.
  bool made_by_updates(ValueId v) const;
  void weighted_rows(int n);
  static bool is_scatter(const Node& x) { return x.op == Op::scatter_add; }
  bool has_view(ValueId v) const { return views_[std::size_t(v)].has_value(); }
  bool has_view_or_is_made(ValueId v) const {
    return has_view(v) || (made_by_updates(v) && done_[std::size_t(producer_[std::size_t(v)])]);
  }
  // Sorts that do not wait for anything go step by step together and share the PEs out: their barriers then
  // are few.
  void sorts_from(int n);
  std::vector<SortKernel> sort_steps(const Node& x, std::int64_t most_chunks);
  // Scatters that follow each other: first all their zeros, so that none waits for another's.
  void scatters_from(int n);
  void scatter(const Node& x, const View& to);
  // Operand 0 as [count, repeats, width]: rows that are the same for all indices of the last dim need no
  // copy.
  View as_repeated_rows(const Node& x, const Dims& index);
  // May `next` be made in the place of `state`: its update, that nobody else reads or keeps?
  bool replaces(ValueId state, ValueId next, int n) const;
  // The state itself where that is safe, else a copy of it.
  Place updated(ValueId state, ValueId next, int n);
  static bool is_update(const Node& x) { return facts(x.op).shape == ShapeRule::updated_rows; }
  // Updates that do not wait for anything go level by level together (update_plan.h): their barriers then are
  // few.
  void updates_from(int n);
  std::vector<UpdateKernel> update_levels(int n);
  void set_gradients(UpdateKernel& k, const Node& x);
  // A table and the state of its rule are updated by one kernel.
  struct Together {
    std::optional<int> rows, sums, mean, square;  // nodes: of the table, adagrad's sums, adam's moments
  };
  // The node and those that belong to it, from now on done.
  Together updated_together(int n);
  static bool updates_state_of(const Node& state, const Node& rows);
  // The state that node n updates, else input `input` of the table's node: null where there is neither.
  std::optional<Place> state_of(const Node* rows, std::size_t input, std::optional<int> n);
  std::optional<UpdateKernel::Moment> moment(const Node* rows, std::size_t input, std::optional<int> n,
                                             const char* share);
  // Rows of an operand are dense; a copy provides that where a view does not.
  Place dense_rows(const Node& x, ValueId v);

  // ---- select_attention.cpp
  // The node that `belongs` accepts, marked as done with its result written by the kernel at hand.
  template <class F>
  std::optional<Place> companion(F belongs);
  static AttentionTerms terms_of(const Node& x);
  static void set_terms(AttentionTerms& terms, const Node& x);
  // Products of the scores' shape times `width`, of those the model needs.
  std::int64_t useful_macs(const Node& x, ValueId scores_like, std::int64_t columns,
                           std::int64_t width) const;
  void attention(const Node& x);
  void attention_gradient(const Node& x);
  void attention_query(const Node& x);

  // ---- select_fusion.cpp
  struct Group {
    Dims shape;                      // iteration space
    std::vector<int> nodes;          // in the order in which they were added
    std::vector<int> step_of;        // by node, -1 outside; nodes may share a step
    std::vector<bool> within_reach;  // by node: touches the group, but did not fit it on its own
    std::vector<ValueId> inputs;     // external values, as ordered in the kernel
    VectorKernel kernel;             // without outputs
  };

  // Follows reshapes back from an operand to the value that a group member may have produced.
  ValueId behind_reshapes(ValueId v) const;
  std::optional<VectorKernel::Ref> resolve(Group& group, const Node& x, ValueId v);
  // Adds node n, and before it the producers of operands that are not computed yet: all of them or none. What
  // is judged is the kernel with all of them, so that a wide value on the way to a sum costs no output.
  bool try_add(Group& group, int n);
  bool append(Group& group, int n);
  // Node x as a step of the group, if its operands resolve.
  std::optional<VectorKernel::Step> step_for(Group& group, const Node& x);
  // The number that x's step gets: that of an equal step; that of its operand's when a pass can do the
  // operation and reduce its result at once; a new one otherwise.
  int merged(Group& group, const Node& x, const VectorKernel::Step& step) const;
  // A pass reduces what it computes before it is rounded: the operand must be fp32, and used by nothing else.
  bool reduces_in_passing(const Group& group, const Node& x, const VectorKernel::Step& step) const;
  // Not shared by equal nodes?
  bool makes_one_value(const Group& group, int step) const;
  // Must v be stored, because something outside the group needs it and does not make it again?
  bool needed_outside(const Group& group, ValueId v) const;
  // Is v used by anything but members of the group (looking through reshapes), or by what is made again
  // elsewhere?
  bool used_outside(const Group& group, ValueId v) const;
  std::vector<VectorKernel::Output> outputs_of(const Group& group) const;
  // Does x use a result or a large input of the group, or what could be computed from them?
  bool touches(const Group& group, const Node& x) const;

  // A wide value that a few passes make of one value in memory, which is no wider, costs a write and saves
  // nothing: the kernels that need it make it again.
  struct Remake {
    int passes = 0;   // 0: it is not made again
    ValueId of = -1;  // the wide value in memory that it is made of; -1: none
  };

  void repeat_rather_than_store(const Group& group);
  bool is_wide(const Group& group, ValueId v) const;
  Remake remake_of(const Group& group, int n, const std::map<int, Remake>& remakes) const;
  // Can whatever else needs n's value have it in a kernel of its own over the same rows?
  bool all_users_repeat(const Group& group, int n) const;
  void fuse_from(int n);
  bool is_scalar_from_memory(const Node& x) const;
  // In memory, in the group, or in the instruction?
  bool available(const Group& group, ValueId v) const;
  void finish(Group& group);
  // Steps that no output hangs on: values that other kernels make again for themselves.
  static void drop_unused_steps(VectorKernel& kernel);
  // Erases what is marked -1; the marks of the others become their new places.
  template <class T>
  static void keep_marked(std::vector<T>& items, std::vector<int>& marks);
  Error does_not_fit(const Node& x) const;

  const Graph& graph_;
  const ChipConfig& chip_;
  Lowered out_;
  std::vector<std::vector<int>> users_;
  std::vector<int> producer_;
  std::vector<std::optional<View>> views_, destination_;
  std::vector<bool> kept_, done_;
  std::vector<bool> repeatable_;  // by node: done, and done again by every kernel that needs its value
  std::vector<std::pair<int, View>> late_copies_;
  std::map<std::string, Turned> turned_;  // by the likeness of a product
};

}  // namespace leto::compiler
