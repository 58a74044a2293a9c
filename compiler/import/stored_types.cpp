#include "compiler/import/stored_types.h"

#include <algorithm>

#include "base/errors.h"
#include "base/int8_rows.h"
#include "compiler/ops.h"
#include "compiler/passes/builder.h"
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
      if (type == DType::int8) return hold_rows(stored);
      stored.type.dtype = type;
      reference::round_to(type, stored.data);
      return;
    }
    throw Error(ExitCode::bad_input,
                fmt::format("metadata 'leto.dtype.{}' names no float input or initializer in use", name),
                "remove the entry, or write the name as the model has it");
  }

  static void hold_rows(Value& table) {
    auto& shape = table.type.shape;
    if (table.role != Role::parameter || shape.size() != 2 || shape[1] % kInt8RowAlignment != 0)
      throw Error(
          ExitCode::unsupported,
          fmt::format("metadata 'leto.dtype.{}': int8 is for tables [rows, width] that are stored, of a "
                      "width that is a multiple of {}",
                      table.name, kInt8RowAlignment),
          "leave the entry out, or pad the rows");
    if (!table.data.empty()) table.data = int8_rows(table.data, shape[1]);
    table.type.dtype = DType::int8;
    shape[1] += kInt8RowTail;
  }

  bool is_rows(ValueId old) {
    return held(old) && rewriter_.to().value(rewriter_[old]).type.dtype == DType::int8;
  }

  /// Rows of int8 are numbers again as soon as they are looked up: a bag of one row for each index.
  void look_up(const Node& node) {
    Builder b(rewriter_.to(), node.phase, node.name);
    const std::vector<ValueId> in = rewriter_.mapped(node.inputs);
    auto one = b.shape(in[1]);
    one.push_back(1);
    const std::string type(name_of(declared(node.output)));
    rewriter_.replace(node.output,
                      b.raw(Op::quantised_bag, {in[0], b.reshape(in[1], one)}, {{"dtype", type}}));
  }

  /// Elements stay what they are, and the first operand's type is the result's.
  static bool moves(Op op) { return op != Op::concat && (is_movement(op) || op == Op::gather); }

  void copy(const Node& node) {
    if (node.op == Op::gather && is_rows(node.inputs[0])) return look_up(node);
    for (const ValueId v : node.inputs)
      if (is_rows(v))
        throw Error(ExitCode::unsupported,
                    fmt::format("'{}' is a table of int8 rows, and {} ({}) does not look them up",
                                graph_.value(v).name, name_of(node.op), node.name),
                    fmt::format("leave metadata 'leto.dtype.{}' out", graph_.value(v).name));
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
