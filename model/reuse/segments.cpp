#include "model/reuse/segments.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leto::model {

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
  walked_ = left_out_ = 0;
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
  depth_ = walk_.depth();
  walking_ = depth_ > 0 && !nothing_ && !expected_;
  if (!walking_) return;
  walk_.next(segment_);
  walk_.next(ahead_);
}

bool Segments::leave_out_kernel() {
  constexpr std::uint64_t kOneOf = 4;  // is verified
  walk_.start(true);
  const auto like = taken_.find(walk_.content());
  if (like == taken_.end() || nothing_) return false;
  if (verify_ > 0 && random_() % kOneOf == 0) {
    --verify_;
    expected_ = like->second.cycles;
    return false;
  }
  passing_.push_back({passage_.begin(), like->second.bursts});
  pass_kernel();
  count(like->second);
  return true;
}

// All of it, down to the barrier behind it.
void Segments::pass_kernel() {
  do {
    walk_.next(segment_);
    pass(segment_, passing_.back().traffic);
    for (const auto& [pe, buffer] : segment_.buffers)
      pes_[static_cast<std::size_t>(pe)]->define(buffer, kernel_.now());
  } while (!segment_.over);
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

bool Segments::is_known(const Segment& segment) const {
  const std::size_t kind = kind_of(segment);
  return segment.removable && kind != kinds_.size() && !kinds_[kind].timed.empty();
}

// The first core has come to another segment. The last one of a run before an unknown one is simulated: the
// pipeline comes to that as it would.
void Segments::decide() {
  const std::int64_t most = timed_ >= kFewestTimed && timed_cycles_ >= kFewestCycles ? walked_ : 0;
  bool jumps = false;
  std::size_t kind = 0;
  bool counts = false;
  for (std::int64_t count = 0; walking_; ++count) {
    std::swap(segment_, ahead_);
    ++walked_;
    kind = kind_of(segment_);
    unlike_ = kind == kinds_.size() ? unlike_ + 1 : 0;
    if (unlike_ != 0) kinds_.push_back({segment_.code, segment_.amounts, {}, {}});
    walking_ = !segment_.last && unlike_ < kMostUnlike;
    if (walking_) walk_.next(ahead_);
    if (count >= most || !walking_ || !is_known(segment_) || !is_known(ahead_)) {
      counts = segment_.removable;
      break;
    }
    leave_out(segment_);
    jumps = true;
  }
  if (jumps) {
    passage_.flush();
    ++runs_;
    timed_ = 0;
    timed_cycles_ = 0;
  }
  simulated_.push_back({runs_, kind, counts, work_of(segment_.amounts), 0, 0,
                        jumps ? segment_.begin : std::vector<isa::Core>{}});
}

void Segments::leave_out(const Segment& segment) {
  Kind& kind = kinds_[kind_of(segment)];
  std::vector<Run>& runs = kind.left_out;
  if (runs.empty() || runs.back().runs != runs_) runs.push_back({runs_, passage_.begin()});
  Run& run = runs.back();
  run.work += work_of(segment.amounts);
  ++left_out_;
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

/// By those of its kind that have been timed.
Cycle Segments::expected(const Kind& kind, std::int64_t work) const {
  double cycles = 0, timed = 0;
  for (const Timed& t : kind.timed) {
    cycles += static_cast<double>(t.cycles);
    timed += static_cast<double>(t.work);
  }
  return static_cast<Cycle>(std::llround(cycles / timed * static_cast<double>(work)));
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
      Timed& timed =
          kinds_[before.kind].timed.emplace_back(before.runs, before.work, cycles, Accounts::Spent{});
      accounts_.add_since(*segment_begin_, timed.spent);
    }
  }
  warm_ = true;
  segment_begin_ = accounts_;
}

void Segments::end_kernel() {
  depth_ = 0;
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
  if (!walk_.removable() || taken_.contains(walk_.content())) return;
  bill_waits();
  Taken& taken = taken_[walk_.content()];
  taken.cycles = cycles;
  taken.bursts = fabric_.bursts() - begin_bursts_;
  taken.operations = walk_.operations();
  accounts_.add_since(*begin_, taken.spent);
}

// As long as its work took, in the mean of those timed since the run before it and of those timed up to the
// run behind it, each side as much; their difference says how far that may be off.
void Segments::count(const Kind& kind, const Run& run) {
  const auto begin = kind.timed.begin(), end = kind.timed.end();
  const auto first = [&](int runs) {
    return std::find_if(begin, end, [=](const Timed& t) { return t.runs >= runs; });
  };
  const auto behind = first(run.runs + 1), to = first(run.runs + 2);
  const auto from = first(run.runs) == behind ? begin : first(run.runs);
  const auto mean = [](auto at, auto until) {  // cycles of one of work
    double cycles = 0, work = 0;
    for (auto t = at; t != until; ++t) {
      cycles += static_cast<double>(t->cycles);
      work += static_cast<double>(t->work);
    }
    return cycles / work;
  };
  const double before = mean(from, behind), after = to == behind ? before : mean(behind, to);
  const auto work = static_cast<double>(run.work);
  const double device =
      static_cast<double>(passage_.bursts(run.traffic)) * burst_bytes_ / device_bytes_a_cycle_;
  const auto cycles = static_cast<Cycle>(std::llround(std::max(work * (before + after) / 2, device)));
  doubt_ += work * std::abs(before - after) / 2;
  reused_.cycles += cycles;
  Accounts::Spent spent;
  for (auto t = from; t != to; ++t) spent.add(t->spent);
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
  s(segment.last, segment.over, segment.removable, segment.code, segment.amounts, segment.counters,
    segment.operations, segment.accesses, segment.buffers);
  show(s, segment.begin, pes_);
}

void Segments::state(Snapshot& s) {
  s(depth_, walk_, taken_, nothing_, verify_, random_, progress_);
  const std::uint64_t count = s.size(simulated_.size());
  if (s.loads()) simulated_.resize(count);
  for (Simulated& simulated : simulated_) state(s, simulated);
  state(s, segment_);
  state(s, ahead_);
  s(kinds_, expected_, passing_);
  s.optional(begin_, accounts_);
  s.optional(segment_begin_, accounts_);
  s(began_, skipped_before_, foreseen_, begin_bursts_, walking_, unlike_, warm_, runs_, timed_, timed_cycles_,
    walked_, left_out_, reused_, doubt_);
}

}  // namespace leto::model
