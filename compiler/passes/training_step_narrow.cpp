// Which values are bf16. One rule a kind of operation; training_step.h says the policy.
#include <algorithm>
#include <cstring>

#include "base/errors.h"
#include "compiler/ops.h"
#include "compiler/passes/rewriter.h"
#include "compiler/passes/training_step.h"

namespace leto::compiler {
namespace {

bool exact_in_bf16(const std::vector<float>& data) {
  return std::all_of(data.begin(), data.end(), [](float x) {
    const float y = float_from_bf16(bf16_from_float(x));
    return std::memcmp(&x, &y, sizeof x) == 0;
  });
}

/// Do all operands have one type? Then what is joined of them has it too.
std::optional<DType> common_type(const Graph& graph, const std::vector<ValueId>& operands) {
  const DType first = graph.value(operands.front()).type.dtype;
  const bool all = std::all_of(operands.begin(), operands.end(),
                               [&](ValueId id) { return graph.value(id).type.dtype == first; });
  return all ? std::optional(first) : std::nullopt;
}

/// lse and delta: operands of attention's gradients that are no matrices.
bool is_statistic(Op op, std::size_t operand) {
  return (op == Op::attention_dv && operand == 3) || (op == Op::attention_dscores && operand >= 4);
}

bool chooses_rows(Op op) {
  return op == Op::gather || is_bag(op);
}

class Narrowing {
 public:
  Narrowing(const Graph& graph, const Gradients& gradients)
      : graph_(graph),
        gradients_(gradients),
        rewriter_(graph),
        parameter_(graph.values.size(), false),
        activation_(graph.values.size(), false),
        only_reduced_(graph.values.size(), true),
        want_(graph.values.size()) {}
  Graph run();

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }
  void classify_leaves();
  void classify(const Node& node);
  void classify_all();
  void spread_goals();
  DType result_type(const Node& node) const;
  ValueId as(ValueId id, DType type, const Node& user);
  std::vector<ValueId> operands(const Node& node, DType result);
  void rewrite(const Node& node);

  const Graph& graph_;
  const Gradients& gradients_;
  Rewriter rewriter_;
  std::vector<bool> parameter_;             // a parameter, possibly moved
  std::vector<bool> activation_;            // depends on an input other than through reductions only
  std::vector<bool> only_reduced_;          // every use is a reduction
  std::vector<std::optional<DType>> want_;  // gradients: the type of what they are the gradient of
  std::map<std::pair<ValueId, DType>, ValueId> casts_;
};

void Narrowing::classify_leaves() {
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    const Value& v = graph_.values[i];
    parameter_[i] = v.role == Role::parameter;
    activation_[i] = v.role == Role::input;
    const auto id = static_cast<ValueId>(i);
    // Masks and tables: half the bytes where that loses nothing. Scalars become immediates anyway.
    if (v.role == Role::constant && v.type.dtype == DType::fp32 && v.data.size() > 1 &&
        exact_in_bf16(v.data)) {
      rewriter_.to().value(rewriter_[id]).type.dtype = DType::bf16;
    }
  }
}

void Narrowing::classify(const Node& node) {
  const auto out = at(node.output);
  const bool moves = is_movement(node.op) || node.op == Op::cast;
  bool any_activation = node.op == Op::matmul || chooses_rows(node.op) || is_attention(node.op);
  bool all_parameters = moves;
  for (const ValueId id : node.inputs) {
    any_activation = any_activation || activation_[at(id)];
    all_parameters = all_parameters && parameter_[at(id)];
    only_reduced_[at(id)] = only_reduced_[at(id)] && is_reduction(node.op);
  }
  parameter_[out] = all_parameters;
  activation_[out] = any_activation && !is_reduction(node.op);
}

void Narrowing::classify_all() {
  classify_leaves();
  for (const Node& node : graph_.nodes) {
    classify(node);
  }
  const auto keep = [&](ValueId id) { only_reduced_[at(id)] = false; };
  std::for_each(graph_.outputs.begin(), graph_.outputs.end(), keep);
}

