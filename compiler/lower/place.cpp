#include "compiler/lower/place.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/errors.h"
#include "compiler/lower/rounding.h"
#include "compiler/ops.h"

namespace leto::compiler {
namespace {

std::int64_t whole(std::int64_t bytes) {
  return aligned(bytes, kStorageAlignment);
}

bool used(const Storage& s) {
  return s.elements > 0 && (s.pinned || s.first >= 0);
}

/// Bytes that must lie together, each part alive for a time of its own.
struct Part {
  std::int64_t at, bytes;  // from the first byte of all
  int first, last;
};

/// First fit over the blocks that are alive at the same time.
class Arena {
 public:
  explicit Arena(std::int64_t capacity) : capacity_(capacity) {}

  std::optional<std::int64_t> take(const std::vector<Part>& parts) {
    std::int64_t extent = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> closed;  // between them nothing can start
    for (const auto& p : parts) {
      extent = std::max(extent, p.at + p.bytes);
      for (const auto& b : blocks_)
        if (b.first <= p.last && p.first <= b.last)
          closed.emplace_back(b.at - p.at - p.bytes, b.at + b.bytes - p.at);
    }
    std::sort(closed.begin(), closed.end());
    std::int64_t at = 0;
    for (auto [begin, end] : closed) {
      if (begin >= at) break;
      at = std::max(at, end);
    }
    if (at + extent > capacity_) return std::nullopt;
    for (const auto& p : parts) blocks_.push_back({at + p.at, p.bytes, p.first, p.last});
    peak_ = std::max(peak_, at + extent);
    return at;
  }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t capacity_, peak_ = 0;
  std::vector<Part> blocks_;  // at: from the first byte of the memory
};

/// Storages whose addresses hang together: one alone, or a family of a loop.
struct Group {
  std::vector<Family::Member> members;
  int first_frame = 0;
  std::int64_t slot = 0;  // bytes that a member takes at most
  int longest = 0;        // life of a member, in kernels
  bool pinned = false;
  bool framed = false;  // its members lie in frames of their own
  std::size_t cluster = 0;
};

class Placer {
 public:
  Placer(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident,
         const Repeats& repeats)
      : lowered_(lowered),
        graph_(graph),
        resident_(resident),
        hbm_(chip.hbm.bytes),
        sram_(scratch_bytes(chip.sram)) {
    fit_.hbm_capacity = chip.hbm.bytes;
    fit_.sram_capacity = scratch_bytes(chip.sram);
    make_groups(repeats);
  }

  MemoryFit run() {
    for (const auto& g : groups_)
      if (g.pinned && wants_sram(g)) pin_in_sram(g);
    std::vector<const Group*> framed, alone;
    for (const auto& g : groups_)
      if (g.pinned && !wants_sram(g)) (g.framed ? framed : alone).push_back(&g);
    for (const auto* g : by_lifetime())
      if (!take_sram(*g)) (g->framed ? framed : alone).push_back(g);
    std::map<std::size_t, std::vector<const Group*>> clusters;
    for (const auto* g : framed) clusters[g->cluster].push_back(g);
    for (auto& [number, groups] : clusters) take_frames(std::move(groups));
    for (const auto* g : alone) take_hbm(*g);
    fit_.hbm_peak = hbm_.peak();
    fit_.sram_peak = sram_.peak();
    return fit_;
  }

 private:
  Storage& storage(const Family::Member& m) const { return lowered_.storages[std::size_t(m.storage)]; }

  void make_groups(const Repeats& repeats) {
    std::vector<bool> taken(lowered_.storages.size(), false);
    for (const auto& family : repeats.families) {
      add_group(family.members, family.cluster);
      for (const auto& m : family.members) taken[std::size_t(m.storage)] = true;
    }
    for (StorageId id = 0; id < StorageId(taken.size()); ++id)
      if (!taken[std::size_t(id)] && used(lowered_.storages[std::size_t(id)])) add_group({{id, 0}}, 0);
  }

  void add_group(std::vector<Family::Member> members, std::size_t cluster) {
    Group g{std::move(members)};
    g.cluster = cluster;
    g.first_frame = g.members[0].frame;
    for (const auto& m : g.members) {
      const Storage& s = storage(m);
      g.framed = g.framed || m.frame != g.members[0].frame;
      g.first_frame = std::min(g.first_frame, m.frame);
      g.slot = std::max(g.slot, whole(s.bytes()));
      g.longest = std::max(g.longest, s.last - s.first);
      g.pinned = g.pinned || s.pinned;
    }
    groups_.push_back(std::move(g));
  }

