#include "compiler/import/stored_types.h"

#include <algorithm>

#include "base/errors.h"
#include "compiler/ops.h"
#include "compiler/passes/rewriter.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::import {
namespace {

class Holding {
 public:
  Holding(const Graph& graph, const std::map<std::string, DType>& types)
      : graph_(graph), rewriter_(graph), held_(graph.values.size(), false) {
    for (const auto& [name, type] : types) hold(name, type);
  }

  Graph run() {
    for (const Node& node : graph_.nodes) copy(node);
    return rewriter_.finish();
  }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }
  bool is_result(ValueId old) const {
    return std::find(graph_.outputs.begin(), graph_.outputs.end(), old) != graph_.outputs.end();
  }
  bool held(ValueId old) const { return held_[at(old)]; }
  DType declared(ValueId old) const { return graph_.value(old).type.dtype; }

  void hold(const std::string& name, DType type) {
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& v = graph_.values[i];
      if (v.name != name || (v.role != Role::input && v.role != Role::parameter) || !is_float(v.type.dtype))
        continue;
      held_[i] = true;
      Value& stored = rewriter_.to().value(rewriter_[static_cast<ValueId>(i)]);
      stored.type.dtype = type;
      reference::round_to(type, stored.data);
      return;
    }
    throw Error(ExitCode::bad_input,
                fmt::format("metadata 'leto.dtype.{}' names no float input or initializer in use", name),
                "remove the entry, or write the name as the model has it");
  }

  /// Elements stay what they are, and the first operand's type is the result's.
  static bool moves(Op op) { return op != Op::concat && (is_movement(op) || op == Op::gather); }

  void copy(const Node& node) {
    if (moves(node.op) && held(node.inputs[0]) && !is_result(node.output)) {
      held_[at(node.output)] = true;
      return rewriter_.copy(node);
    }
    std::vector<ValueId> in = rewriter_.mapped(node.inputs);
    auto attributes = node.attributes;
    if (node.op == Op::matmul && held(node.inputs[0]) && held(node.inputs[1]))
      attributes["dtype"] = std::string(name_of(declared(node.output)));
    else
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = as_declared(node.inputs[i]);
    rewriter_.replace(node.output,
                      rewriter_.to().add(node.op, in, std::move(attributes), node.phase, node.name));
  }

  ValueId as_declared(ValueId old) {
    const ValueId id = rewriter_[old];
    if (!held(old)) return id;
    const auto [it, first] = casts_.try_emplace(old, -1);
    if (first) {
      const std::string type(name_of(declared(old)));
      it->second = rewriter_.to().add(Op::cast, {id}, {{"dtype", type}}, Phase::forward,
                                      fmt::format("{}.{}", graph_.value(old).name, type));
    }
    return it->second;
  }

  const Graph& graph_;
  Rewriter rewriter_;
  std::vector<bool> held_;  // by old value: in memory in a type that the model does not declare
  std::map<ValueId, ValueId> casts_;
};

}  // namespace

Graph hold(const Graph& graph, const std::map<std::string, DType>& types) {
  return types.empty() ? graph : Holding(graph, types).run();
}

}  // namespace leto::compiler::import
