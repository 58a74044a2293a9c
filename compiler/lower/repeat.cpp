#include "compiler/lower/repeat.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "compiler/lower/likeness.h"

namespace leto::compiler {
namespace {

// A loop that saves fewer kernels than this is not worth the addresses it binds.
constexpr int kLeastSaved = 8;

/// What is done for one embedding table after the other goes side by side on PEs of its own, or on in the
/// same buffers (emit.h). A loop's trips would all take the same PEs, and start anew.
bool is_of_a_table(const Kernel& kernel) {
  const auto* gather = std::get_if<GatherKernel>(&kernel.body);
  return (gather != nullptr && gather->least > 1) || std::holds_alternative<SortKernel>(kernel.body) ||
         std::holds_alternative<UpdateKernel>(kernel.body) || std::holds_alternative<BagKernel>(kernel.body);
}

std::vector<int> numbered_by_likeness(const Lowered& lowered) {
  std::unordered_map<std::string, int> numbers;
  std::vector<int> out;
  for (const auto& kernel : lowered.kernels)
    out.push_back(is_of_a_table(kernel)
                      ? -1 - int(out.size())  // like no other
                      : numbers.try_emplace(likeness(kernel), int(numbers.size())).first->second);
  return out;
}

/// The repeat within [begin, end) that saves most kernels; of those the one with the shortest period.
Repeat longest(const std::vector<int>& kind, int begin, int end) {
  Repeat best;
  int best_saved = 0;
  for (int period = 1; 2 * period <= end - begin; ++period) {
    int alike = 0;  // kernels before i, without a gap, that equal the one a period further on
    for (int i = begin; i + period <= end; ++i) {
      if (i + period < end && kind[std::size_t(i)] == kind[std::size_t(i + period)]) {
        ++alike;
        continue;
      }
      if (const int saved = alike / period * period; saved > best_saved)
        best_saved = saved, best = {i - alike, period, alike / period + 1};
      alike = 0;
    }
  }
  return best;
}

void find_all(const std::vector<int>& kind, int begin, int end, std::vector<Repeat>& out) {
  const Repeat r = longest(kind, begin, end);
  if ((r.trips - 1) * r.period < kLeastSaved) return;
  find_all(kind, begin, r.first, out);
  out.push_back(r);
  find_all(kind, r.end(), end, out);
}

/// The storages at one place of a repeat's stretches, trip by trip; not all the same one.
struct Sequence {
  std::size_t repeat;
  std::vector<StorageId> at;
  bool operator<(const Sequence& o) const { return std::tie(repeat, at) < std::tie(o.repeat, o.at); }
};

std::vector<StorageId> storages_of(const Kernel& kernel) {
  std::vector<StorageId> out;
  for (const auto& list : {reads(kernel), writes(kernel)})
    for (const Place* place : list) out.push_back(place->view.storage);
  return out;
}

std::vector<Sequence> sequences_of(const Lowered& lowered, const std::vector<Repeat>& repeats) {
  std::set<Sequence> all;
  for (std::size_t r = 0; r < repeats.size(); ++r)
    for (int j = 0; j < repeats[r].period; ++j) {
      std::vector<Sequence> at_place;
      for (int trip = 0; trip < repeats[r].trips; ++trip) {
        const auto used =
            storages_of(lowered.kernels[std::size_t(repeats[r].first + trip * repeats[r].period + j)]);
        at_place.resize(used.size(), {r, {}});
        for (std::size_t i = 0; i < used.size(); ++i) at_place[i].at.push_back(used[i]);
      }
      for (auto& s : at_place)
        if (std::any_of(s.at.begin(), s.at.end(), [&](StorageId id) { return id != s.at[0]; }))
          all.insert(std::move(s));
    }
  return {all.begin(), all.end()};
}

/// Families and the frames of their members, from the sequences of all repeats.
class Solver {
 public:
  Solver(const Lowered& lowered, const std::vector<Repeat>& repeats)
      : lowered_(lowered),
        sequences_(sequences_of(lowered, repeats)),
        parent_(lowered.storages.size()),
        frame_(lowered.storages.size()),
        cluster_(lowered.storages.size()),
        lines_(repeats.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (const auto& s : sequences_)
      for (const StorageId id : s.at) parent_[std::size_t(root(id))] = root(s.at[0]);
    std::map<StorageId, std::vector<StorageId>> members;
    for (const auto& s : sequences_)
      for (const StorageId id : s.at) members[root(id)].push_back(id);
    for (auto& [leader, list] : members) {
      std::sort(list.begin(), list.end());
      list.erase(std::unique(list.begin(), list.end()), list.end());
      members_.push_back(std::move(list));
    }
  }

  /// A repeat whose storages no stride fits; nothing when all do, and then `families` has them.
  std::optional<std::size_t> run(std::vector<Family>& families) {
    for (const auto& list : members_)
      if (disjoint(list))
        for (const StorageId id : list) frame_[std::size_t(id)] = 0;  // whatever the trip
    for (const auto& s : sequences_)
      if (!shares(s)) open_.push_back(&s);
    while (!open_.empty()) {
      const std::size_t before = open_.size();
      for (auto s = open_.begin(); s != open_.end();) {
        const auto line = line_of(**s);
        if (!line) {
          ++s;
          continue;
        }
        if (!lay(**s, *line)) return (*s)->repeat;
        s = open_.erase(s);
      }
      if (open_.size() == before) seed(*open_.front());
    }
    find_clusters();
    for (const auto& list : members_) {
      if (const auto clash = clashing(list)) return clash;
      families.push_back(family(list));
    }
    return std::nullopt;
  }

