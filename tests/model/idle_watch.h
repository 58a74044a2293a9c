// `idle` means that no work is pending: a unit may be billed idle only while no command of its has been
// issued and not yet finished. Measured from outside: the intervals billed idle against the lives of the
// commands.
#pragma once

#include <algorithm>
#include <map>
#include <ostream>
#include <vector>

#include "model/kernel/observer.h"
#include "tests/model/helpers.h"

namespace leto::model::test {

class IdleWatch : public Observer {
 public:
  void on_interval(Engine engine, int instance, State state, std::uint32_t, Cycle from, Cycle to) override {
    if (engine == Engine::issue_core) return;
    // Engines come in another order than queues: the fabric interface's two last, not first.
    Lane& lane = lanes_[{instance, (static_cast<int>(engine) + 1) % 6}];
    lane.cycles += to - from;
    if (state == State::idle) lane.idle.push_back({from, to});
  }
  void on_command(const CommandLife& life) override {
    const int unit = static_cast<int>(life.unit) - static_cast<int>(isa::Unit::load);
    lanes_[{life.pe, unit}].pending.push_back({life.issued, life.done});
    ++commands_;
  }

  /// Adds "idle.pending", the cycles billed idle with work pending, "idle.cycles" of all lanes and
  /// "idle.commands".
  void tell(std::ostream& out) {
    Cycle pending = 0, cycles = 0;
    for (auto& [key, lane] : lanes_) {
      pending += overlap(lane);
      cycles += lane.cycles;
    }
    out << "idle.pending " << pending << "\nidle.cycles " << cycles << "\nidle.commands " << commands_
        << "\n";
  }

 private:
  struct Interval {
    Cycle from, to;
    bool operator<(const Interval& other) const { return from < other.from; }
  };
  struct Lane {
    std::vector<Interval> idle, pending;
    Cycle cycles = 0;
  };

  static Cycle overlap(Lane& lane) {
    std::sort(lane.pending.begin(), lane.pending.end());
    Cycle sum = 0, counted = 0;  // pending cycles below `counted` are in the sum
    std::size_t first = 0;
    for (const Interval& idle : lane.idle) {
      while (first < lane.pending.size() && lane.pending[first].to <= idle.from) ++first;
      counted = std::max(counted, idle.from);
      for (std::size_t i = first; i < lane.pending.size() && lane.pending[i].from < idle.to; ++i) {
        const Cycle from = std::max(lane.pending[i].from, counted),
                    to = std::min(lane.pending[i].to, idle.to);
        if (to > from) sum += to - from;
        counted = std::max(counted, to);
      }
    }
    return sum;
  }

  std::map<std::pair<int, int>, Lane> lanes_;  // PE, queue
  std::uint64_t commands_ = 0;
};

/// The same setup, watched.
inline Setup watched(Setup setup, IdleWatch& watch) {
  setup.options.observer = &watch;
  setup.tell = [&watch](std::ostream& out) { watch.tell(out); };
  return setup;
}

/// At most 2 % of the lanes' cycles may be billed idle while work is pending.
inline bool idle_is_idle(const Outcome& o) {
  return o["idle.commands"] > 0 && o["idle.pending"] * 50 <= o["idle.cycles"];
}

}  // namespace leto::model::test
