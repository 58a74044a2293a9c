#include "compiler/graph.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::compiler {
namespace {

constexpr std::string_view kRoles[] = {"intermediate", "input", "parameter", "state", "constant"};
constexpr std::string_view kPhases[] = {"forward", "loss", "backward", "optimizer"};

}  // namespace

std::string_view name_of(Role role) {
  return kRoles[static_cast<std::size_t>(role)];
}
std::string_view name_of(Phase phase) {
  return kPhases[static_cast<std::size_t>(phase)];
}

std::int64_t elements(const Type& type) {
  std::int64_t n = 1;
  for (const std::int64_t d : type.shape) {
    n *= d;
  }
  return n;
}

std::int64_t Node::integer(std::string_view key, std::int64_t otherwise) const {
  const auto it = attributes.find(std::string(key));
  const auto* x = it == attributes.end() ? nullptr : std::get_if<std::int64_t>(&it->second);
  return x ? *x : otherwise;
}

double Node::number(std::string_view key, double otherwise) const {
  const auto it = attributes.find(std::string(key));
  if (it == attributes.end()) {
    return otherwise;
  }
  if (const auto* x = std::get_if<double>(&it->second)) {
    return *x;
  }
  const auto* i = std::get_if<std::int64_t>(&it->second);
  return i ? static_cast<double>(*i) : otherwise;
}

const std::vector<std::int64_t>& Node::list(std::string_view key) const {
  const auto it = attributes.find(std::string(key));
  const auto* x = it == attributes.end() ? nullptr : std::get_if<std::vector<std::int64_t>>(&it->second);
  if (!x) {
    throw Error(ExitCode::bad_input,
                fmt::format("operation '{}' ({}) has no list attribute '{}'", name, name_of(op), key),
                "give the attribute as [a,b,…]");
  }
  return *x;
}

std::string NameIndex::claim(const std::vector<Value>& values, std::string_view hint) {
  if (seen_ > values.size()) {  // values were removed: start over
    taken_.clear();
    next_.clear();
    seen_ = 0;
  }
  for (; seen_ < values.size(); ++seen_) {
    taken_.insert(values[seen_].name);
  }
  std::string name(hint.empty() ? std::string_view("value") : hint);
  if (taken_.contains(name)) {
    int& next = next_.try_emplace(name, 1).first->second;
    const std::string stem = name;
    do {
      name = fmt::format("{}.{}", stem, next++);
    } while (taken_.contains(name));
  }
  return name;
}

ValueId Graph::add_value(std::string_view hint, Type type, Role role) {
  Value v;
  v.name = names.claim(values, hint);
  v.type = std::move(type);
  v.role = role;
  values.push_back(std::move(v));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add(Op op, std::vector<ValueId> inputs, std::map<std::string, Attribute> attributes,
                   Phase phase, std::string_view node_name) {
  Node node{op, std::move(inputs), -1, std::move(attributes), phase, std::string(node_name)};
  Type type = infer(*this, node);
  node.output = add_value(node_name.empty() ? name_of(op) : node_name, std::move(type));
  nodes.push_back(std::move(node));
  return nodes.back().output;
}

ValueId Graph::constant(std::string_view hint, Type type, std::vector<float> data) {
  const ValueId id = add_value(hint, std::move(type), Role::constant);
  value(id).data = std::move(data);
  return id;
}

ValueId Graph::scalar(float x) {
  return constant("c", Type{DType::fp32, {}}, {x});
}

}  // namespace leto::compiler