 private:
  /// The frame of a place in trip t is start + t * step.
  struct Line {
    int start, step;
  };

  StorageId root(StorageId id) {
    while (parent_[std::size_t(id)] != id)
      id = parent_[std::size_t(id)] = parent_[std::size_t(parent_[std::size_t(id)])];
    return id;
  }

  bool disjoint(std::vector<StorageId> list) const {
    const auto storage = [&](StorageId id) -> const Storage& { return lowered_.storages[std::size_t(id)]; };
    std::sort(list.begin(), list.end(),
              [&](StorageId a, StorageId b) { return storage(a).first < storage(b).first; });
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (storage(list[i]).pinned) return false;
      if (i > 0 && storage(list[i]).first <= storage(list[i - 1]).last) return false;
    }
    return true;
  }

  // Of a family with one address: all frames are set from the start.
  bool shares(const Sequence& s) const {
    return std::all_of(s.at.begin(), s.at.end(),
                       [&](StorageId id) { return frame_[std::size_t(id)].has_value(); });
  }

  // From two members that have frames, or from one and what the repeat's other places do.
  std::optional<Line> line_of(const Sequence& s) const {
    std::vector<int> known;
    for (int t = 0; t < int(s.at.size()); ++t)
      if (frame(s, t)) known.push_back(t);
    if (known.size() >= 2) {
      const int rise = *frame(s, known[1]) - *frame(s, known[0]);
      const int step = rise > 0 ? 1 : -1;  // one that does not fit is noticed by lay
      return Line{*frame(s, known[0]) - known[0] * step, step};
    }
    const auto& usual = lines_[s.repeat];
    if (known.size() == 1 && usual) return Line{*frame(s, known[0]) - known[0] * usual->step, usual->step};
    return std::nullopt;
  }

  bool lay(const Sequence& s, Line line) {
    if (!lines_[s.repeat]) lines_[s.repeat] = line;
    for (int t = 0; t < int(s.at.size()); ++t) {
      auto& here = frame_[std::size_t(s.at[std::size_t(t)])];
      const int wanted = line.start + t * line.step;
      if (here && *here != wanted) return false;
      here = wanted;
    }
    return true;
  }

  // The first storage of a place that nothing else decides.
  void seed(const Sequence& s) {
    auto& usual = lines_[s.repeat];
    if (!usual) usual = Line{0, 1};
    auto& first = frame_[std::size_t(s.at[0])];
    if (std::none_of(s.at.begin(), s.at.end(),
                     [&](StorageId id) { return frame_[std::size_t(id)].has_value(); }))
      first = usual->start;
  }

  std::optional<int> frame(const Sequence& s, int trip) const {
    return frame_[std::size_t(s.at[std::size_t(trip)])];
  }

  // Two members of one frame, alive at once: the repeat of a sequence that has them.
  std::optional<std::size_t> clashing(const std::vector<StorageId>& list) {
    std::map<int, std::vector<StorageId>> by_frame;
    for (const StorageId id : list) by_frame[*frame_[std::size_t(id)]].push_back(id);
    for (const auto& [f, same] : by_frame)
      if (same.size() > 1 && !disjoint(same))
        for (const auto& s : sequences_)
          if (root(s.at[0]) == root(same[0])) return s.repeat;
    return std::nullopt;
  }

  Family family(const std::vector<StorageId>& list) {
    Family out;
    for (const StorageId id : list) out.members.push_back({id, *frame_[std::size_t(id)]});
    out.shared = std::all_of(out.members.begin(), out.members.end(),
                             [](const Family::Member& m) { return m.frame == 0; });
    out.cluster = cluster_[std::size_t(root(list[0]))];
    return out;
  }

  // Loops that meet in a family with frames are of one cluster, the one of the first of them.
  void find_clusters() {
    std::vector<std::size_t> joined(lines_.size());
    std::iota(joined.begin(), joined.end(), std::size_t(0));
    std::map<StorageId, std::size_t> loop_of;  // by family: one of its loops
    for (const auto& s : sequences_) {
      const auto [entry, fresh] = loop_of.try_emplace(root(s.at[0]), s.repeat);
      const bool framed = *frame(s, 0) != *frame(s, 1);
      if (!fresh && framed)
        std::replace(joined.begin(), joined.end(), joined[s.repeat], joined[entry->second]);
    }
    for (const auto& [family, loop] : loop_of) cluster_[std::size_t(family)] = joined[loop];
  }

  const Lowered& lowered_;
  std::vector<Sequence> sequences_;
  std::vector<StorageId> parent_;  // of the forest of families
  std::vector<std::vector<StorageId>> members_;
  std::vector<std::optional<int>> frame_;
  std::vector<std::size_t> cluster_;        // by the family's root
  std::vector<std::optional<Line>> lines_;  // by repeat: of the first place that was laid
  std::vector<const Sequence*> open_;
};

}  // namespace

Repeats find_repeats(const Lowered& lowered) {
  Repeats out;
  find_all(numbered_by_likeness(lowered), 0, int(lowered.kernels.size()), out.list);
  while (!out.list.empty()) {
    out.families.clear();
    const auto unfit = Solver(lowered, out.list).run(out.families);
    if (!unfit) break;
    out.list.erase(out.list.begin() + std::ptrdiff_t(*unfit));
  }
  if (out.list.empty()) out.families.clear();
  return out;
}

}  // namespace leto::compiler
