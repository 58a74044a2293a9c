#include "compiler/lower/tunables.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/hash.h"
#include "compiler/lower/attention_plan.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/likeness.h"
#include "compiler/lower/matmul_plan.h"
#include "compiler/lower/place.h"
#include "compiler/lower/rounding.h"
#include "compiler/lower/vector_plan.h"

namespace leto::compiler {
namespace {

bool has_plans(const Kernel& kernel) {
  return std::holds_alternative<MatmulKernel>(kernel.body) ||
         std::holds_alternative<VectorKernel>(kernel.body) ||
         std::holds_alternative<AttentionKernel>(kernel.body);
}

/// Elements of a storage that a view reaches: from `first` up to `end`.
struct Reach {
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), end = 0;
  void add(const View& view) {
    std::int64_t low = view.offset, high = view.offset;
    for (std::size_t i = 0; i < view.shape.size(); ++i)
      (view.strides[i] < 0 ? low : high) += (view.shape[i] - 1) * view.strides[i];
    first = std::min(first, low);
    end = std::max(end, high + 1);
  }
};

/// The kernel by itself: storages of what it touches and no more, one after the other, in the memory that
/// they are in.
class Alone {
 public:
  Alone(const Lowered& lowered, const Kernel& kernel) : from_(lowered) {
    out_.kernels.push_back(kernel);
    for (Place* place : places(out_.kernels[0])) reaches_[place->view.storage].add(place->view);
    for (Place* place : places(out_.kernels[0])) move(*place);
  }
  Lowered take() { return std::move(out_); }

 private:
  void move(Place& place) {
    const StorageId old = place.view.storage;
    const Reach& reach = reaches_.at(old);
    const std::int64_t line = kStorageAlignment / size_of(place.dtype), first = reach.first / line * line;
    const auto [known, is_new] = now_.try_emplace(old, StorageId(out_.storages.size()));
    if (is_new) {
      Storage storage;
      storage.elements = reach.end - first;
      storage.dtype = place.dtype;
      std::uint64_t& next = in_sram(from_, place) ? next_in_sram_ : next_;
      storage.address = next;
      next += std::uint64_t(aligned(storage.bytes(), kStorageAlignment));
      out_.storages.push_back(storage);
    }
    place.view.storage = known->second;
    place.view.offset -= first;
  }

  const Lowered& from_;
  Lowered out_;
  std::map<StorageId, Reach> reaches_;
  std::map<StorageId, StorageId> now_;
  std::uint64_t next_ = 0, next_in_sram_ = isa::kSramBase;
};

std::string text(const Lowered& lowered, const std::vector<const Place*>& places) {
  std::string text;
  for (const Place* place : places)
    text += fmt::format("{}{}[{}]{}", text.empty() ? "" : " ", name_of(place->dtype),
                        fmt::join(place->view.shape, ","), in_sram(lowered, *place) ? "@sram" : "");
  return text;
}

/// What people read, and a hash of all that makes kernels alike.
std::string name(const Lowered& alone) {
  const Kernel& kernel = alone.kernels[0];
  std::string likeness = compiler::likeness(kernel);
  for (const Storage& storage : alone.storages) likeness += storage.address >= isa::kSramBase ? 's' : 'm';
  return fmt::format("{} {} -> {} {:016x}", kind_of(kernel), text(alone, reads(kernel)),
                     text(alone, writes(kernel)), fnv1a(likeness));
}

int count(const Lowered& alone, const ChipConfig& chip, int most) {
  const Kernel& kernel = alone.kernels[0];
  if (const auto* k = std::get_if<MatmulKernel>(&kernel.body))
    return int(matmul_plans(placed_shape(alone, *k), chip, most).size());
  if (const auto* k = std::get_if<VectorKernel>(&kernel.body))
    return int(vector_plans(*k, chip, most).size());
  return int(attention_plans(shape_of(std::get<AttentionKernel>(kernel.body)), chip, most).size());
}

isa::Program program(const Lowered& alone, const ChipConfig& chip, const std::string& name, int candidate) {
  isa::Program program;
  program.name = name;
  program.chip = chip.name;
  emit_all(alone, {}, chip, {{name, candidate}}, program.code);
  return program;
}

}  // namespace

std::string tuning_name(const Lowered& lowered, const Kernel& kernel) {
  return has_plans(kernel) ? name(Alone(lowered, kernel).take()) : std::string();
}

std::vector<Tunable> tunables(const Lowered& lowered, const ChipConfig& chip, int most) {
  std::vector<Tunable> list;
  std::set<std::string> seen;
  for (const Kernel& kernel : lowered.kernels) {
    if (!has_plans(kernel)) continue;
    Lowered alone = Alone(lowered, kernel).take();
    const std::string name = compiler::name(alone);
    if (!seen.insert(name).second) continue;
    const int candidates = count(alone, chip, most);
    if (candidates < 2) continue;
    list.push_back({name, candidates, [alone = std::move(alone), &chip, name](int candidate) {
                      return program(alone, chip, name, candidate);
                    }});
  }
  return list;
}

}  // namespace leto::compiler
