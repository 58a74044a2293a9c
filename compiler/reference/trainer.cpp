#include "compiler/reference/trainer.h"

#include "compiler/reference/initial.h"

namespace leto::compiler {

Trainer::Trainer(const Graph& step, std::uint64_t seed) : graph_(step) {
  for (const Value& v : step.values) {
    if (v.role == Role::parameter || v.role == Role::state) {
      state_[v.name] = initial_content(v, seed);
    }
  }
}

Values Trainer::step(const Values& inputs) {
  Values all = state_;
  all.insert(inputs.begin(), inputs.end());
  Values out = evaluate(graph_, all);
  for (const auto& [state, next] : graph_.updates) {
    state_[graph_.value(state).name] = std::move(out[graph_.value(state).name]);
    out.erase(graph_.value(state).name);
  }
  return out;
}

}  // namespace leto::compiler
