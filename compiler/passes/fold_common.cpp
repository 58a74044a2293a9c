// Common subexpressions by value numbering: two results have one number when their operations, attributes and
// operands' numbers are equal, even if only one of them is worth sharing.
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/hash.h"
#include "compiler/ops.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/rewriter.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kCheapElements = 4096;  // smaller values are shared whatever the phase

void append(std::string& key, const void* data, std::size_t bytes) {
  key.append(static_cast<const char*>(data), bytes);
}

template <typename T>
void append(std::string& key, const T& x) {
  append(key, &x, sizeof x);
}

struct AppendAttribute {
  std::string& key;
  void operator()(std::int64_t x) const { append(key, x); }
  void operator()(double x) const { append(key, x); }
  void operator()(const std::string& x) const {
    append(key, x.size());
    key += x;
  }
  void operator()(const std::vector<std::int64_t>& x) const {
    append(key, x.size());
    append(key, x.data(), x.size() * sizeof x[0]);
  }
};

void append_type(std::string& key, const Type& type) {
  append(key, type.dtype);
  append(key, type.shape.size());
  append(key, type.shape.data(), type.shape.size() * sizeof(std::int64_t));
}

class Numbering {
 public:
  explicit Numbering(const Graph& graph) : graph_(graph), rewriter_(graph), number_(graph.values.size()) {}
  Graph run();

 private:
  void number_leaves();
  std::string key_of(const Node& node) const;
  bool worth_sharing(const Node& node, const Node& leader) const;
  ValueId& number(ValueId id) { return number_[static_cast<std::size_t>(id)]; }

  const Graph& graph_;
  Rewriter rewriter_;
  std::vector<ValueId> number_;  // the first value that holds the same
  std::unordered_map<std::string, const Node*> seen_;
};

bool same_constant(const Value& a, const Value& b) {
  return a.type == b.type && a.data.size() == b.data.size() &&
         std::memcmp(a.data.data(), b.data.data(), a.data.size() * sizeof(float)) == 0;
}

void Numbering::number_leaves() {
  std::unordered_multimap<std::uint64_t, ValueId> constants;  // by a hash of their content
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const Value& v = graph_.values[i];
    number_[i] = id;
    if (v.role != Role::constant) continue;
    const auto hash = fnv1a(std::as_bytes(std::span(v.data)));
    const auto [first, last] = constants.equal_range(hash);
    const auto equal = std::find_if(
        first, last, [&](const auto& entry) { return same_constant(graph_.value(entry.second), v); });
    if (equal == last)
      constants.emplace(hash, id);
    else
      number_[i] = equal->second;
    rewriter_.map(id, rewriter_[number_[i]]);
  }
}

std::string Numbering::key_of(const Node& node) const {
  std::string key;
  append(key, node.op);
  append_type(key, graph_.value(node.output).type);
  for (const ValueId id : node.inputs) {
    append(key, number_[static_cast<std::size_t>(id)]);
  }
  for (const auto& [name, value] : node.attributes) {
    if (name == "dtype") {
      continue;  // the output's type says it
    }
    append(key, name.size());
    key += name;
    append(key, value.index());
    std::visit(AppendAttribute{key}, value);
  }
  return key;
}

// Keeping a large elementwise result alive from the forward to the backward phase costs a write and a read of
// memory; computing it again from its operand costs that operand's read.
bool Numbering::worth_sharing(const Node& node, const Node& leader) const {
  const bool across = leader.phase <= Phase::loss && node.phase > Phase::loss;
  const Type& type = graph_.value(node.output).type;
  const bool small = elements(type) <= kCheapElements || type.shape.back() == 1;  // or one number a row
  return !across || small || !(is_elementwise(node.op) || node.op == Op::is_class);
}

Graph Numbering::run() {
  number_leaves();
  for (const Node& node : graph_.nodes) {
    const auto [it, first] = seen_.try_emplace(key_of(node), &node);
    const Node*& leader = it->second;
    if (!first && worth_sharing(node, *leader)) {
      rewriter_.replace(node.output, rewriter_[leader->output]);
      number(node.output) = number(leader->output);
      continue;
    }
    rewriter_.copy(node);
    number(node.output) = first ? node.output : number(leader->output);
    leader = &node;  // later equals share the nearest
  }
  return rewriter_.finish();
}

}  // namespace

Graph common_subexpressions(const Graph& graph) {
  return Numbering(graph).run();
}

Graph dead_code(const Graph& graph) {
  std::vector<bool> live(graph.values.size(), false);
  const auto mark = [&](ValueId id) { live[static_cast<std::size_t>(id)] = true; };
  std::for_each(graph.outputs.begin(), graph.outputs.end(), mark);
  for (const auto& [state, next] : graph.updates) {
    mark(state);
    mark(next);
  }
  if (graph.loss >= 0) {
    mark(graph.loss);
  }
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (live[static_cast<std::size_t>(node->output)]) {
      std::for_each(node->inputs.begin(), node->inputs.end(), mark);
    }
  }
  for (std::size_t i = 0; i < live.size(); ++i) {
    live[i] = live[i] || graph.values[i].role == Role::input;
  }
  Rewriter rewriter(graph, live);
  for (const Node& node : graph.nodes) {
    if (live[static_cast<std::size_t>(node.output)]) {
      rewriter.copy(node);
    }
  }
  return rewriter.finish();
}

}  // namespace leto::compiler
