#include "compiler/lower/update.h"

#include <algorithm>

namespace leto::compiler {
namespace {

bool touches(const std::vector<const Place*>& places, StorageId id) {
  return std::any_of(places.begin(), places.end(), [&](const Place* p) { return p->view.storage == id; });
}

// Every read of `old` in the kernel is the same window as the write of `fresh`.
bool elementwise_on(const VectorKernel& kernel, StorageId old, StorageId fresh) {
  for (const auto& o : kernel.outputs) {
    if (o.place.view.storage != fresh) continue;
    if (kernel.steps[std::size_t(o.step)].column) return false;
    for (const auto& i : kernel.inputs)
      if (i.view.storage == old &&
          (i.view.strides != o.place.view.strides || i.view.offset != o.place.view.offset))
        return false;
  }
  return true;
}

// May the kernels that write `fresh` write `old` instead? They must read it element by element, and nobody
// may read the old content afterwards.
bool can_take_over(const Lowered& lowered, StorageId old, StorageId fresh) {
  bool written = false;
  for (const auto& kernel : lowered.kernels) {
    if (written && touches(reads(kernel), old)) return false;
    if (!touches(writes(kernel), fresh)) continue;
    const auto* v = std::get_if<VectorKernel>(&kernel.body);
    if (!v || !elementwise_on(*v, old, fresh)) return false;
    written = true;
  }
  return written;
}

bool take_over(Lowered& lowered, const Graph& graph, ValueId state, ValueId next) {
  const StorageId old = lowered.storage_of[std::size_t(state)], fresh = lowered.storage_of[std::size_t(next)];
  const auto& view = lowered.views[std::size_t(next)];
  if (fresh < 0 || !view || !is_dense(*view) || graph.value(next).role != Role::intermediate ||
      graph.value(state).type != graph.value(next).type || !can_take_over(lowered, old, fresh))
    return false;
  for (auto& kernel : lowered.kernels)
    for (Place* place : places(kernel))
      if (place->view.storage == fresh) place->view.storage = old;
  lowered.views[std::size_t(next)] = lowered.views[std::size_t(state)];
  lowered.storage_of[std::size_t(next)] = old;
  lowered.storages[std::size_t(fresh)].elements = 0;
  return true;
}

bool any_touched(const std::vector<const Place*>& some, const std::vector<const Place*>& others) {
  return std::any_of(some.begin(), some.end(),
                     [&](const Place* p) { return touches(others, p->view.storage); });
}

bool must_stay_ordered(const Kernel& a, const Kernel& b) {
  return any_touched(writes(a), reads(b)) || any_touched(writes(a), writes(b)) ||
         any_touched(reads(a), writes(b));
}

}  // namespace

void update_in_place(Lowered& lowered, const Graph& graph) {
  for (auto [state, next] : graph.updates) {
    if (lowered.views[std::size_t(next)] == lowered.views[std::size_t(state)]) continue;  // made in place
    if (take_over(lowered, graph, state, next)) continue;
    const auto place = [&](ValueId v) {
      return Place{*lowered.views[std::size_t(v)], graph.value(v).type.dtype};
    };
    lowered.kernels.push_back(
        {copy_kernel(place(next), place(state)), graph.value(state).name + ".update", Phase::optimizer, 0});
  }
}

void updates_last(Lowered& lowered) {
  auto& kernels = lowered.kernels;
  auto end = std::find_if(kernels.rbegin(), kernels.rend(), [](const Kernel& k) {
               return k.phase != Phase::optimizer;
             }).base();
  for (auto k = end; k != kernels.begin();) {
    --k;
    if (k->phase != Phase::optimizer ||
        std::any_of(k + 1, end, [&](const Kernel& later) { return must_stay_ordered(*k, later); }))
      continue;
    std::rotate(k, k + 1, end);
    --end;
  }
}

}  // namespace leto::compiler
