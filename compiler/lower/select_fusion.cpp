// Select: element-wise operations and row reductions, fused into vector kernels.
#include <algorithm>

#include "compiler/lower/selector.h"
#include "compiler/lower/vector_plan.h"

namespace leto::compiler {
namespace {

// Passes for one value at most: memory writes and reads two bytes an element in the time of about ten.
constexpr int kMostRepeatedPasses = 4;
// How far ahead of a kernel's first operation others are looked for: bounds both compile time and how long
// a value pulled forward stays alive.
constexpr int kFusionWindow = 64;

}  // namespace

using isa::VectorOp;

template <class T>
void Selector::keep_marked(std::vector<T>& items, std::vector<int>& marks) {
  int kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (marks[i] < 0) continue;
    marks[i] = kept;
    items[std::size_t(kept++)] = items[i];
  }
  items.resize(std::size_t(kept));
}

ValueId Selector::behind_reshapes(ValueId v) const {
  for (int p = producer_[std::size_t(v)]; p >= 0 && node(p).op == Op::reshape && !views_[std::size_t(v)];
       p = producer_[std::size_t(v)])
    v = node(p).inputs[0];
  return v;
}

std::optional<VectorKernel::Ref> Selector::resolve(Group& group, const Node& x, ValueId v) {
  using Ref = VectorKernel::Ref;
  if (is_immediate(v)) return Ref{Ref::Kind::immediate, 0};
  const auto wanted = space_of(group.shape);
  const ValueId base = behind_reshapes(v);
  const int p = producer_[std::size_t(base)];
  if (p >= 0 && group.step_of[std::size_t(p)] >= 0) {
    const int step = group.step_of[std::size_t(p)];
    const auto have = space_of(type(v).shape);
    const bool column = group.kernel.steps[std::size_t(step)].column;
    if (column ? (have == Space{wanted.rows, 1}) : (have == wanted)) return Ref{Ref::Kind::result, step};
    return std::nullopt;
  }
  if (!views_[std::size_t(v)]) return std::nullopt;
  View view = *views_[std::size_t(v)];
  Dims operation = x.op == Op::reduce_sum || x.op == Op::reduce_max ? type(v).shape : type(x.output).shape;
  if (x.op == Op::is_class) {
    view.shape.push_back(1);
    view.strides.push_back(0);
  }
  Dims target = group.shape;
  if (space_of(operation) == Space{wanted.rows, 1}) target.back() = 1;  // a column result
  auto fitted = reshaped(broadcast(view, operation), target);
  if (!fitted) return std::nullopt;
  const View over = broadcast(*fitted, group.shape);
  for (std::size_t i = 0; i < group.kernel.inputs.size(); ++i)
    if (group.kernel.inputs[i].view == over && group.inputs[i] == v) return Ref{Ref::Kind::input, int(i)};
  group.kernel.inputs.push_back({over, type(v).dtype});
  group.inputs.push_back(v);
  return Ref{Ref::Kind::input, int(group.kernel.inputs.size()) - 1};
}

bool Selector::try_add(Group& group, int n) {
  Group trial = group;
  if (!append(trial, n)) return false;
  VectorKernel whole = trial.kernel;
  whole.outputs = outputs_of(trial);
  if (!plan_vector(whole, chip_)) return false;
  group = std::move(trial);
  for (int added : group.nodes) done_[std::size_t(added)] = true;
  return true;
}

bool Selector::append(Group& group, int n) {
  for (auto v : node(n).inputs) {
    if (available(group, v)) continue;
    const int p = producer_[std::size_t(behind_reshapes(v))];
    if (p < 0 || (done_[std::size_t(p)] && !repeatable_[std::size_t(p)]) || !is_fusable(graph_, node(p)) ||
        !append(group, p))
      return false;
  }
  const auto step = step_for(group, node(n));
  if (!step) return false;
  group.step_of[std::size_t(n)] = merged(group, node(n), *step);
  group.nodes.push_back(n);
  return true;
}

