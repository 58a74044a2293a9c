#include "model/reuse/layers.h"

#include <algorithm>
#include <cmath>

#include "isa/liveness.h"

namespace leto::model {
namespace {

template <class Value>
Value at(const std::map<std::string, Value>& all, const std::string& name) {
  const auto found = all.find(name);
  return found == all.end() ? Value{} : found->second;
}

// The traffic alone.
void add(Statistics& to, const Statistics& now, const Statistics& before, std::int64_t times) {
  add_repeated(to.bursts, now.bursts, before.bursts, times);
  for (const auto& [name, count] : now.counters)
    add_repeated(to.counters[name], count, at(before.counters, name), times);
  for (const auto& [name, traffic] : now.bytes) {
    add_repeated(to.bytes[name].read, traffic.read, at(before.bytes, name).read, times);
    add_repeated(to.bytes[name].write, traffic.write, at(before.bytes, name).write, times);
  }
}

void show(Snapshot& s, Statistics& traffic) {
  s(traffic.bursts, traffic.counters, traffic.bytes);
}

double difference(Cycle a, Cycle b) {
  return std::abs(static_cast<double>(a) - static_cast<double>(b));
}

}  // namespace

Layers::Layers(const isa::Program& program, Accounts& accounts, Counters& counters, const Fabric& fabric,
               Passage& passage, const std::vector<Pe*>& pes, int verify, std::uint64_t seed)
    : program_(program),
      accounts_(accounts),
      counters_(counters),
      fabric_(fabric),
      passage_(passage),
      pes_(pes),
      verify_(verify),
      random_(seed) {}

// What all cores have in common; nothing when one of them is elsewhere.
std::optional<isa::Core::Trips> Layers::trips() const {
  const auto first = pes_.front()->core(0).trips();
  for (Pe* pe : pes_)
    for (int core = 0; core < isa::kCores; ++core) {
      const IssueCore& c = pe->core(core);
      if (c.ended() || !c.trips()) return {};
      if (core == 0 && c.trips() != first) return {};
      if (c.trips()->remaining != first->remaining || c.trips()->step != first->step) return {};
    }
  return first;
}

Layers::Anchor Layers::here(const isa::Core::Trips& trips) const {
  Anchor anchor{trips.begin, {}};
  for (int core = 0; core < isa::kCores; ++core)
    anchor.pc[static_cast<std::size_t>(core)] = pes_.front()->core(core).pc();
  return anchor;
}

Layers::Mark Layers::mark(Cycle now) const {
  for (Pe* pe : pes_) pe->bill_waits(now, kNever, ~0u);
  passage_.flush();
  Mark mark{now + accounts_.skipped(), accounts_, counters_, {}, {}};
  fabric_.report(mark.traffic);
  for (Pe* pe : pes_)
    for (int core = 0; core < isa::kCores; ++core) {
      const auto registers = pe->core(core).registers();
      mark.registers.insert(mark.registers.end(), registers.begin(), registers.end());
    }
  return mark;
}

// Of the registers that go on into the next trip; what the others hold is written anew before it is read.
Layers::Registers Layers::change(const Mark& from, const Mark& to) const {
  Registers change(from.registers.size(), 0);
  for (std::size_t i = 0; i < change.size(); ++i)
    if (live_[i / isa::kRegisters % isa::kCores] >> i % isa::kRegisters & 1)
      change[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(to.registers[i]) -
                                            static_cast<std::uint64_t>(from.registers[i]));
  return change;
}

// All PEs run the same code.
void Layers::find_live() {
  for (int id = 0; id < isa::kCores; ++id) {
    const IssueCore& core = pes_.front()->core(id);
    const std::vector<isa::Instruction>& code = program_.code[static_cast<std::size_t>(id)];
    const std::uint32_t begin = core.trips()->begin;
    const auto length = static_cast<std::uint32_t>(code[begin - 1].field[isa::loop_t::length]);
    live_[static_cast<std::size_t>(id)] = isa::live_registers(code, begin, begin + length, core.pc());
  }
}

void Layers::forget() {
  anchor_.reset();
  marks_.clear();
  known_.reset();
  verifying_ = false;
}

void Layers::at_barrier(Cycle now) {
  const auto trips = this->trips();
  if (!trips) return forget();
  const Anchor here = this->here(*trips);
  if (anchor_ && (anchor_->begin != here.begin || trips->remaining > remaining_)) forget();
  if (!anchor_) {
    anchor_ = here;
    find_live();
  }
  if (here != *anchor_) return;
  remaining_ = trips->remaining;
  look(*trips, now);
}

void Layers::look(const isa::Core::Trips& trips, Cycle now) {
  marks_.push_back(mark(now));
  if (marks_.size() > 3) marks_.erase(marks_.begin());
  if (marks_.size() < 2) return;
  const Mark& before = marks_[marks_.size() - 2];
  const Cycle cycles = marks_.back().at - before.at;
  if (known_) {
    verifying_ = false;
    ++reused_.verified;
    reused_.worst = std::max(reused_.worst, difference(cycles, *known_) / static_cast<double>(cycles));
  } else {
    if (marks_.size() < 3) return;
    const Cycle earlier = before.at - marks_[0].at;
    if (difference(cycles, earlier) > kTolerance * static_cast<double>(cycles)) return;
    if (change(marks_[0], before) != change(before, marks_[2])) return;
    doubt_ += difference(cycles, earlier) * static_cast<double>(trips.remaining);
    known_ = cycles;
  }
  const std::int64_t count = until_verified(trips.remaining);
  verifying_ = count < trips.remaining;
  if (count > 0) leave_out(count, trips, now);
}

// Trips to leave out before the next one that is simulated: the last one, or one drawn for verification.
std::int64_t Layers::until_verified(std::int64_t remaining) {
  if (verify_ == 0 || remaining < 2) return remaining;
  --verify_;
  return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(remaining));
}

// Each is as the last trip was.
void Layers::leave_out(std::int64_t count, const isa::Core::Trips& trips, Cycle here) {
  const Mark &before = marks_[marks_.size() - 2], &now = marks_.back();
  const Cycle cycles = now.at - before.at;
  const Registers change = this->change(before, now);
  accounts_.repeat(before.accounts, now.accounts, count, trips.step, cycles);
  add_repeated(counters_, now.counters, before.counters, count);
  add(traffic_, now.traffic, before.traffic, count);
  std::size_t first = 0;
  for (Pe* pe : pes_)
    for (int core = 0; core < isa::kCores; ++core, first += isa::kRegisters)
      pe->core(core).skip_trips(count, std::span(change).subspan(first, isa::kRegisters));
  reused_.trips += count;
  reused_.cycles += static_cast<Cycle>(count) * cycles;
  remaining_ -= count;
  Mark after = mark(here);
  marks_.clear();
  marks_.push_back(std::move(after));
}

void Layers::report(Statistics& statistics) const {
  add(statistics, traffic_, Statistics{}, 1);
  Reused& reused = statistics.reused;
  reused.cycles += reused_.cycles;
  reused.trips = reused_.trips;
  reused.verified += reused_.verified;
  reused.worst = std::max(reused.worst, reused_.worst);
  reused.bound += doubt_ / static_cast<double>(statistics.cycles);
}

void Layers::Mark::state(Snapshot& s) {
  s(at, accounts, counters, registers);
  show(s, traffic);
}

void Layers::state(Snapshot& s) {
  s(verify_, random_, anchor_, live_, remaining_, known_, verifying_, reused_, doubt_);
  s.elements(marks_, Mark{0, accounts_, {}, {}, {}});
  show(s, traffic_);
}

}  // namespace leto::model
