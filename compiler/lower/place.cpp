#include "compiler/lower/place.h"
#include "compiler/lower/rounding.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::compiler {
namespace {

// Storages start at multiples of this: a DRAM row and an interleave unit of every chip divide it.
constexpr std::int64_t kAlignment = 4096;

std::int64_t whole(std::int64_t bytes) {
  return aligned(bytes, kAlignment);
}

/// First fit over the blocks that are alive at the same time.
class Arena {
 public:
  explicit Arena(std::int64_t capacity) : capacity_(capacity) {}

  std::optional<std::int64_t> take(std::int64_t bytes, int first, int last) {
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    for (const auto& b : blocks_)
      if (b.first <= last && first <= b.last) taken.emplace_back(b.begin, b.end);
    std::sort(taken.begin(), taken.end());
    std::int64_t at = 0;
    for (auto [begin, end] : taken) {
      if (begin - at >= bytes) break;
      at = std::max(at, end);
    }
    if (at + bytes > capacity_) return std::nullopt;
    blocks_.push_back({at, at + bytes, first, last});
    peak_ = std::max(peak_, at + bytes);
    return at;
  }
  std::int64_t peak() const { return peak_; }

 private:
  struct Block {
    std::int64_t begin, end;
    int first, last;
  };
  std::int64_t capacity_, peak_ = 0;
  std::vector<Block> blocks_;
};

void find_lifetimes(Lowered& lowered) {
  for (int k = 0; k < int(lowered.kernels.size()); ++k)
    for (Place* place : places(lowered.kernels[std::size_t(k)])) {
      auto& s = lowered.storages[std::size_t(place->view.storage)];
      if (s.first < 0) s.first = k;
      s.last = k;
    }
  for (auto& s : lowered.storages)
    if (s.pinned) s.first = 0, s.last = int(lowered.kernels.size());
}

class Placer {
 public:
  Placer(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident)
      : lowered_(lowered),
        graph_(graph),
        resident_(resident),
        hbm_(chip.hbm.bytes),
        sram_(scratch_bytes(chip.sram)) {
    fit_.hbm_capacity = chip.hbm.bytes;
    fit_.sram_capacity = scratch_bytes(chip.sram);
  }

  MemoryFit run() {
    find_lifetimes(lowered_);
    for (auto& s : lowered_.storages)
      if (used(s) && s.pinned) pin(s);
    fit_.hbm_pinned = hbm_.peak();
    for (auto* s : by_lifetime())
      if (auto at = sram_.take(whole(s->bytes()), s->first, s->last))
        s->address = isa::kSramBase + std::uint64_t(*at);
      else
        take_hbm(*s);
    fit_.hbm_peak = hbm_.peak();
    fit_.sram_peak = sram_.peak();
    return fit_;
  }

 private:
  static bool used(const Storage& s) { return s.elements > 0 && (s.pinned || s.first >= 0); }

  // Inputs and outputs count as activations; parameters and state stay in HBM unless everything is resident.
  bool wants_sram(const Storage& s) const {
    if (resident_ == Resident::all) return true;
    const auto role = graph_.value(s.value).role;
    return resident_ == Resident::activations && (role == Role::input || role == Role::intermediate);
  }

  void pin(Storage& s) {
    if (!wants_sram(s)) return take_hbm(s);
    const auto at = sram_.take(whole(s.bytes()), s.first, s.last);
    if (!at)
      throw Error(
          ExitCode::does_not_fit,
          fmt::format("'{}' ({} bytes) does not fit the {} bytes of scratch SRAM that --resident asks for",
                      graph_.value(s.value).name, s.bytes(), fit_.sram_capacity),
          "use --resident none, a smaller batch, or a chip with a larger sram.bytes");
    s.address = isa::kSramBase + std::uint64_t(*at);
  }

  void take_hbm(Storage& s) {
    const auto at = hbm_.take(whole(s.bytes()), s.first, s.last);
    if (!at)
      throw Error(
          ExitCode::does_not_fit,
          fmt::format(
              "'{}' ({} bytes) does not fit: {} of {} bytes of device memory are taken while it lives",
              graph_.value(s.value).name, s.bytes(), hbm_.peak(), fit_.hbm_capacity),
          "use a smaller batch or sequence, or a chip with a larger hbm.bytes");
    s.address = std::uint64_t(*at);
    if (s.bytes() > largest_) {
      largest_ = s.bytes();
      fit_.peak_holder = graph_.value(s.value).name;
    }
  }

  // Short-lived first: they gain most from SRAM per byte and kernel.
  std::vector<Storage*> by_lifetime() {
    std::vector<Storage*> list;
    for (auto& s : lowered_.storages)
      if (used(s) && !s.pinned) list.push_back(&s);
    std::stable_sort(list.begin(), list.end(), [](const Storage* a, const Storage* b) {
      return a->last - a->first < b->last - b->first;
    });
    return list;
  }

  Lowered& lowered_;
  const Graph& graph_;
  Resident resident_;
  Arena hbm_, sram_;
  MemoryFit fit_;
  std::int64_t largest_ = 0;
};

}  // namespace

MemoryFit place(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident) {
  return Placer(lowered, graph, chip, resident).run();
}

}  // namespace leto::compiler
