#include "model/reuse/segments.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leto::model {
namespace {

// Cycles of one of work.
double mean(auto timed, auto until) {
  double cycles = 0, work = 0;
  for (; timed != until; ++timed) {
    cycles += static_cast<double>(timed->cycles);
    work += static_cast<double>(timed->work);
  }
  return cycles / work;
}

// Standard deviation of a segment's cycles a work, as a share of the mean.
double deviation(const auto& timed) {
  const double all = mean(timed.begin(), timed.end());
  double squares = 0;
  for (const auto& t : timed) {
    const double one = static_cast<double>(t.cycles) / (static_cast<double>(t.work) * all) - 1;
    squares += one * one;
  }
  return std::sqrt(squares / static_cast<double>(timed.size()));
}

// The first of those timed behind `runs` runs.
auto since(const auto& timed, int runs) {
  return std::ranges::find_if(timed, [=](const auto& t) { return t.runs >= runs; });
}

}  // namespace

Segments::Segments(const ChipConfig& chip, Kernel& kernel, Accounts& accounts, Counters& counters,
                   const Fabric& fabric, Passage& passage, const std::vector<Pe*>& pes, int verify,
                   std::uint64_t seed)
    : kernel_(kernel),
      accounts_(accounts),
      counters_(counters),
      fabric_(fabric),
      passage_(passage),
      pes_(pes),
      burst_bytes_(chip.dram.burst_bytes),
      device_bytes_a_cycle_(chip.hbm.channels * chip.dram.burst_bytes / chip.dram.burst_ns * 1e3 /
                            chip.pe.clock_mhz),
      walk_(pes, chip.pe.columns),
      verify_(verify),
      random_(seed),
      progress_(pes.size() * isa::kCores) {}

// Of what works in this kernel: what the rest of a unit is called that does not shows when it works again, or
// never.
void Segments::bill_waits() {
  for (Pe* pe : pes_) pe->bill_waits(kernel_.now(), began_, walk_.queues());
}

void Segments::begin_kernel(bool at_barrier) {
  passage_.flush();
  doubt_traffic();
  if (!at_barrier) {
    std::ranges::fill(progress_, Progress{});
    walk_.start(false);
  }
  for (Progress& progress : progress_) {
    progress.arrived = progress.done = 0;
    progress.issued.clear();
  }
  simulated_.clear();
  kinds_.clear();
  left_out_ = 0;
  warm_ = false;
  runs_ = timed_ = 0;
  timed_cycles_ = 0;
  unlike_ = 0;
  if (at_barrier)
    for (Pe* pe : pes_) pe->bill_waits(kernel_.now(), kNever, walk_.queues());
  begin_ = accounts_;
  began_ = kernel_.now();
  skipped_before_ = accounts_.skipped();
  begin_bursts_ = fabric_.bursts();
  coming_.clear();
  walking_ = walk_.has_segments() && !nothing_ && !expected_;
  bodies_ = walk_.has_segments() ? walk_.bodies() : Walk::Bodies{};
  if (!walking_) return;
  Segment before;  // all bodies
  walk_.next(before);
}

bool Segments::leave_out_kernel() {
  constexpr std::uint64_t kOneOf = 4;  // is verified
  walk_.start(true);
  const Taken* like = this->like();
  if (!like || nothing_) return false;
  if (verify_ > 0 && random_() % kOneOf == 0) {
    --verify_;
    expected_ = like->cycles;
    return false;
  }
  passing_.push_back({passage_.begin(), like->bursts});
  pass_kernel();
  count(*like);
  return true;
}

// What the kernel under way will take; null: not known.
const Segments::Taken* Segments::like() const {
  if (const auto same = taken_.find(key()); same != taken_.end()) return &same->second;
  for (auto one = taken_.lower_bound({walk_.content(), 0});
       one != taken_.end() && one->first.first == walk_.content(); ++one)
    if (device_cycles(one->second.bursts) < kMemoryBound * static_cast<double>(one->second.cycles))
      return &one->second;
  return nullptr;
}

