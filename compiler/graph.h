// The graph IR: a whole training step as typed SSA. Read ops.inc for what an operation means.
//
//   graph "mlp" tokens=32
//   %x: bf16[32,64] = input
//   %w: fp32[64,64] = parameter
//   %h: bf16[32,64] = matmul(%x, %w) {trans_b=1} phase=forward name="fc1"
//   update %w = %w.new
//   output %h
//
// The text form prints and parses (text.h); verify.h says which graphs are legal and runs after every pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/dtypes.h"

namespace leto::compiler {

using ValueId = std::int32_t;

struct Type {
  DType dtype = DType::fp32;
  std::vector<std::int64_t> shape;
  bool operator==(const Type&) const = default;
};
std::int64_t elements(const Type& type);

enum class Op : std::uint8_t {
#define OP(name, ...) name,
#include "compiler/ops.inc"
#undef OP
};
std::string_view name_of(Op op);
std::optional<Op> op_from_name(std::string_view name);

enum class Role : std::uint8_t { intermediate, input, parameter, state, constant };
enum class Phase : std::uint8_t { forward, loss, backward, optimizer };
std::string_view name_of(Role role);
std::string_view name_of(Phase phase);

struct Value {
  std::string name;  // unique in the graph
  Type type;
  Role role = Role::intermediate;
  std::int64_t limit = 0;   // index inputs: values are in [0, limit)
  std::vector<float> data;  // constants, and initial values of parameters/state when they are known
  // Parameters without data (large zoo models): drawn when values are on; normal(mean, deviation) from the
  // seed.
  double mean = 0, deviation = 0;
  bool drawn = false;
  bool operator==(const Value&) const = default;
};

using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>>;

struct Node {
  Op op;
  std::vector<ValueId> inputs;
  ValueId output = -1;  // every operation has one result
  std::map<std::string, Attribute> attributes;
  Phase phase = Phase::forward;
  std::string name;  // the model's name for the operation this came from

  std::int64_t integer(std::string_view key, std::int64_t otherwise = 0) const;
  double number(std::string_view key, double otherwise = 0) const;
  const std::vector<std::int64_t>& list(std::string_view key) const;  // throws if absent
  bool has(std::string_view key) const { return attributes.contains(std::string(key)); }
  bool operator==(const Node&) const = default;
};

/// The names in use, so that add_value stays cheap: a cache of Graph::values, no part of the graph's meaning.
class NameIndex {
 public:
  /// A name made from `hint` that no value has; `hint` itself when it is free.
  std::string claim(const std::vector<Value>& values, std::string_view hint);
  /// `name` is never claimed.
  void reserve(std::string_view name) { taken_.emplace(name); }
  bool operator==(const NameIndex&) const { return true; }

 private:
  std::unordered_set<std::string> taken_;
  std::map<std::string, int, std::less<>> next_;  // hint -> the number to try next
  std::size_t seen_ = 0;                          // values already in `taken_`
};

struct Graph {
  std::string name;
  std::int64_t tokens = 0;  // tokens or samples of a step
  std::vector<Value> values;
  std::vector<Node> nodes;       // in topological order
  std::vector<ValueId> outputs;  // kept for the host
  ValueId loss = -1;             // scalar, when the graph has one
  /// State that the step replaces in place: after the step, `first` holds what `second` holds.
  std::vector<std::pair<ValueId, ValueId>> updates;

  NameIndex names;

  bool operator==(const Graph&) const = default;
  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  /// Adds a value with a unique name made from `hint`.
  ValueId add_value(std::string_view hint, Type type, Role role = Role::intermediate);
  /// Appends a node; infers its output type (infer.h); returns the output.
  ValueId add(Op op, std::vector<ValueId> inputs, std::map<std::string, Attribute> attributes, Phase phase,
              std::string_view name);
  ValueId constant(std::string_view hint, Type type, std::vector<float> data);
  ValueId scalar(float x);  // an fp32 constant of shape []
};

/// Output type of a node; throws Error(bad_input) naming the node when its inputs do not fit.
Type infer(const Graph& graph, const Node& node);

/// Printing and parsing. parse(print(g)) == g bit for bit when node outputs have ascending ids (what passes
/// build); otherwise the same graph with its values renumbered so. Parse errors are Error(bad_input) with
/// where:line.
std::string print(const Graph& graph);
Graph parse(std::string_view text, std::string_view where);

/// Throws Error(internal) naming pass, node and rule when the graph is not legal.
void verify(const Graph& graph, std::string_view after_pass);

}  // namespace leto::compiler