std::optional<VectorKernel::Step> Selector::step_for(Group& group, const Node& x) {
  const auto wanted = space_of(group.shape);
  const bool reduce = is_row_reduce(graph_, x);
  const auto have = space_of(reduce ? type(x.inputs[0]).shape : type(x.output).shape);
  const bool column = reduce || (have == Space{wanted.rows, 1} && wanted.columns != 1);
  if (!(have == wanted) && !(column && !reduce)) return std::nullopt;
  VectorKernel::Step step;
  step.column = column;
  step.dtype = type(x.output).dtype;
  step.op = reduce ? VectorOp::copy : *vector_op(x.op);
  step.reduce = !reduce                  ? isa::Reduce::none
                : x.op == Op::reduce_sum ? isa::Reduce::row_sum
                                         : isa::Reduce::row_max;
  std::vector<VectorKernel::Ref> refs;
  for (auto v : x.inputs) {
    auto ref = resolve(group, x, v);
    if (!ref) return std::nullopt;
    if (ref->kind == VectorKernel::Ref::Kind::immediate) step.value = graph_.value(v).data[0];
    refs.push_back(*ref);
  }
  step.a = refs[0];
  if (refs.size() > 1) step.b = refs[1];
  if (x.op == Op::is_class) std::swap(step.a, step.b);  // column_is compares against b
  return step;
}

int Selector::merged(Group& group, const Node& x, const VectorKernel::Step& step) const {
  auto& steps = group.kernel.steps;
  if (const auto same = std::find(steps.begin(), steps.end(), step); same != steps.end())
    return int(same - steps.begin());
  if (reduces_in_passing(group, x, step)) {
    auto& operand = steps[std::size_t(step.a.index)];
    operand.reduce = step.reduce;
    operand.dtype = step.dtype;
    operand.column = true;
    return step.a.index;
  }
  steps.push_back(step);
  return int(steps.size()) - 1;
}

bool Selector::reduces_in_passing(const Group& group, const Node& x, const VectorKernel::Step& step) const {
  if (step.reduce == isa::Reduce::none || step.a.kind != VectorKernel::Ref::Kind::result) return false;
  const auto& operand = group.kernel.steps[std::size_t(step.a.index)];
  const auto v = std::size_t(x.inputs[0]);
  return operand.dtype == DType::fp32 && !operand.column && operand.reduce == isa::Reduce::none &&
         producer_[v] >= 0 && group.step_of[std::size_t(producer_[v])] == step.a.index &&
         users_[v].size() == 1 && !kept_[v] && !destination_[v] && makes_one_value(group, step.a.index);
}

bool Selector::makes_one_value(const Group& group, int step) const {
  return std::count_if(group.nodes.begin(), group.nodes.end(),
                       [&](int n) { return group.step_of[std::size_t(n)] == step; }) == 1;
}

bool Selector::needed_outside(const Group& group, ValueId v) const {
  return !repeatable_[std::size_t(producer_[std::size_t(v)])] && used_outside(group, v);
}

bool Selector::used_outside(const Group& group, ValueId v) const {
  if (kept_[std::size_t(v)] || destination_[std::size_t(v)]) return true;
  return std::any_of(users_[std::size_t(v)].begin(), users_[std::size_t(v)].end(), [&](int u) {
    if (group.step_of[std::size_t(u)] >= 0)
      return repeatable_[std::size_t(u)] && used_outside(group, node(u).output);
    return node(u).op != Op::reshape || done_[std::size_t(u)] || used_outside(group, node(u).output);
  });
}