  // Inputs and outputs count as activations; parameters and state stay in HBM unless everything is resident.
  bool wants_sram(const Group& g) const {
    if (resident_ == Resident::all) return true;
    const auto role = graph_.value(storage(g.members[0]).value).role;
    return resident_ == Resident::activations && (role == Role::input || role == Role::intermediate);
  }

  std::vector<Part> parts(const Group& g, std::int64_t stride) const {
    std::vector<Part> out;
    for (const auto& m : g.members)
      out.push_back({(m.frame - g.first_frame) * stride, g.slot, storage(m).first, storage(m).last});
    return out;
  }

  void settle(const Group& g, std::uint64_t at, std::int64_t stride) {
    for (const auto& m : g.members)
      storage(m).address = at + std::uint64_t((m.frame - g.first_frame) * stride);
  }

  bool take_sram(const Group& g) {
    const auto at = sram_.take(parts(g, g.slot));
    if (at) settle(g, isa::kSramBase + std::uint64_t(*at), g.slot);
    return at.has_value();
  }

  void pin_in_sram(const Group& g) {
    if (take_sram(g)) return;
    const Storage& s = storage(g.members[0]);
    throw Error(
        ExitCode::does_not_fit,
        fmt::format("'{}' ({} bytes) does not fit the {} bytes of scratch SRAM that --resident asks for",
                    graph_.value(s.value).name, s.bytes(), fit_.sram_capacity),
        "use --resident none, a smaller batch, or a chip with a larger sram.bytes");
  }

  void take_hbm(const Group& g) {
    const auto at = hbm_.take(parts(g, 0));
    if (!at) no_room(storage(g.members[0]));
    settle(g, std::uint64_t(*at), 0);
    count(g);
  }

  // What a layer has in device memory is one frame, every layer's frame alike: within it a group has a place
  // that is free in each frame while its member there is alive.
  void take_frames(std::vector<const Group*> groups) {
    std::stable_sort(groups.begin(), groups.end(), [](const Group* a, const Group* b) {
      return std::pair(b->pinned, b->slot) < std::pair(a->pinned, a->slot);
    });
    Arena frame(fit_.hbm_capacity);
    const int program = int(lowered_.kernels.size()) + 1;  // what is alive in one frame meets no other
    std::vector<std::int64_t> places;
    for (const auto* g : groups) {
      auto all = parts(*g, 0);
      for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].first += g->members[i].frame * program;
        all[i].last += g->members[i].frame * program;
      }
      const auto at = frame.take(all);
      if (!at) no_room(storage(g->members[0]));
      places.push_back(*at);
    }
    lay_frames(groups, places, frame.peak());
  }

  void lay_frames(const std::vector<const Group*>& groups, std::vector<std::int64_t> places,
                  std::int64_t stride) {
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < groups.size(); ++i)
      lowest = std::min(lowest, places[i] += groups[i]->first_frame * stride);
    std::vector<Part> all;
    for (std::size_t i = 0; i < groups.size(); ++i)
      for (Part p : parts(*groups[i], stride)) {
        p.at += places[i] - lowest;
        all.push_back(p);
      }
    const auto at = hbm_.take(all);
    if (!at) no_room(storage(groups[0]->members[0]));
    for (std::size_t i = 0; i < groups.size(); ++i) {
      settle(*groups[i], std::uint64_t(*at + places[i] - lowest), stride);
      count(*groups[i]);
    }
  }

  /// What asked for room, what it shares its life with, and what would make room for the least: activations
  /// go with the micro batch, parameters and the optimizer's state only with the model.
  [[noreturn]] void no_room(const Storage& s) const {
    std::vector<const Storage*> holders;
    std::int64_t kept = 0, all = s.bytes(), tables = is_table(s) ? s.bytes() : 0;
    for (const auto& other : lowered_.storages) {
      const bool alive = other.pinned || (other.first <= s.last && s.first <= other.last);
      if (!used(other) || !alive || &other == &s || other.address >= isa::kSramBase) continue;
      holders.push_back(&other);
      all += other.bytes();
      if (is_table(other)) tables += other.bytes();
      const Role role = graph_.value(other.value).role;
      if (role == Role::parameter || role == Role::state) kept += other.bytes();
    }
    std::stable_sort(holders.begin(), holders.end(),
                     [](const Storage* a, const Storage* b) { return a->bytes() > b->bytes(); });
    std::string largest;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, holders.size()); ++i)
      largest +=
          fmt::format("{}'{}' {}", i ? ", " : "", graph_.value(holders[i]->value).name, holders[i]->bytes());
    const bool weights = 2 * kept > fit_.hbm_capacity;
    throw Error(
        ExitCode::does_not_fit,
        fmt::format(
            "'{}' ({} bytes) does not fit: {} of {} bytes of device memory are taken while it lives; {} "
            "bytes are parameters and optimizer state; the largest beside it: {}",
            graph_.value(s.value).name, s.bytes(), hbm_.peak(), fit_.hbm_capacity, kept,
            largest.empty() ? "none" : largest),
        2 * tables > fit_.hbm_capacity ? shard_remedy(tables, all - tables)
        : weights
            ? "use an optimizer with less state, fewer layers, or a chip with a larger hbm.bytes"
            : "split the batch (micro_batches in the recipe), use a smaller batch or sequence, or a chip "
              "with a "
              "larger hbm.bytes");
  }

  /// Are rows of it looked up?
  bool is_table(const Storage& s) const {
    return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& node) {
      return (is_bag(node.op) || node.op == Op::gather) && node.inputs[0] == s.value;
    });
  }

  std::string shard_remedy(std::int64_t tables, std::int64_t rest) const {
    const std::int64_t room = std::max<std::int64_t>(1, fit_.hbm_capacity - rest);
    return fmt::format(
        "divide the {} bytes of tables over chips: --shards {} or more (--shard-by table, row or column), or "
        "use a chip with a larger hbm.bytes",
        tables, std::max<std::int64_t>(2, (tables + room - 1) / room));
  }

  void count(const Group& g) {
    for (const auto& m : g.members) {
      const Storage& s = storage(m);
      if (s.pinned) fit_.hbm_pinned += whole(s.bytes());
      if (s.bytes() <= largest_) continue;
      largest_ = s.bytes();
      fit_.peak_holder = graph_.value(s.value).name;
    }
  }

  // Short-lived first: they gain most from SRAM per byte and kernel.
  std::vector<const Group*> by_lifetime() const {
    std::vector<const Group*> list;
    for (const auto& g : groups_)
      if (!g.pinned) list.push_back(&g);
    std::stable_sort(list.begin(), list.end(),
                     [](const Group* a, const Group* b) { return a->longest < b->longest; });
    return list;
  }

  Lowered& lowered_;
  const Graph& graph_;
  Resident resident_;
  Arena hbm_, sram_;
  MemoryFit fit_;
  std::vector<Group> groups_;
  std::int64_t largest_ = 0;
};