// A gradient has the type of its value; one that is only moved into place had it before.
void Narrowing::spread_goals() {
  for (const auto& [gradient, value] : gradients_.goal) {
    want_[at(gradient)] = parameter_[at(value)] ? DType::fp32 : DType::bf16;
  }
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    if (is_movement(node->op) && want_[at(node->output)] && node->phase == Phase::backward) {
      auto& source = want_[at(node->inputs[0])];
      source = source ? source : want_[at(node->output)];
    }
  }
}

DType Narrowing::result_type(const Node& node) const {
  const auto out = at(node.output);
  if (node.op == Op::is_class || node.op == Op::attention_dscores) {
    return DType::bf16;  // zeros and ones are exact; what products take
  }
  if (node.op == Op::attention_lse) {
    return DType::fp32;
  }
  if (node.phase == Phase::optimizer || node.phase == Phase::loss) {
    return DType::fp32;
  }
  if (node.phase == Phase::backward) {
    return want_[out].value_or(DType::fp32);
  }
  if (node.op == Op::matmul || chooses_rows(node.op)) {
    return DType::bf16;
  }
  const bool wide = is_reduction(node.op) || !activation_[out] || only_reduced_[out];
  return wide ? DType::fp32 : DType::bf16;
}

/// The new value `id` in another type, cast once.
ValueId Narrowing::as(ValueId id, DType type, const Node& user) {
  const Value& v = rewriter_.to().value(id);
  if (v.type.dtype == type) {
    return id;
  }
  const auto [it, first] = casts_.try_emplace({id, type}, -1);
  if (first) {
    const std::string name = fmt::format("{}.{}", v.name, name_of(type));
    // A cast of a forward value belongs to the forward phase even when its first user does not.
    it->second =
        rewriter_.to().add(Op::cast, {id}, {{"dtype", std::string(name_of(type))}}, user.phase, name);
  }
  return it->second;
}

std::vector<ValueId> Narrowing::operands(const Node& node, DType result) {
  std::vector<ValueId> in = rewriter_.mapped(node.inputs);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const DType type = rewriter_.to().value(in[i]).type.dtype;
    const bool multiplied = node.op == Op::matmul || (is_attention(node.op) && !is_statistic(node.op, i));
    if ((multiplied && type == DType::fp32) || (node.op == Op::concat && is_float(type))) {
      in[i] = as(in[i], node.op == Op::concat ? result : DType::bf16, node);
    }
  }
  return in;
}

void Narrowing::rewrite(const Node& node) {
  Graph& to = rewriter_.to();
  if (!is_float(graph_.value(node.output).type.dtype)) {
    return rewriter_.copy(node);
  }
  DType type = result_type(node);
  if (node.op == Op::concat && node.phase == Phase::backward && !want_[at(node.output)]) {
    type = common_type(to, rewriter_.mapped(node.inputs)).value_or(type);
  }
  auto attributes = node.attributes;
  const TypeRule rule = facts(node.op).type;
  const bool typed = rule == TypeRule::chosen || rule == TypeRule::mask;
  if (typed) {
    attributes["dtype"] = std::string(name_of(type));
  }
  ValueId id = to.add(node.op, operands(node, type), std::move(attributes), node.phase, node.name);
  if (node.op == Op::gather) {  // rows of the fp32 master, narrowed once chosen
    id = as(id, type, node);
  }
  rewriter_.replace(node.output, id);
}

Graph Narrowing::run() {
  classify_all();
  spread_goals();
  for (const Node& node : graph_.nodes) {
    rewrite(node);
  }
  return rewriter_.finish();
}

}  // namespace

Graph narrow(const Graph& graph, const Gradients& gradients) {
  return Narrowing(graph, gradients).run();
}

}  // namespace leto::compiler