std::vector<VectorKernel::Output> Selector::outputs_of(const Group& group) const {
  std::vector<VectorKernel::Output> outputs;
  for (int n : group.nodes) {
    const ValueId v = node(n).output;
    if (!needed_outside(group, v)) continue;
    const int step = group.step_of[std::size_t(n)];
    Dims shape = group.shape;
    if (group.kernel.steps[std::size_t(step)].column) shape.back() = 1;
    View view = dense_view(-1, shape);
    if (const auto& d = destination_[std::size_t(v)]) {
      if (auto fitted = reshaped(*d, shape)) view = *fitted;
    }
    outputs.push_back({step, {view, type(v).dtype}});
  }
  return outputs;
}

bool Selector::touches(const Group& group, const Node& x) const {
  return std::any_of(x.inputs.begin(), x.inputs.end(), [&](ValueId v) {
    const int p = producer_[std::size_t(behind_reshapes(v))];
    if (p >= 0 && (group.step_of[std::size_t(p)] >= 0 || group.within_reach[std::size_t(p)])) return true;
    return !is_immediate(v) && type(v).shape.size() > 1 &&
           std::find(group.inputs.begin(), group.inputs.end(), v) != group.inputs.end();
  });
}

void Selector::repeat_rather_than_store(const Group& group) {
  std::map<int, Remake> remakes;  // by node
  for (int n : group.nodes) {
    const Remake remake = remake_of(group, n, remakes);
    if (remake.passes > 0 && remake.passes <= kMostRepeatedPasses && all_users_repeat(group, n))
      remakes[n] = remake;
  }
  for (const auto& [n, remake] : remakes) repeatable_[std::size_t(n)] = true;
}

bool Selector::is_wide(const Group& group, ValueId v) const {
  return elements(type(v)) == product(group.shape) && group.shape.back() > 1;
}

Selector::Remake Selector::remake_of(const Group& group, int n, const std::map<int, Remake>& remakes) const {
  Remake made{1, -1};
  if (group.kernel.steps[std::size_t(group.step_of[std::size_t(n)])].column) return {};
  for (ValueId v : node(n).inputs) {
    if (!is_wide(group, v)) continue;  // an immediate, or read from memory at next to no cost
    const int p = producer_[std::size_t(behind_reshapes(v))];
    const auto inner = remakes.find(p);
    const bool stored = views_[std::size_t(v)] || used_outside(group, node(p).output);
    if (inner == remakes.end() && !stored) return {};
    made.passes += inner == remakes.end() ? 0 : inner->second.passes;
    const ValueId of = inner == remakes.end() ? v : inner->second.of;
    if (made.of >= 0 && of >= 0 && of != made.of) return {};
    made.of = of >= 0 ? of : made.of;
  }
  const bool wider = made.of >= 0 && size_of(type(made.of).dtype) > size_of(type(node(n).output).dtype);
  return wider ? Remake{} : made;
}

bool Selector::all_users_repeat(const Group& group, int n) const {
  const ValueId v = node(n).output;
  if (kept_[std::size_t(v)] || destination_[std::size_t(v)]) return false;
  const auto& users = users_[std::size_t(v)];
  return std::all_of(users.begin(), users.end(), [&](int u) {
    if (group.step_of[std::size_t(u)] >= 0) return true;
    const auto& space = type(is_row_reduce(graph_, node(u)) ? v : node(u).output).shape;
    return !done_[std::size_t(u)] && is_fusable(graph_, node(u)) && space_of(space) == space_of(group.shape);
  });
}

void Selector::fuse_from(int n) {
  Group group;
  const auto& x = node(n);
  group.shape = is_row_reduce(graph_, x) ? type(x.inputs[0]).shape : type(x.output).shape;
  if (group.shape.empty()) group.shape = {1};
  group.kernel.shape = group.shape;
  group.step_of.assign(graph_.nodes.size(), -1);
  group.within_reach.assign(graph_.nodes.size(), false);
  if (!try_add(group, n)) throw does_not_fit(x);
  for (int m = n + 1; m < std::min(int(graph_.nodes.size()), n + kFusionWindow); ++m) {
    if (done_[std::size_t(m)]) continue;
    if (is_view_op(node(m).op) && views_[std::size_t(node(m).inputs[0])]) move(m);
    if (!is_fusable(graph_, node(m))) continue;
    if (touches(group, node(m)))
      group.within_reach[std::size_t(m)] = !try_add(group, m);
    else if (is_scalar_from_memory(node(m)))
      fuse_from(m);  // ahead of this kernel, which would be cut in two where it needs the scalar
  }
  finish(group);
}

