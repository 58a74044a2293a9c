// The newest commands of an engine's twin, kept for a replay.
#pragma once

#include <deque>

#include "model/twin/comparison.h"

namespace leto::model {

/// All since the RTL was last reset; or, of a sequence without a gap that is longer than the bound, so many as it
/// leaves: then `primed`, and the first one is no more than what the RTL came from. A Run has bytes() and cycles().
template <class Run>
struct CommandLog {
  std::deque<Run> runs;
  bool primed = false;
  Comparison::Place from;  // before the first one, or the second if primed
  std::size_t bytes = 0;

  std::size_t size() const { return runs.size(); }
  /// Long enough to start anew at the next gap, from a reset: an idle engine can be reset at any time, and a log that
  /// begins there brings the RTL into the same state whatever it is.
  bool is_long() const { return bytes > kLogBytes; }

  void add(Run run, const Comparison::Place& now) {
    if (runs.empty()) from = now;
    bytes += run.bytes();
    runs.push_back(std::move(run));
    while (bytes > kLogMost && runs.size() > 2) shorten();
  }

 private:
  void shorten() {
    const Run& first = runs[primed ? 1 : 0];
    from.cycles_compared += first.cycles();
    if (primed) {
      bytes -= runs.front().bytes();
      runs.pop_front();
    }
    primed = true;
  }
};

}  // namespace leto::model