/// Do two kernels that follow each other do the same for different tables?
bool side_by_side(const Kernel& a, const Kernel& b) {
  const auto *sort_a = std::get_if<SortKernel>(&a.body), *sort_b = std::get_if<SortKernel>(&b.body);
  if (sort_a != nullptr && sort_b != nullptr) return sort_a->step == sort_b->step;
  return std::holds_alternative<UpdateKernel>(a.body) && std::holds_alternative<UpdateKernel>(b.body);
}

// What the first of them reads last is free only behind the last of them: the next one would have to wait for
// its bytes.
void keep_side_by_side(Lowered& lowered) {
  const auto& kernels = lowered.kernels;
  std::vector<int> end(kernels.size());
  for (int k = int(kernels.size()); k-- > 0;) {
    const auto i = std::size_t(k);
    end[i] = i + 1 < kernels.size() && side_by_side(kernels[i], kernels[i + 1]) ? end[i + 1] : k;
  }
  for (auto& s : lowered.storages)
    if (s.last >= 0) s.last = end[std::size_t(s.last)];
}

}  // namespace

void find_lifetimes(Lowered& lowered) {
  for (auto& s : lowered.storages) s.first = s.last = -1;
  for (int k = 0; k < int(lowered.kernels.size()); ++k)
    for (Place* place : places(lowered.kernels[std::size_t(k)])) {
      auto& s = lowered.storages[std::size_t(place->view.storage)];
      if (s.first < 0) s.first = k;
      s.last = k;
    }
  keep_side_by_side(lowered);
  for (auto& s : lowered.storages)
    if (s.pinned) s.first = 0, s.last = int(lowered.kernels.size());
}

std::vector<LiveBytes> live_bytes(const Lowered& lowered) {
  std::vector<LiveBytes> live(lowered.kernels.size() + 2);  // first what each kernel adds, then the sums
  for (const Storage& s : lowered.storages) {
    if (!used(s)) continue;
    const auto in = s.address < isa::kSramBase ? &LiveBytes::hbm : &LiveBytes::sram;
    live[std::size_t(s.first)].*in += whole(s.bytes());
    live[std::size_t(s.last) + 1].*in -= whole(s.bytes());
  }
  live.resize(lowered.kernels.size());
  for (std::size_t k = 1; k < live.size(); ++k) {
    live[k].hbm += live[k - 1].hbm;
    live[k].sram += live[k - 1].sram;
  }
  return live;
}

MemoryFit place(Lowered& lowered, const Graph& graph, const ChipConfig& chip, Resident resident,
                const Repeats& repeats) {
  return Placer(lowered, graph, chip, resident, repeats).run();
}

}  // namespace leto::compiler
