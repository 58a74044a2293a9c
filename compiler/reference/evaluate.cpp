// The reference interpreter: node after node, every result rounded to its stored type, values freed after
// their last use.
#include "base/errors.h"
#include "compiler/compiler.h"
#include "compiler/ops.h"
#include "compiler/reference/initial.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler {
namespace reference {

std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * shape[i];
  }
  return strides;
}

void round_to(DType type, Array& data) {
  if (type == DType::fp32) {
    return;
  }
  const auto n = static_cast<std::int64_t>(data.size());
  std::vector<std::byte> stored(data.size() * static_cast<std::size_t>(size_of(type)));
  store_elements(type, data.data(), stored.data(), n);
  load_elements(type, stored.data(), data.data(), n);
}

Array compute(const Node& node, const Type& out, const std::vector<Operand>& in) {
  if (is_reduction(node.op)) {
    return reduce(node, out, in[0]);
  }
  if (node.op == Op::matmul) {
    return matmul(node, out, in[0], in[1]);
  }
  if (is_attention(node.op)) {
    return attention(node, out, in);
  }
  if (is_composite(node.op)) {
    return composite(node, out, in);
  }
  return is_elementwise(node.op) ? elementwise(node, out, in) : movement(node, out, in);
}

}  // namespace reference

namespace {

constexpr std::uint64_t kDefaultSeed = 1;  // of parameters that the caller does not supply

class Interpreter {
 public:
  explicit Interpreter(const Graph& graph)
      : graph_(graph), contents_(graph.values.size()), uses_(graph.values.size()) {
    count_uses();
  }
  Values run(const Values& inputs);

 private:
  void count_uses();
  void load(ValueId id, const Values& inputs);
  void compute(const Node& node);
  void release(ValueId id);
  std::size_t index(ValueId id) const { return static_cast<std::size_t>(id); }

  const Graph& graph_;
  std::vector<std::vector<float>> contents_;
  std::vector<int> uses_;
};

void Interpreter::count_uses() {
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

void Interpreter::load(ValueId id, const Values& inputs) {
  const Value& v = graph_.value(id);
  const auto it = inputs.find(v.name);
  if (it == inputs.end()) {
    if (v.role == Role::input) {
      throw Error(ExitCode::bad_input, fmt::format("input '{}' is not given", v.name),
                  "supply every input by name");
    }
    contents_[index(id)] = initial_content(v, kDefaultSeed);
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

void Interpreter::release(ValueId id) {
  if (--uses_[index(id)] == 0) {
    contents_[index(id)] = {};
  }
}

void Interpreter::compute(const Node& node) {
  std::vector<reference::Operand> operands;
  for (const ValueId id : node.inputs) {
    operands.push_back({graph_.value(id).type, contents_[index(id)]});
  }
  const Type& out = graph_.value(node.output).type;
  std::vector<float> result = reference::compute(node, out, operands);
  reference::round_to(out.dtype, result);
  contents_[index(node.output)] = std::move(result);
  for (const ValueId id : node.inputs) {
    release(id);
  }
}

Values Interpreter::run(const Values& inputs) {
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    if (graph_.values[i].role != Role::intermediate && uses_[i] > 0) {
      load(static_cast<ValueId>(i), inputs);
    }
  }
  for (const Node& n : graph_.nodes) {
    compute(n);
  }
  Values out;
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
  return Interpreter(graph).run(inputs);
}

}  // namespace leto::compiler
