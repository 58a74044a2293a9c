// Building a graph from another, node by node: a pass maps what it replaces and copies the rest. Leaves keep
// their order and names; names of copied results stay; values nothing produces any more disappear.
#pragma once

#include "compiler/graph.h"

namespace leto::compiler {

class Rewriter {
 public:
  /// Copies name, tokens and the leaves that `keep` (by old id; empty = all) selects.
  explicit Rewriter(const Graph& from, const std::vector<bool>& keep = {});

  const Graph& from() const { return from_; }
  Graph& to() { return to_; }
  /// The new value of an old one.
  ValueId operator[](ValueId old) const { return map_[static_cast<std::size_t>(old)]; }
  /// Old value `old` is new value `id` from here on.
  void map(ValueId old, ValueId id) { map_[static_cast<std::size_t>(old)] = id; }
  std::vector<ValueId> mapped(const std::vector<ValueId>& old) const;
  /// Copies a node on mapped operands; its type is inferred anew.
  void copy(const Node& node);
  /// The same with other attributes.
  void copy(const Node& node, std::map<std::string, Attribute> attributes);
  /// Maps an old result to `id`, which takes the old name if it has none yet. Outputs and the loss keep their
  /// names in any case: by renaming `id`, or, where that is itself an output or a leaf, through a copy of it.
  void replace(ValueId old, ValueId id);
  /// Maps outputs, loss and updates; the graph is complete.
  Graph finish();

 private:
  const Graph& from_;
  Graph to_;
  std::vector<ValueId> map_;
  std::vector<bool> result_;  // old values that are outputs or the loss
  std::vector<bool> named_;   // new values that carry an old name
  std::vector<bool> fixed_;   // … that of an output or the loss
};

}  // namespace leto::compiler