bool Selector::is_scalar_from_memory(const Node& x) const {
  return elements(type(x.output)) == 1 && std::all_of(x.inputs.begin(), x.inputs.end(), [&](ValueId v) {
           return is_immediate(v) || (views_[std::size_t(v)] && elements(type(v)) == 1);
         });
}

bool Selector::available(const Group& group, ValueId v) const {
  if (views_[std::size_t(v)] || is_immediate(v)) return true;
  const int p = producer_[std::size_t(behind_reshapes(v))];
  return p >= 0 && group.step_of[std::size_t(p)] >= 0;
}

void Selector::finish(Group& group) {
  repeat_rather_than_store(group);
  VectorKernel kernel = std::move(group.kernel);
  for (int n : group.nodes) {
    const ValueId v = node(n).output;
    if (!needed_outside(group, v)) continue;
    const int step = group.step_of[std::size_t(n)];
    Dims shape = group.shape;
    if (kernel.steps[std::size_t(step)].column) shape.back() = 1;
    View view = result_view(v);
    auto fitted = reshaped(view, shape);
    if (!fitted) {  // the destination's strides cannot be written in this shape: produce it dense, copy
                    // after
      destination_[std::size_t(v)].reset();
      late_copies_.push_back({n, view});
      fitted = reshaped(result_view(v), shape);
    }
    kernel.outputs.push_back({step, {*fitted, type(v).dtype}});
  }
  if (kernel.outputs.empty()) return;
  drop_unused_steps(kernel);
  const Node& first = node(group.nodes.front());
  emit(first, std::move(kernel));
  for (auto& [n, view] : late_copies_) {
    const ValueId v = node(n).output;
    copy(node(n), place_of(v), {view, type(v).dtype});
    views_[std::size_t(v)] = view;
  }
  late_copies_.clear();
}

void Selector::drop_unused_steps(VectorKernel& kernel) {
  using Ref = VectorKernel::Ref;
  std::vector<int> step_to(kernel.steps.size(), -1), input_to(kernel.inputs.size(), -1);
  for (const auto& o : kernel.outputs) step_to[std::size_t(o.step)] = 0;
  for (std::size_t s = kernel.steps.size(); s-- > 0;) {
    if (step_to[s] < 0) continue;
    for (const Ref& ref : {kernel.steps[s].a, kernel.steps[s].b}) {
      if (ref.kind == Ref::Kind::result) step_to[std::size_t(ref.index)] = 0;
      if (ref.kind == Ref::Kind::input) input_to[std::size_t(ref.index)] = 0;
    }
  }
  keep_marked(kernel.steps, step_to);
  keep_marked(kernel.inputs, input_to);
  const auto renumber = [&](Ref& ref) {
    if (ref.kind == Ref::Kind::result) ref.index = step_to[std::size_t(ref.index)];
    if (ref.kind == Ref::Kind::input) ref.index = input_to[std::size_t(ref.index)];
  };
  for (auto& step : kernel.steps) renumber(step.a), renumber(step.b);
  for (auto& o : kernel.outputs) o.step = step_to[std::size_t(o.step)];
}

Error Selector::does_not_fit(const Node& x) const {
  return Error(ExitCode::does_not_fit,
               fmt::format("{} ({}): one row of its tile does not fit the local store of {} bytes", x.name,
                           name_of(x.op), chip_.local_store.bytes),
               "use a chip with a larger local_store.bytes, or a model with shorter rows");
}

}  // namespace leto::compiler
