// Which graphs are legal. Linear in nodes and operands: it runs after every pass.
#include <unordered_set>

#include "base/errors.h"
#include "compiler/graph.h"

namespace leto::compiler {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, std::string_view pass)
      : graph_(graph), pass_(pass), defined_(graph.values.size(), false) {}
  void run();

 private:
  void require(bool holds, std::string_view place, std::string_view rule) const {
    if (!holds) {
      throw Error(ExitCode::internal,
                  fmt::format("after pass '{}': '{}' breaks the rule: {}", pass_, place, rule),
                  "this is a defect of the pass; report it with the model and recipe");
    }
  }
  bool valid(ValueId id) const { return id >= 0 && static_cast<std::size_t>(id) < graph_.values.size(); }
  bool ready(ValueId id) const { return valid(id) && defined_[static_cast<std::size_t>(id)]; }
  void leaf(const Value& v) const;
  void values();
  void node(const Node& n);
  void results() const;
  void updates() const;

  const Graph& graph_;
  std::string_view pass_;
  std::vector<bool> defined_;
};

void Verifier::leaf(const Value& v) const {
  for (const std::int64_t d : v.type.shape) {
    require(d >= 1, v.name, "dimensions are positive");
  }
  const auto n = static_cast<std::size_t>(elements(v.type));
  require(v.data.empty() || v.data.size() == n, v.name, "data has as many numbers as the type has elements");
  require(v.role != Role::constant || !v.data.empty(), v.name, "a constant has data");
  require(!v.drawn || v.data.empty(), v.name, "a value is either drawn or has data");
  require(!v.drawn || v.role == Role::parameter || v.role == Role::state, v.name,
          "only parameters and state are drawn");
  require(v.deviation >= 0, v.name, "the deviation is not negative");
  require(v.limit >= 0 && (v.limit == 0 || !is_float(v.type.dtype)), v.name,
          "only integer values have a limit");
}

void Verifier::values() {
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    const Value& v = graph_.values[i];
    require(!v.name.empty(), "(unnamed value)", "values have names");
    require(names.insert(v.name).second, v.name, "names are unique");
    if (v.role != Role::intermediate) {
      leaf(v);
      defined_[i] = true;
    } else {
      require(v.data.empty() && !v.drawn, v.name, "intermediate values have no data");
    }
  }
}

void Verifier::node(const Node& n) {
  require(!n.name.empty(), name_of(n.op), "operations have names");
  for (const ValueId id : n.inputs) {
    require(valid(id), n.name, "operands are values of the graph");
    require(ready(id), n.name, "operands are defined before they are used");
  }
  require(valid(n.output), n.name, "the output is a value of the graph");
  const Value& out = graph_.value(n.output);
  require(out.role == Role::intermediate, n.name, "operations produce intermediate values");
  require(!ready(n.output), n.name, "a value is produced once");
  for (const std::int64_t d : out.type.shape) {
    require(d >= 1, n.name, "dimensions are positive");
  }
  Type type;
  try {
    type = infer(graph_, n);
  } catch (const Error& e) {
    require(false, n.name, e.what());
  }
  require(type == out.type, n.name, "the output has the inferred type");
  defined_[static_cast<std::size_t>(n.output)] = true;
}

void Verifier::results() const {
  for (std::size_t i = 0; i < defined_.size(); ++i) {
    require(defined_[i], graph_.values[i].name, "intermediate values have an operation that produces them");
  }
  for (const ValueId id : graph_.outputs) {
    require(valid(id), "output", "outputs are values of the graph");
  }
  require(graph_.loss == -1 || valid(graph_.loss), "loss", "the loss is a value of the graph");
  require(graph_.loss == -1 || elements(graph_.value(graph_.loss).type) == 1, "loss",
          "the loss is one number");
  require(graph_.tokens >= 0, graph_.name, "tokens are not negative");
}

void Verifier::updates() const {
  std::unordered_set<ValueId> seen;
  for (const auto& [state, next] : graph_.updates) {
    require(valid(state) && valid(next), "update", "updates name values of the graph");
    const Value& v = graph_.value(state);
    require(v.role == Role::parameter || v.role == Role::state, v.name,
            "only parameters and state are updated");
    require(v.type == graph_.value(next).type, v.name, "an update keeps the type");
    require(seen.insert(state).second, v.name, "a value is updated once");
  }
}

void Verifier::run() {
  values();
  for (const Node& n : graph_.nodes) {
    node(n);
  }
  results();
  updates();
}

}  // namespace

void verify(const Graph& graph, std::string_view after_pass) {
  Verifier(graph, after_pass).run();
}

}  // namespace leto::compiler
