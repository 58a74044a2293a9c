#include "model/reuse/segments.h"

#include <algorithm>
#include <cmath>

namespace leto::model {

Segments::Segments(const ChipConfig& chip, Kernel& kernel, Accounts& accounts, Counters& counters,
                   Fabric& fabric, const std::vector<Pe*>& pes, int verify, std::uint64_t seed)
    : kernel_(kernel),
      accounts_(accounts),
      counters_(counters),
      fabric_(fabric),
      pes_(pes),
      burst_bytes_(chip.dram.burst_bytes),
      device_bytes_a_cycle_(chip.hbm.channels * chip.dram.burst_bytes / chip.dram.burst_ns * 1e3 /
                            chip.pe.clock_mhz),
      walk_(pes, chip.pe.columns),
      verify_(verify),
      random_(seed),
      progress_(pes.size() * isa::kCores) {}

// Of what has worked in this kernel: the rest of a unit that does not work in it is billed when it works
// again.
void Segments::bill_waits() {
  for (Pe* pe : pes_) pe->bill_waits(kernel_.now(), began_);
}

void Segments::begin_kernel(bool at_barrier) {
  if (!at_barrier) {
    std::ranges::fill(progress_, Progress{});
    walk_.start(false);
  }
  for (Progress& progress : progress_) {
    progress.arrived = progress.done = 0;
    progress.issued.clear();
  }
  simulated_.clear();
  contents_.clear();
  walked_ = left_out_ = 0;
  warm_ = false;
  runs_ = timed_ = 0;
  timed_cycles_ = 0;
  unlike_ = 0;
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
  const std::uint64_t before = fabric_.bursts();
  pass_kernel();
  count(like->second, fabric_.bursts() - before);
  return true;
}

// All of it, down to the barrier behind it.
void Segments::pass_kernel() {
  do {
    walk_.next(segment_);
    pass(segment_);
    for (const auto& [pe, buffer] : segment_.buffers)
      pes_[static_cast<std::size_t>(pe)]->define(buffer, kernel_.now());
  } while (!segment_.over);
  for (std::size_t i = 0; i < progress_.size(); ++i)
    pes_[i / isa::kCores]->core(static_cast<int>(i % isa::kCores)).wait_at(walk_.cores()[i]);
}

// A kernel left out took what the one it is like took, for its own operations; by how much its traffic with
// device memory differs says how wrong that may be.
void Segments::count(const Taken& like, std::uint64_t bursts) {
  const std::vector<std::uint32_t>& operations = walk_.operations();
  Accounts::Spent spent{like.spent.totals, {}};
  for (std::size_t i = 0; i < operations.size(); ++i)
    if (const auto had = like.spent.by_operation.find(like.operations[i]);
        had != like.spent.by_operation.end())
      spent.by_operation[operations[i]] = had->second;
  touch_operations();
  accounts_.repeat(spent, like.cycles, static_cast<int>(pes_.size()));
  touch_operations();
  doubt_ += std::abs(static_cast<double>(bursts) - static_cast<double>(like.bursts)) * burst_bytes_ /
            device_bytes_a_cycle_;
  ++reused_.kernels;
  reused_.cycles += like.cycles;
}

void Segments::touch_operations() {
  for (const std::uint32_t operation : walk_.operations()) accounts_.touch(operation, kernel_.now());
}

bool Segments::is_known(const Segment& segment) const {
  const auto content = contents_.find(segment.content);
  return segment.removable && content != contents_.end() && !content->second.timed.empty();
}

// The first core has come to another segment. The last one of a run before an unknown one is simulated: the
// pipeline comes to that as it would.
void Segments::decide() {
  const std::int64_t most = timed_ >= kFewestTimed && timed_cycles_ >= kFewestCycles ? walked_ : 0;
  bool jumps = false;
  std::uint64_t content = 0;
  for (std::int64_t count = 0; walking_; ++count) {
    std::swap(segment_, ahead_);
    ++walked_;
    unlike_ = contents_.emplace(segment_.content, Content{}).second ? unlike_ + 1 : 0;
    walking_ = !segment_.last && unlike_ < kMostUnlike;
    if (walking_) walk_.next(ahead_);
    if (count >= most || !walking_ || !is_known(segment_) || !is_known(ahead_)) {
      if (segment_.removable) content = segment_.content;
      break;
    }
    leave_out(segment_);
    jumps = true;
  }
  if (jumps) {
    ++runs_;
    timed_ = 0;
    timed_cycles_ = 0;
  }
  simulated_.push_back({runs_, content, 0, 0, jumps ? segment_.begin : std::vector<isa::Core>{}});
}

void Segments::leave_out(const Segment& segment) {
  std::vector<Run>& runs = contents_[segment.content].left_out;
  if (runs.empty() || runs.back().runs != runs_) runs.push_back({runs_});
  ++runs.back().count;
  ++left_out_;
  const std::uint64_t before = fabric_.bursts();
  pass(segment);
  runs.back().bursts += fabric_.bursts() - before;
}

// Counts what it does, and moves the LLC's content.
void Segments::pass(const Segment& segment) {
  add_repeated(counters_, segment.counters, Counters{}, 1);
  for (const Segment::Operation& done : segment.operations) {
    OperationAccount& operation = accounts_.operation(done.id);
    operation.commands += done.commands;
    operation.macs += done.macs;
    operation.bytes += done.bytes;
  }
  for (const Segment::Access& access : segment.accesses)
    fabric_.pass(access.pe, access.store, access.multicast, isa::Runs(access.transfer));
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
    if (before.content != 0) {
      Timed& timed = contents_[before.content].timed.emplace_back(before.runs, cycles, Accounts::Spent{});
      accounts_.add_since(*segment_begin_, timed.spent);
    }
  }
  warm_ = true;
  segment_begin_ = accounts_;
}