// All of it, down to the barrier behind it.
void Segments::pass_kernel() {
  Segment segment;
  do {
    walk_.next(segment);
    pass(segment, passing_.back().traffic);
    for (const auto& [pe, buffer] : segment.buffers)
      pes_[static_cast<std::size_t>(pe)]->define(buffer, kernel_.now());
  } while (!segment.over);
  for (std::size_t i = 0; i < progress_.size(); ++i)
    pes_[i / isa::kCores]->core(static_cast<int>(i % isa::kCores)).wait_at(walk_.cores()[i]);
}

// A kernel left out took what the one it is like took, for its own operations.
void Segments::count(const Taken& like) {
  const std::vector<std::uint32_t>& operations = walk_.operations();
  Accounts::Spent spent{like.spent.totals, like.spent.cores, {}};
  for (std::size_t i = 0; i < operations.size(); ++i)
    if (const auto had = like.spent.by_operation.find(like.operations[i]);
        had != like.spent.by_operation.end())
      spent.by_operation[operations[i]] = had->second;
  touch_operations();
  accounts_.repeat(spent, like.cycles, static_cast<int>(pes_.size()));
  touch_operations();
  ++reused_.kernels;
  reused_.cycles += like.cycles;
}

// By how much a kernel's traffic with device memory differs from its like's says how wrong its time may be.
void Segments::doubt_traffic() {
  for (const Passing& kernel : passing_)
    doubt_ += std::abs(static_cast<double>(passage_.bursts(kernel.traffic)) -
                       static_cast<double>(kernel.expected)) *
              burst_bytes_ / device_bytes_a_cycle_;
  passing_.clear();
}

void Segments::touch_operations() {
  for (const std::uint32_t operation : walk_.operations()) accounts_.touch(operation, kernel_.now());
}

// All kinds' number: of none so far.
std::size_t Segments::kind_of(const Segment& segment) const {
  const auto kind = std::ranges::find_if(
      kinds_, [&](const Kind& k) { return k.code == segment.code && alike(k.amounts, segment.amounts); });
  return static_cast<std::size_t>(kind - kinds_.begin());
}

bool Segments::is_known(const Coming& coming) const {
  return coming.segment.removable && !kinds_[coming.kind].timed.empty();
}

// Walks until `count` have been and are not decided on; false: there are not as many.
bool Segments::walks_ahead(std::size_t count) {
  while (coming_.size() < count) {
    if (!coming_.empty() && coming_.back().last) return false;
    Coming& next = coming_.emplace_back();
    walk_.next(next.segment);
    next.kind = kind_of(next.segment);
    unlike_ = next.kind == kinds_.size() ? unlike_ + 1 : 0;
    if (unlike_ != 0) kinds_.push_back({next.segment.code, next.segment.amounts, 0, {}, {}, {}});
    next.last = next.segment.last || unlike_ >= kMostUnlike;
  }
  return true;
}

// Of those that come next, so many that all stands behind them as before (Walk); of each kind no more than
// there is `room` for, which it takes. The last one of a run before an unknown one is simulated: the pipeline
// comes to that as it would.
bool Segments::leave_out_some(std::vector<std::int64_t>& room) {
  for (std::size_t count = 1; count * progress_.size() <= kMostAhead && walks_ahead(count + 1); ++count) {
    const Coming& one = coming_[count - 1];
    if (!is_known(one) || !is_known(coming_[count]) || room[one.kind]-- <= 0) return false;
    if (coming_[count].segment.standing != coming_[0].segment.standing) continue;
    for (; count > 0; --count, coming_.pop_front()) leave_out(coming_.front());
    return true;
  }
  return false;
}

// How many a run may have. Do all that were timed on both sides of the last run agree? Means of those that do
// not may agree by chance.
std::int64_t Segments::most(const Kind& kind) const {
  const auto behind = since(kind.timed, runs_), end = kind.timed.end();
  const std::int64_t unsure = std::min(kGrowth * kind.decided, kSample * (end - behind + 1));
  if (behind == kind.timed.begin() || behind == end) return unsure;
  const auto before = since(kind.timed, std::prev(behind)->runs);
  const double all = mean(before, end);
  const bool agree = std::all_of(before, end, [=](const Timed& t) {
    return std::abs(static_cast<double>(t.cycles) - all * static_cast<double>(t.work)) <=
           kAgreement * static_cast<double>(t.cycles);
  });
  return agree ? kAgreedGrowth * kind.decided : unsure;
}

