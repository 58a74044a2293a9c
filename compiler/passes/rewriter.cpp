#include "compiler/passes/rewriter.h"

namespace leto::compiler {

Rewriter::Rewriter(const Graph& from, const std::vector<bool>& keep)
    : from_(from), map_(from.values.size(), ValueId{-1}), result_(from.values.size(), false) {
  to_.name = from.name;
  to_.tokens = from.tokens;
  for (const ValueId id : from.outputs) {
    result_[static_cast<std::size_t>(id)] = true;
  }
  if (from.loss >= 0) {
    result_[static_cast<std::size_t>(from.loss)] = true;
  }
  for (const Value& v : from.values) {
    to_.names.reserve(v.name);  // what the pass adds must not take a name that an old result still needs
  }
  for (std::size_t i = 0; i < from.values.size(); ++i) {
    if (from.values[i].role != Role::intermediate && (keep.empty() || keep[i])) {
      map_[i] = static_cast<ValueId>(to_.values.size());
      to_.values.push_back(from.values[i]);
    }
  }
}

std::vector<ValueId> Rewriter::mapped(const std::vector<ValueId>& old) const {
  std::vector<ValueId> out;
  for (const ValueId id : old) {
    out.push_back((*this)[id]);
  }
  return out;
}

void Rewriter::copy(const Node& node) {
  copy(node, node.attributes);
}

void Rewriter::copy(const Node& node, std::map<std::string, Attribute> attributes) {
  replace(node.output, to_.add(node.op, mapped(node.inputs), std::move(attributes), node.phase, node.name));
}

void Rewriter::replace(ValueId old, ValueId id) {
  const bool result = result_[static_cast<std::size_t>(old)];
  named_.resize(to_.values.size(), false);
  fixed_.resize(to_.values.size(), false);
  const bool leaf = to_.value(id).role != Role::intermediate;
  if (result && (leaf || fixed_[static_cast<std::size_t>(id)])) {
    const std::string type(name_of(to_.value(id).type.dtype));
    id = to_.add(Op::cast, {id}, {{"dtype", type}}, Phase::forward, from_.value(old).name);
    named_.push_back(false);
    fixed_.push_back(false);
  }
  map(old, id);
  const auto i = static_cast<std::size_t>(id);
  if (to_.value(id).role == Role::intermediate && (!named_[i] || result)) {
    named_[i] = true;
    fixed_[i] = result;
    to_.value(id).name = from_.value(old).name;
  }
}

Graph Rewriter::finish() {
  to_.names = {};
  for (const auto& [state, next] : from_.updates) {
    to_.updates.emplace_back((*this)[state], (*this)[next]);
  }
  to_.outputs = mapped(from_.outputs);
  to_.loss = from_.loss < 0 ? -1 : (*this)[from_.loss];
  return std::move(to_);
}

}  // namespace leto::compiler
