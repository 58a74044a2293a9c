// The reference interpreter: node after node, every result rounded to its stored type, values freed after
// their last use.
#include "base/errors.h"
#include "compiler/compiler.h"
#include "compiler/reference/initial.h"
#include "compiler/reference/kernels.h"
#include "compiler/row_plan.h"

namespace leto::compiler {
namespace {

constexpr std::uint64_t kDefaultSeed = 1;  // of parameters that the caller does not supply

/// T: as in kernels.h. Contents are by value name.
template <class T>
class Interpreter {
 public:
  explicit Interpreter(const Graph& graph)
      : graph_(graph), contents_(graph.values.size()), uses_(graph.values.size()) {
    count_uses();
  }
  std::map<std::string, reference::Array<T>> run(const std::map<std::string, reference::Array<T>>& inputs);

 private:
  using Contents = std::map<std::string, reference::Array<T>>;

  void count_uses();
  void load(ValueId id, const Contents& inputs);
  void plan(ValueId id, const PlannedInput& planned, const Contents& inputs);
  void compute(const Node& node);
  void release(ValueId id);
  std::size_t index(ValueId id) const { return static_cast<std::size_t>(id); }

  const Graph& graph_;
  std::vector<reference::Array<T>> contents_;
  std::vector<int> uses_;
};

template <class T>
void Interpreter<T>::count_uses() {
  for (const Node& n : graph_.nodes) {
    for (const ValueId id : n.inputs) {
      ++uses_[index(id)];
    }
  }
  for (const ValueId id : graph_.outputs) {
    ++uses_[index(id)];
  }
  for (const auto& [state, next] : graph_.updates) {
    ++uses_[index(next)];
  }
  if (graph_.loss >= 0) {
    ++uses_[index(graph_.loss)];
  }
}

template <class T>
void Interpreter<T>::load(ValueId id, const Contents& inputs) {
  const Value& v = graph_.value(id);
  const auto it = inputs.find(v.name);
  if (it == inputs.end()) {
    if (const auto planned = planned_input(v.name); planned && v.role == Role::input) {
      return plan(id, *planned, inputs);
    }
    if (v.role == Role::input) {
      throw Error(ExitCode::bad_input, fmt::format("input '{}' is not given", v.name),
                  "supply every input by name");
    }
    const std::vector<float> content = initial_content(v, kDefaultSeed);
    contents_[index(id)].assign(content.begin(), content.end());
    return;
  }
  if (it->second.size() != static_cast<std::size_t>(elements(v.type))) {
    throw Error(
        ExitCode::bad_input,
        fmt::format("'{}' has {} numbers, its type {} elements", v.name, it->second.size(), elements(v.type)),
        "give a tensor of the declared shape");
  }
  contents_[index(id)] = it->second;
  reference::round_to(v.type.dtype, contents_[index(id)]);
}

template <class T>
void Interpreter<T>::plan(ValueId id, const PlannedInput& planned, const Contents& inputs) {
  const auto it = inputs.find(planned.index_input);
  if (it == inputs.end()) {
    throw Error(ExitCode::bad_input, fmt::format("input '{}' is not given", planned.index_input),
                "supply every input by name");
  }
  const std::vector<std::int64_t> lookups(it->second.begin(), it->second.end());
  const std::vector<std::int64_t> part = planned.from(lookups);
  contents_[index(id)].assign(part.begin(), part.end());
}

template <class T>
void Interpreter<T>::release(ValueId id) {
  if (--uses_[index(id)] == 0) {
    contents_[index(id)] = {};
  }
}

template <class T>
void Interpreter<T>::compute(const Node& node) {
  std::vector<reference::Operand<T>> operands;
  for (const ValueId id : node.inputs) {
    operands.push_back({graph_.value(id).type, contents_[index(id)]});
  }
  const Type& out = graph_.value(node.output).type;
  reference::Array<T> result = reference::compute<T>({node, out, operands});
  reference::round_to(out.dtype, result);
  contents_[index(node.output)] = std::move(result);
  for (const ValueId id : node.inputs) {
    release(id);
  }
}

template <class T>
auto Interpreter<T>::run(const Contents& inputs) -> Contents {
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    if (graph_.values[i].role != Role::intermediate && uses_[i] > 0) {
      load(static_cast<ValueId>(i), inputs);
    }
  }
  for (const Node& n : graph_.nodes) {
    compute(n);
  }
  Contents out;
  for (const auto& [state, next] : graph_.updates) {
    out[graph_.value(state).name] = contents_[index(next)];
  }
  for (const ValueId id : graph_.outputs) {
    out[graph_.value(id).name] = contents_[index(id)];
  }
  if (graph_.loss >= 0) {
    out[graph_.value(graph_.loss).name] = contents_[index(graph_.loss)];
  }
  return out;
}

}  // namespace

Values evaluate(const Graph& graph, const Values& inputs) {
  return Interpreter<float>(graph).run(inputs);
}

WideValues evaluate_wide(const Graph& graph, const WideValues& inputs) {
  return Interpreter<double>(graph).run(inputs);
}

}  // namespace leto::compiler