// The first core has come to another segment.
void Segments::decide() {
  const std::int64_t before = left_out_;
  if (walking_ && timed_ >= kFewestTimed && timed_cycles_ >= kFewestCycles) {
    std::vector<std::int64_t> room;
    for (const Kind& kind : kinds_) room.push_back(most(kind));
    while (leave_out_some(room)) {
    }
  }
  const bool jumps = left_out_ != before;
  if (jumps) {
    passage_.flush();
    ++runs_;
    timed_ = 0;
    timed_cycles_ = 0;
  }
  if (!walking_ || !walks_ahead(1)) {
    simulated_.push_back({runs_, 0, false, 0, 0, 0, {}});
    return;
  }
  const Coming& next = coming_.front();
  ++kinds_[next.kind].decided;
  walking_ = !next.last;
  simulated_.push_back({runs_, next.kind, walking_ && next.segment.removable, work_of(next.segment.amounts),
                        0, 0, jumps ? next.segment.begin : std::vector<isa::Core>{}});
  coming_.pop_front();
}

void Segments::leave_out(const Coming& coming) {
  const Segment& segment = coming.segment;
  Kind& kind = kinds_[coming.kind];
  std::vector<Run>& runs = kind.left_out;
  if (runs.empty() || runs.back().runs != runs_) runs.push_back({runs_, passage_.begin()});
  Run& run = runs.back();
  run.work += work_of(segment.amounts);
  ++left_out_;
  ++kind.decided;
  pass(segment, run.traffic);
  const auto date = [&] {
    for (const Segment::Operation& done : segment.operations) accounts_.touch(done.id, kernel_.now());
  };
  date();
  const Cycle foreseen = expected(kind, work_of(segment.amounts));
  foreseen_ += foreseen;
  accounts_.foresee(foreseen);
  date();
  for (const Segment::Operation& done : segment.operations) run.commands[done.id] += done.commands;
}

// By those of its kind that have been timed.
Cycle Segments::expected(const Kind& kind, std::int64_t work) const {
  return static_cast<Cycle>(
      std::llround(mean(kind.timed.begin(), kind.timed.end()) * static_cast<double>(work)));
}

// Counts what it does, and moves the LLC's content.
void Segments::pass(const Segment& segment, std::size_t traffic) {
  add_repeated(counters_, segment.counters, Counters{}, 1);
  for (const Segment::Operation& done : segment.operations) {
    OperationAccount& operation = accounts_.operation(done.id);
    operation.commands += done.commands;
    operation.macs += done.macs;
    operation.bytes += done.bytes;
  }
  for (const Segment::Access& access : segment.accesses) passage_.add(access, traffic);
}

const isa::Core* Segments::at_body(int pe, int core, std::int64_t issued) {
  const auto index = static_cast<std::size_t>(pe * isa::kCores + core);
  Progress& progress = progress_[index];
  const std::size_t number = progress.arrived++;
  if (number == simulated_.size()) decide();
  progress.issued.push_back(issued);
  advance(progress);
  const Simulated& simulated = simulated_[number];
  return simulated.from.empty() ? nullptr : &simulated.from[index];
}

void Segments::finished(int pe, int core) {
  Progress& progress = progress_[static_cast<std::size_t>(pe * isa::kCores + core)];
  ++progress.finished;
  advance(progress);
}

void Segments::advance(Progress& progress) {
  while (!progress.issued.empty() && progress.issued.front() <= progress.finished) {
    progress.issued.pop_front();
    const std::size_t number = progress.done++;
    if (++simulated_[number].cores == walk_.taking_part()) begun(number);
  }
}

// All that comes before a segment is done: the one before has its time.
void Segments::begun(std::size_t number) {
  const Cycle now = kernel_.now();
  simulated_[number].begin = now;
  if (!walking_ || number < kWarming || now - simulated_[0].begin < kWarmingCycles) return;
  bill_waits();
  if (warm_) {
    const Simulated& before = simulated_[number - 1];
    const Cycle cycles = now - before.begin;
    if (before.runs == runs_) {
      ++timed_;
      timed_cycles_ += cycles;
    }
    if (before.counts) {
      Kind& kind = kinds_[before.kind];
      kind.timed.emplace_back(before.runs, before.work, cycles);
      accounts_.add_since(*segment_begin_, kind.spent);
    }
  }
  warm_ = true;
  segment_begin_ = accounts_;
}

