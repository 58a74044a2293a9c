#include "compiler/passes/rewriter.h"

namespace leto::compiler {

Rewriter::Rewriter(const Graph& from, const std::vector<bool>& keep)
    : from_(from), map_(from.values.size(), ValueId{-1}) {
  to_.name = from.name;
  to_.tokens = from.tokens;
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

void Rewriter::copy(const Node& node) { copy(node, node.attributes); }

void Rewriter::copy(const Node& node, std::map<std::string, Attribute> attributes) {
  replace(node.output, to_.add(node.op, mapped(node.inputs), std::move(attributes), node.phase, node.name));
}

void Rewriter::replace(ValueId old, ValueId id) {
  map(old, id);
  named_.resize(to_.values.size(), false);
  const auto i = static_cast<std::size_t>(id);
  if (to_.value(id).role == Role::intermediate && !named_[i]) {
    named_[i] = true;
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