void Segments::end_kernel() {
  depth_ = 0;
  for (const auto& [number, content] : contents_)
    for (const Run& run : content.left_out) count(content, run);
  if (left_out_ != 0) touch_operations();
  reused_.segments += left_out_;
  const Cycle cycles = kernel_.now() - began_ + accounts_.skipped() - skipped_before_;
  if (expected_) {
    const auto error = static_cast<double>(std::max(cycles, *expected_) - std::min(cycles, *expected_));
    ++reused_.verified;
    reused_.worst = std::max(reused_.worst, error / static_cast<double>(cycles));
    expected_.reset();
  }
  if (!walk_.removable() || taken_.contains(walk_.content())) return;
  Taken& taken = taken_[walk_.content()];
  taken.cycles = cycles;
  taken.bursts = fabric_.bursts() - begin_bursts_;
  taken.operations = walk_.operations();
  accounts_.add_since(*begin_, taken.spent);
}

// As long as the mean of those timed since the run before it and of those timed up to the run behind it, each
// side as much; their difference says how far that may be off.
void Segments::count(const Content& content, const Run& run) {
  const auto begin = content.timed.begin(), end = content.timed.end();
  const auto first = [&](int runs) {
    return std::find_if(begin, end, [=](const Timed& t) { return t.runs >= runs; });
  };
  const auto behind = first(run.runs + 1), to = first(run.runs + 2);
  const auto from = first(run.runs) == behind ? begin : first(run.runs);
  const auto mean = [](auto at, auto until) {
    double sum = 0;
    for (auto t = at; t != until; ++t) sum += static_cast<double>(t->cycles);
    return sum / static_cast<double>(until - at);
  };
  const double before = mean(from, behind), after = to == behind ? before : mean(behind, to);
  const auto times = static_cast<double>(run.count);
  const double device = static_cast<double>(run.bursts) * burst_bytes_ / device_bytes_a_cycle_;
  const auto cycles = static_cast<Cycle>(std::llround(std::max(times * (before + after) / 2, device)));
  doubt_ += times * std::abs(before - after) / 2;
  reused_.cycles += cycles;
  Accounts::Spent spent;
  for (auto t = from; t != to; ++t) spent.add(t->spent);
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
  s(simulated.runs, simulated.content, simulated.begin, simulated.cores);
  show(s, simulated.from, pes_);
}

void Segments::state(Snapshot& s, Segment& segment) {
  s(segment.last, segment.over, segment.removable, segment.content, segment.counters, segment.operations,
    segment.accesses, segment.buffers);
  show(s, segment.begin, pes_);
}

void Segments::state(Snapshot& s) {
  s(depth_, walk_, taken_, nothing_, verify_, random_, progress_);
  const std::uint64_t count = s.size(simulated_.size());
  if (s.loads()) simulated_.resize(count);
  for (Simulated& simulated : simulated_) state(s, simulated);
  state(s, segment_);
  state(s, ahead_);
  s(contents_, expected_);
  s.optional(begin_, accounts_);
  s.optional(segment_begin_, accounts_);
  s(began_, skipped_before_, begin_bursts_, walking_, unlike_, warm_, runs_, timed_, timed_cycles_, walked_,
    left_out_, reused_, doubt_);
}

}  // namespace leto::model