void Segments::end_kernel() {
  bodies_ = {};
  accounts_.foresee(-std::exchange(foreseen_, 0));
  for (const Kind& kind : kinds_)
    for (const Run& run : kind.left_out) count(kind, run);
  if (left_out_ != 0)
    for (const std::uint32_t operation : walk_.operations()) accounts_.end_by(operation, kernel_.now());
  reused_.segments += left_out_;
  const Cycle cycles = kernel_.now() - began_ + accounts_.skipped() - skipped_before_;
  if (expected_) {
    const auto error = static_cast<double>(std::max(cycles, *expected_) - std::min(cycles, *expected_));
    ++reused_.verified;
    reused_.worst = std::max(reused_.worst, error / static_cast<double>(cycles));
    expected_.reset();
  }
  if (!walk_.removable() || taken_.contains(key())) return;
  bill_waits();
  Taken& taken = taken_[key()];
  taken.cycles = cycles;
  taken.bursts = fabric_.bursts() - begin_bursts_;
  taken.operations = walk_.operations();
  accounts_.add_since(*begin_, taken.spent);
}

// As long as its work took, in the mean of those timed since the run before it and of those timed up to the
// run behind it, or more of them where they differ (kNoise), each side as much; the difference of both says
// how far that may be off.
void Segments::count(const Kind& kind, const Run& run) {
  const auto behind = since(kind.timed, run.runs + 1), begin = kind.timed.begin(), end = kind.timed.end();
  const auto enough = static_cast<std::ptrdiff_t>(deviation(kind.timed) / kNoise);
  auto from = since(kind.timed, run.runs);
  if (from == behind) from = begin;
  from = std::min(from, behind - std::min(enough, behind - begin));
  const auto to = std::max(since(kind.timed, run.runs + 2), behind + std::min(enough, end - behind));
  const double before = mean(from, behind), after = to == behind ? before : mean(behind, to);
  const auto work = static_cast<double>(run.work);
  const double device = device_cycles(passage_.bursts(run.traffic));
  const auto cycles = static_cast<Cycle>(std::llround(std::max(work * (before + after) / 2, device)));
  doubt_ += work * std::abs(before - after) / 2;
  reused_.cycles += cycles;
  Accounts::Spent spent = kind.spent;
  spent.bill_to(run.commands);
  accounts_.go_on(spent, cycles, static_cast<int>(pes_.size()));
}

void Segments::report(Statistics& statistics) const {
  statistics.reused.segments = reused_.segments;
  statistics.reused.kernels = reused_.kernels;
  statistics.reused.cycles += reused_.cycles;
  statistics.reused.verified += reused_.verified;
  statistics.reused.worst = std::max(statistics.reused.worst, reused_.worst);
  statistics.reused.bound += doubt_ / static_cast<double>(statistics.cycles);
}

void Segments::state(Snapshot& s, Simulated& simulated) {
  s(simulated.runs, simulated.kind, simulated.counts, simulated.work, simulated.begin, simulated.cores);
  show(s, simulated.from, pes_);
}

void Segments::state(Snapshot& s, Segment& segment) {
  s(segment.last, segment.over, segment.removable, segment.code, segment.standing, segment.amounts,
    segment.counters, segment.operations, segment.accesses, segment.buffers);
  show(s, segment.begin, pes_);
}

void Segments::state(Snapshot& s) {
  s(bodies_, walk_, taken_, nothing_, verify_, random_, progress_);
  const std::uint64_t count = s.size(simulated_.size());
  if (s.loads()) simulated_.resize(count);
  for (Simulated& simulated : simulated_) state(s, simulated);
  const std::uint64_t coming = s.size(coming_.size());
  if (s.loads()) coming_.resize(coming);
  for (Coming& one : coming_) {
    state(s, one.segment);
    s(one.kind, one.last);
  }
  s(kinds_, expected_, passing_);
  s.optional(begin_, accounts_);
  s.optional(segment_begin_, accounts_);
  s(began_, skipped_before_, foreseen_, begin_bursts_, walking_, unlike_, warm_, runs_, timed_, timed_cycles_,
    left_out_, reused_, doubt_);
}

}  // namespace leto::model
