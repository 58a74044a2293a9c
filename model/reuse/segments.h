// Reuse of kernels and inside them. A kernel is what lies between two barriers of the grid; Walk says what it
// does, and cuts it into segments.
//
// A kernel that does what another one did, and comes behind one that did the same too where memory binds it,
// takes as long as that: it is left out as a whole. In the others, the segments that do the same are
// simulated until their time is known, and the rest left out of what the cores run. When the first core comes
// to a segment, it is decided for all of them; every core goes on behind what is left out with the registers
// it would have. Buffers, banks and transfers under way stay as they are, so the pipeline runs on as if the
// kernel were shorter. What is left out is counted to the last command; its loads and stores pass through the
// LLC's tags (passage.h), so that traffic with device memory and the lines that are found later are as they
// would be.
//
// Segments of one kind take times in proportion to their work. The time of a
// segment is that from when all cores have finished the commands of those before to when they have finished
// its own; those of a kernel's begin do not count. Ever longer runs are left out, with segments simulated
// between them; a run's work takes the mean of what its like's took before it and behind it. Accounts of
// engines go on as they did in all of its like that were timed. Device memory's peak bandwidth bounds that
// time from below.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "model/kernel/accounts.h"
#include "model/reuse/passage.h"
#include "model/reuse/walk.h"

namespace leto::model {

class Segments : public BodyWatch {
 public:
  /// Segments and cycles at a kernel's begin that do not count: pipelines fill.
  static constexpr std::size_t kWarming = 2;
  static constexpr Cycle kWarmingCycles = 20'000;
  /// Segments, and their cycles, that must have been timed before a run is left out: since the run before.
  /// Some of them were like those of the run.
  static constexpr int kFewestTimed = 2;
  static constexpr Cycle kFewestCycles = 40'000;
  /// A run has so many times as many segments of a kind as came before it; more when each of those timed
  /// before the last run and behind it took the same but for kAgreement.
  static constexpr std::int64_t kGrowth = 1, kAgreedGrowth = 4;
  static constexpr double kAgreement = 0.02;
  /// Of a kind whose segments do not agree a run has at most so many for each that was timed since the run
  /// before, and once more.
  static constexpr std::int64_t kSample = 24;
  /// A kernel that keeps device memory busy for less than this share of its time takes as long behind any
  /// other.
  static constexpr double kMemoryBound = 0.5;
  /// Each side of a run is timed in so many segments that a deviation of one is no more than this of all.
  static constexpr double kNoise = 0.005;
  /// Cores' states that are kept at most of segments walked ahead, to see where a run may end.
  static constexpr std::size_t kMostAhead = 1 << 18;
  /// Unlike segments in a row, after which a kernel is not walked any further.
  static constexpr int kMostUnlike = 32;

  /// `verify` kernels of those that would be left out are simulated all the same, drawn by `seed`.
  Segments(const ChipConfig& chip, Kernel& kernel, Accounts& accounts, Counters& counters,
           const Fabric& fabric, Passage& passage, const std::vector<Pe*>& pes, int verify,
           std::uint64_t seed);

  /// From now on nothing is left out; or what can be.
  void leave_nothing_out(bool nothing) { nothing_ = nothing; }

  /// All PEs are about to begin a kernel: a new step's first one, or the one behind the barrier they wait at.
  void begin_kernel(bool at_barrier);
  /// That kernel does what an earlier one did: it is left out, and all cores wait at the barrier behind it.
  bool leave_out_kernel();
  /// All PEs are at rest: adds what was left out of the kernel that ends.
  void end_kernel();

  const isa::Core* at_body(int pe, int core, std::int64_t issued) override;
  void finished(int pe, int core) override;

