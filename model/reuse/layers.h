// Exact reuse of layers: a program that loops over layers (a `loop` with a step) comes to the same barrier of
// the grid once a trip, with all units at rest. When two trips from there took the same time but for
// kTolerance, and moved the registers that go on into the next trip by the same amounts, the trips that
// follow are counted and not simulated: the cores go on to the last trip, and clock, accounts and traffic
// grow by what the trip before had, times the trips that are left out. The last trip, and what comes behind
// the loop, is simulated again.
//
// Whether it is a layer, or of what model, plays no part: registers, program counters and cycles decide. What
// a trip inherits and no register shows (the LLC's content, open rows, the phase of refreshes) is why two
// trips differ at all; the bound in the statistics is their difference times the trips left out. verify
// simulates some of them after all.
#pragma once

#include <optional>
#include <random>
#include <vector>

#include "model/kernel/accounts.h"
#include "model/pe/pe.h"
#include "model/reuse/passage.h"

namespace leto::model {

class Layers {
 public:
  /// Of two trips' cycles: as much as they may differ and still be alike.
  static constexpr double kTolerance = 0.005;

  /// `verify` trips of those left out are simulated all the same, drawn by `seed`.
  Layers(const isa::Program& program, Accounts& accounts, Counters& counters, const Fabric& fabric,
         Passage& passage, const std::vector<Pe*>& pes, int verify, std::uint64_t seed);

  /// All PEs have arrived at a barrier of the grid, at `now`.
  void at_barrier(Cycle now);
  /// The trip under way is simulated to verify those left out.
  bool verifying() const { return verifying_; }
  /// Adds the traffic of what was left out.
  void report(Statistics& statistics) const;

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  using Registers = std::vector<std::int64_t>;  // of all cores of all PEs
  struct Mark {
    Cycle at;  // what was left out so far included
    Accounts accounts;
    Counters counters;
    Statistics traffic;
    Registers registers;
    void state(Snapshot& s);
  };
  struct Anchor {
    std::uint32_t begin;  // of the loop's body
    std::array<std::uint32_t, isa::kCores> pc;
    bool operator==(const Anchor&) const = default;
  };

  std::optional<isa::Core::Trips> trips() const;
  Anchor here(const isa::Core::Trips& trips) const;
  Mark mark(Cycle now) const;
  Registers change(const Mark& from, const Mark& to) const;
  void find_live();
  void look(const isa::Core::Trips& trips, Cycle now);
  void leave_out(std::int64_t count, const isa::Core::Trips& trips, Cycle here);
  std::int64_t until_verified(std::int64_t remaining);
  void forget();

  const isa::Program& program_;
  Accounts& accounts_;
  Counters& counters_;
  const Fabric& fabric_;
  Passage& passage_;
  const std::vector<Pe*>& pes_;
  int verify_;  // still to be
  std::mt19937_64 random_;

  std::optional<Anchor> anchor_;
  std::array<std::uint64_t, isa::kCores>
      live_{};                  // at the anchor: bit r, register r goes on into the next trip
  std::int64_t remaining_ = 0;  // trips, at the last visit
  std::vector<Mark> marks_;     // of the last visits, three at most
  std::optional<Cycle> known_;  // cycles of a trip that others were counted by; the next visit verifies it
  bool verifying_ = false;
  Statistics traffic_;  // of what was left out
  Reused reused_;
  double doubt_ = 0;  // cycles that the trips left out may be off by
};

}  // namespace leto::model