  void report(Statistics& statistics) const;

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  /// A kernel's content, and that of the one before it.
  using KernelKey = std::pair<std::uint64_t, std::uint64_t>;
  KernelKey key() const { return {walk_.content(), walk_.content_before()}; }
  /// What a kernel took.
  struct Taken {
    Cycle cycles = 0;
    Accounts::Spent spent;
    std::uint64_t bursts = 0;
    std::vector<std::uint32_t> operations;  // in the order in which they come
    void state(Snapshot& s) { s(cycles, spent, bursts, operations); }
  };
  const Taken* like() const;
  struct Timed {
    int runs;  // left out before it
    std::int64_t work;
    Cycle cycles;
    void state(Snapshot& s) { s(runs, work, cycles); }
  };
  struct Run {
    int runs;             // left out before it
    std::size_t traffic;  // in the passage
    std::int64_t work = 0;
    std::map<std::uint32_t, std::int64_t> commands{};  // by operation
    void state(Snapshot& s) { s(runs, traffic, work, commands); }
  };
  /// Segments of one code in this kernel that are alike in what they do.
  struct Kind {
    std::uint64_t code;
    Amounts amounts;           // of the first
    std::int64_t decided = 0;  // segments that were simulated or left out
    std::vector<Timed> timed;
    Accounts::Spent spent;  // in those timed
    std::vector<Run> left_out;
    void state(Snapshot& s) { s(code, amounts, decided, timed, spent, left_out); }
  };
  /// A segment that is simulated.
  struct Simulated {
    int runs;  // left out before it
    std::size_t kind;
    bool counts;  // may be timed
    std::int64_t work;
    Cycle begin;                  // when all cores had done what came before
    int cores;                    // that have
    std::vector<isa::Core> from;  // where cores go on, when some were left out before it
  };
  /// Of one core.
  struct Progress {
    std::size_t arrived = 0, done = 0;  // segments it has come to; of which all before is done
    std::int64_t finished = 0;          // commands since the launch
    std::deque<std::int64_t> issued;    // commands before each segment that it has come to, not done
    void state(Snapshot& s) { s(arrived, done, finished, issued); }
  };
  void state(Snapshot& s, Simulated& simulated);
  void state(Snapshot& s, Segment& segment);
  void bill_waits();
  std::size_t kind_of(const Segment& segment) const;
  /// One that has been walked, and not decided on.
  struct Coming {
    Segment segment;
    std::size_t kind;
    bool last;  // none behind it is walked
  };
  std::int64_t most(const Kind& kind) const;
  bool walks_ahead(std::size_t count);
  bool is_known(const Coming& coming) const;
  bool leave_out_some(std::vector<std::int64_t>& room);
  void decide();
  void leave_out(const Coming& coming);
  Cycle expected(const Kind& kind, std::int64_t work) const;
  void pass(const Segment& segment, std::size_t traffic);
  void advance(Progress& progress);
  void begun(std::size_t number);
  void count(const Kind& kind, const Run& run);
  void pass_kernel();
  void count(const Taken& like);
  void doubt_traffic();
  void touch_operations();
  /// That device memory needs for them at its peak.
  double device_cycles(std::uint64_t bursts) const {
    return static_cast<double>(bursts) * burst_bytes_ / device_bytes_a_cycle_;
  }

  Kernel& kernel_;
  Accounts& accounts_;
  Counters& counters_;
  const Fabric& fabric_;
  Passage& passage_;
  const std::vector<Pe*>& pes_;
  double burst_bytes_, device_bytes_a_cycle_;  // of device memory, at its peak
  Walk walk_;
  std::map<KernelKey, Taken> taken_;
  bool nothing_ = false;  // is left out
  int verify_;            // kernels that still are to be
  std::mt19937_64 random_;

  /// A kernel that was left out, whose traffic may be on its way yet.
  struct Passing {
    std::size_t traffic;     // in the passage
    std::uint64_t expected;  // bursts of the one it is like
  };
  std::vector<Passing> passing_;

  // Of the kernel under way.
  std::vector<Progress> progress_;  // by core
  std::vector<Simulated> simulated_;
  std::deque<Coming> coming_;
  std::vector<Kind> kinds_;
  std::optional<Cycle> expected_;  // it is simulated to verify this
  std::optional<Accounts> begin_, segment_begin_;
  Cycle began_ = 0, skipped_before_ = 0;
  Cycle foreseen_ = 0;  // that its runs left out so far will have taken, for dates until that is known
  std::uint64_t begin_bursts_ = 0;
  bool walking_ = false;  // segments may be left out yet
  int unlike_ = 0;        // segments in a row
  bool warm_ = false;
  int runs_ = 0;               // left out
  int timed_ = 0;              // segments since the last of them …
  Cycle timed_cycles_ = 0;     // … and their cycles
  std::int64_t left_out_ = 0;  // segments

  Reused reused_;
  double doubt_ = 0;  // cycles
};

}  // namespace leto::model
