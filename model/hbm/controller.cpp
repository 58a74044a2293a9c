#include "model/hbm/controller.h"

#include <cmath>

namespace leto::model {
namespace {

ControllerSpec::Refresh refresh_of(const std::string& name) {
  using enum ControllerSpec::Refresh;
  return name == "all_bank" ? all_bank : name == "per_bank" ? per_bank : none;
}

AddressMap::Kind map_of(const std::string& name) {
  using enum AddressMap::Kind;
  return name == "linear" ? linear : name == "interleaved" ? interleaved : striped;
}

/// Bank groups that column commands have to alternate between for the data bus not to idle.
int stripe_of(const CommandTiming& timing, const BankGeometry& geometry) {
  const Tick groups = (timing.column_same_group + timing.column_same_stack - 1) / timing.column_same_stack;
  return std::min(static_cast<int>(std::bit_ceil(groups)), geometry.groups);
}

constexpr double kRounding = 1e-9;  // shares of a queue that are whole numbers but for rounding

}  // namespace

ControllerSpec::ControllerSpec(const DramTiming& grade, const HbmConfig& policy, int pseudo_channels)
    : timing(grade),
      geometry{pseudo_channels, grade.stack_ids, grade.bank_groups, grade.banks_per_group},
      map(map_of(policy.address_map), {.bursts_a_row = grade.row_bytes / grade.burst_bytes,
                                       .banks = geometry.banks(),
                                       .stacks = geometry.stack_mask + 1,
                                       .stripe = stripe_of(timing, geometry)}),
      refresh(refresh_of(policy.refresh)),
      postponable(policy.refresh_postponed * pseudo_channels),
      closed_rows(policy.row_policy == "closed"),
      read_queue(policy.read_queue),
      write_queue(policy.write_queue),
      drain_above(static_cast<int>(std::floor(policy.write_high * policy.write_queue + kRounding))),
      drain_below(static_cast<int>(std::ceil(policy.write_low * policy.write_queue - kRounding))) {}

ControllerCounts& ControllerCounts::operator+=(const ControllerCounts& other) {
  reads += other.reads;
  writes += other.writes;
  forwarded += other.forwarded;
  merged += other.merged;
  activates += other.activates;
  conflicts += other.conflicts;
  refreshes += other.refreshes;
  turnarounds += other.turnarounds;
  read_ticks += other.read_ticks;
  return *this;
}

Controller::Controller(const ControllerSpec& spec)
    : spec_(&spec),
      device_(spec.timing, spec.geometry),
      queues_{RequestQueue(spec.read_queue, spec.geometry.group_mask),
              RequestQueue(spec.write_queue, spec.geometry.group_mask)},
      queued_writes_(spec.write_queue),
      next_refresh_(refresh_interval()) {}

Tick Controller::refresh_interval() const {
  using enum ControllerSpec::Refresh;
  if (spec_->refresh == none) return kNever;
  return spec_->refresh == all_bank ? spec_->timing.refresh_interval : spec_->timing.bank_refresh_interval;
}

Tick Controller::next() const {
  if (idle() && runs_.empty()) return kNever;
  return next_event();
}

void Controller::simulate(Tick to) {
  for (Tick now = next_event(); now <= to; now = next_event()) {
    if (now == next_refresh_) {
      if (idle() && skip_refreshes(to)) continue;
      refresh_due(now);
    }
    step(now);
  }
  from_ = to + 1;
}

// While nothing waits and no row is open, a refresh leaves nothing behind that a later one of the same banks
// does not: only the last ones are simulated.
bool Controller::skip_refreshes(Tick to) {
  const Tick until = std::min(to, next_arrival_);
  if (device_.open() != 0 || refreshes_due_ != 0 || next_refresh_ > until) return false;
  const Tick due = (until - next_refresh_) / refresh_interval();
  const Tick kept = all_banks() ? 0 : static_cast<Tick>(spec_->geometry.banks());
  const Tick skipped = due - std::min(due, kept);
  next_refresh_ += skipped * refresh_interval();
  counts_.refreshes += skipped * static_cast<Tick>(spec_->geometry.pseudo_channels);
  return skipped != 0;
}

void Controller::refresh_due(Tick now) {
  next_refresh_ += refresh_interval();
  refreshes_due_ += spec_->geometry.pseudo_channels;
  to_refresh_ = banks_to_refresh();
  column_stale_ = row_stale_ = true;
  plan(now);
}

// One tick: a column command, a row command, then the bursts that may start with the next tick.
inline void Controller::step(Tick now) {
  if (column_.tick == now && !row_goes_first()) {
    issue_column(now);
    if (spec_->timing.shared_bus) {
      row_ = {};
      row_stale_ = true;
    } else {
      if (!stopped()) choose_direction();
      if (row_stale_) plan_row(now);
    }
  }
  if (row_.tick == now) issue_row(now);
  if (next_arrival_ <= now) accept(now);
  plan(now + 1);
}

// --- what comes next
// -------------------------------------------------------------------------------------------

// The next commands if nothing arrives and no refresh falls due before. While all stop for refreshes the
// direction rests.
// A planned command stands until it is issued or what it was chosen for changes; what becomes possible later
// is offered, and taken if it goes before.
inline void Controller::plan(Tick from) {
  if (!stopped_from(from)) choose_direction();
  if (column_stale_) plan_column(from);
  if (row_stale_) plan_row(from);
}

inline void Controller::choose_direction() {
  const int reads = queue(false).size(), writes = queue(true).size();
  if (writing_ ? reads == 0 || writes >= spec_->drain_below : reads != 0 && writes <= spec_->drain_above)
    return;
  writing_ = !writing_;
  column_stale_ = row_stale_ = true;
}

inline void Controller::plan_column(Tick from) {
  column_ = {};
  column_stale_ = false;
  if (!stopped()) plan_hits(from);
  for (const MovedList::Moved& moved : moved_) {
    if (moved.opened > column_.tick) break;
    offer_moved(moved, from);
  }
}

// Hits of a bank that is held: a moved request of the same direction goes before them in any case, others are
// looked at one by one.
inline void Controller::plan_hits(Tick from) {
  RequestQueue& waiting = queue(writing_);
  const bool write = writing_;
  for (BankWalk b(waiting.held_hits() & ~moved_.banks(write)); b; b.next()) {
    if (device_.opened(b.bank(), write) <= from)
      waiting.let_go(b.bank());
    else
      offer_hit(waiting.oldest_held(b.bank()), from);
  }
  const Tick bus = column_bus(from);
  const BankGeometry& geometry = spec_->geometry;
  Command best = column_;
  int best_group = kNone;
  for (int i = 0; i <= geometry.stack_mask;
       ++i) {  // the stack id of the last command, whose gap is short, first
    const int stack = last_stack_ ^ i;
    const Tick ready = std::max(bus, device_.stack_column_ready(stack, write));
    if (ready > best.tick) continue;
    for (BankWalk g(waiting.hit_groups() & geometry.groups_of(stack)); g; g.next()) {
      const int group = g.bank();
      const Tick tick = std::max(ready, device_.group_column_ready(group, write));
      const std::uint64_t age = waiting.hit_age(group);
      const bool before = goes_before(tick, age, best);
      best.tick = before ? tick : best.tick;
      best.age = before ? age : best.age;
      best_group = before ? group : best_group;
    }
  }
  if (best_group == kNone) return;
  column_ = {best.tick, waiting.oldest_hit(best_group).bank, false, best.age};
}

inline void Controller::offer_hit(const RequestQueue::Request& hit, Tick from) {
  const Tick tick = std::max(column_bus(from), device_.column_ready(hit.bank, writing_));
  if (goes_before(tick, hit.age, column_)) column_ = {tick, hit.bank, false, hit.age};
}

inline void Controller::offer_moved(const MovedList::Moved& moved, Tick from) {
  const Tick tick = std::max(column_bus(from), device_.column_ready(moved.bank, moved.write));
  if (tick > column_.tick) return;
  if (tick == column_.tick && column_.moved && !moved.goes_before(first_moved_)) return;
  column_ = {tick, moved.bank, true, 0};
  first_moved_ = moved;
}

void Controller::plan_row(Tick from) {
  row_ = {};
  row_stale_ = false;
  const Tick bus = std::max(from, row_bus_free_);
  if (!stopped()) plan_misses(bus);
  if (refreshes_due_ != 0) plan_refresh(bus);
}

inline void Controller::plan_misses(Tick bus) {
  const RequestQueue& waiting = queue(writing_);
  const BankSet missed = waiting.misses() & ~moved_.banks() & ~to_refresh_;
  Command best;
  const auto offer = [&](int bank, Tick tick) {
    const std::uint64_t age = waiting.miss_age(bank);
    const bool before = goes_before(tick, age, best);
    best.tick = before ? tick : best.tick;
    best.age = before ? age : best.age;
    best.bank = before ? bank : best.bank;
  };
  for (BankWalk b(missed & device_.open()); b; b.next())
    offer(b.bank(), std::max(bus, device_.precharge_ready(b.bank())));
  for (BankWalk b(missed & ~device_.open()); b; b.next())
    offer(b.bank(), rising(std::max(bus, device_.activate_ready(b.bank()))));
  row_ = best;
}

inline bool Controller::wants_row(int bank) const {
  return (queue(writing_).misses() & ~moved_.banks() & ~to_refresh_ & bank_bit(bank)) != 0;
}

// A new request, the youngest.
inline void Controller::offer(const RequestQueue::Request& request, bool hit, Tick from) {
  if (hit && !column_stale_) offer_hit(request, from);
  row_stale_ |= hit && (to_refresh_ & bank_bit(request.bank)) != 0;
  if (!hit) offer_miss_of(request.bank, from);
}

inline void Controller::offer_miss_of(int bank, Tick from) {
  if (!row_stale_ && !stopped() && wants_row(bank)) offer_miss(bank, from);
}

inline void Controller::offer_miss(int bank, Tick from) {
  from = std::max(from, row_bus_free_);
  const Tick tick = device_.is_open(bank) ? std::max(from, device_.precharge_ready(bank))
                                          : rising(std::max(from, device_.activate_ready(bank)));
  const std::uint64_t age = queue(writing_).miss_age(bank);
  if (goes_before(tick, age, row_)) row_ = {tick, bank, false, age};
}

// The refresh that is due first: its banks are closed once they are not needed, then it starts. It goes
// before what else may go at the tick.
void Controller::plan_refresh(Tick from) {
  if (needed(device_.open() & to_refresh_)) return;
  const Command refresh = refresh_command(from);
  if (refresh.tick <= row_.tick) row_ = refresh;
}

Controller::Command Controller::refresh_command(Tick from) const {
  const int bank = lowest(to_refresh_);
  const int channel = spec_->geometry.pseudo_channel(bank);
  if ((device_.open() & to_refresh_) != 0) {
    const Tick ready = all_banks() ? device_.precharge_all_ready(channel) : device_.precharge_ready(bank);
    return {.tick = std::max(from, ready), .bank = bank, .refresh = true};
  }
  const Tick ready = all_banks() ? device_.refresh_all_ready(channel) : device_.refresh_ready(bank);
  return {.tick = rising(std::max(from, ready)), .bank = bank, .refresh = true};
}

bool Controller::needed(BankSet open) const {
  if ((moved_.banks() & open) != 0) return true;
  if (stopped()) return false;
  for (BankWalk b(open); b; b.next())
    if (queue(writing_).has_hit(b.bank())) return true;
  return false;
}

BankSet Controller::banks_to_refresh() const {
  if (refreshes_due_ == 0) return 0;
  const int bank = spec_->geometry.refresh_order(counts_.refreshes);
  return all_banks() ? spec_->geometry.banks_of(spec_->geometry.pseudo_channel(bank)) : bank_bit(bank);
}

// On a shared bus: moved requests, then refreshes, then the older request.
inline bool Controller::row_goes_first() const {
  return spec_->timing.shared_bus && row_.tick == column_.tick && row_.age < column_.age;
}

// --- commands
// --------------------------------------------------------------------------------------------------

inline void Controller::issue_column(Tick now) {
  const int bank = column_.bank;
  column_stale_ = true;
  row_stale_ |= row_.bank == bank || (to_refresh_ & bank_bit(bank)) != 0;
  if (column_.moved)
    serve_moved(bank, now);
  else
    serve_hit(bank, now);
  if (spec_->timing.shared_bus) row_bus_free_ = now + 1;
  if (spec_->closed_rows && !row_wanted(bank)) {
    device_.close_after_column(bank);
    closed(bank);
    row_stale_ |= row_.bank == bank;
    offer_miss_of(bank, now);
  }
}

inline void Controller::serve_hit(int bank, Tick now) {
  const bool write = writing_;
  use_data_bus(bank, write, now);
  const RequestQueue::Request& served = queue(write).take_hit(bank);
  if (blocked_) next_arrival_ = now;
  if (write)
    queued_writes_.remove(served.burst);
  else
    return_burst(served.run, now + spec_->timing.read_latency, served.age / kIntake);
}

void Controller::serve_moved(int bank, Tick now) {
  const MovedList::Moved served = moved_.take(bank);
  use_data_bus(bank, served.write, now);
  queue(served.write).let_go(bank);
  if (!served.write) return_burst(served.run, now + spec_->timing.read_latency, served.accepted);
  offer_miss_of(bank, now);
}

inline void Controller::use_data_bus(int bank, bool write, Tick now) {
  device_.column(bank, write, now);
  last_stack_ = spec_->geometry.stack(bank);
  ++(write ? counts_.writes : counts_.reads);
  if (write != bus_writing_) ++counts_.turnarounds;
  bus_writing_ = write;
}

bool Controller::row_wanted(int bank) const {
  return queue(false).has_hit(bank) || queue(true).has_hit(bank) || (moved_.banks() & bank_bit(bank)) != 0;
}

void Controller::issue_row(Tick now) {
  row_stale_ = true;
  row_bus_free_ = now + 1;
  column_stale_ |= spec_->timing.shared_bus;
  if (row_.refresh) return issue_refresh(now);
  if (!device_.is_open(row_.bank)) return activate(row_.bank, now);
  ++counts_.conflicts;
  device_.precharge(row_.bank, now);
  closed(row_.bank);
  column_stale_ |= column_.bank == row_.bank;
}

void Controller::activate(int bank, Tick now) {
  row_bus_free_ = now + spec_->timing.activate_bus;
  ++counts_.activates;
  const RequestQueue::Request& request = queue(writing_).take_miss(bank);
  if (blocked_) next_arrival_ = now;
  if (writing_) queued_writes_.remove(request.burst);
  device_.activate(bank, request.row, now);
  const MovedList::Moved moved{.opened = device_.opened(bank, writing_),
                               .accepted = request.age / kIntake,
                               .activated = now,
                               .run = request.run,
                               .bank = request.bank,
                               .write = writing_};
  moved_.add(moved);
  for (RequestQueue& q : queues_) q.opened(bank, request.row);
  if (!column_stale_) offer_moved(moved, now + 1);
}

void Controller::issue_refresh(Tick now) {
  const int bank = row_.bank, channel = spec_->geometry.pseudo_channel(bank);
  const BankSet open = device_.open() & to_refresh_;
  column_stale_ = true;
  if (open != 0) {
    all_banks() ? device_.precharge_all(channel, now) : device_.precharge(bank, now);
    for (BankWalk b(open); b; b.next()) closed(b.bank());
    return;
  }
  all_banks() ? device_.refresh_all(channel, now) : device_.refresh(bank, now);
  --refreshes_due_;
  ++counts_.refreshes;
  to_refresh_ = banks_to_refresh();
}

void Controller::closed(int bank) {
  for (RequestQueue& q : queues_) q.closed(bank);
}

// --- bursts in and out
// -----------------------------------------------------------------------------------------

inline void Controller::accept(Tick now) {
  next_arrival_ = kNever;
  blocked_ = false;
  std::uint64_t age = now * kIntake;
  for (const std::uint64_t end = age + kIntake; !runs_.empty(); ++age) {
    const std::int32_t front = runs_.front();
    const RunList::Item& run = runs_[front];
    if (run.at > now || age == end) {
      next_arrival_ = std::max(run.at, now + 1);
      return;
    }
    if (!accept_burst(front, age)) {
      blocked_ = true;
      return;
    }
  }
}

// The next burst of the FIFO's front, unless there is no room for it.
inline bool Controller::accept_burst(std::int32_t front, std::uint64_t age) {
  RunList::Item& run = runs_[front];
  const std::uint64_t burst = run.next_burst;
  const Tick now = age / kIntake;
  const bool write = run.write, known = write_queued(burst);
  if (!known && queue(write).full()) return false;
  ++run.next_burst;
  --backlog_;
  if (--run.to_accept == 0) {
    runs_.pop();
    if (write) {
      completed_.push_back({now, run.tag, true});
      runs_.release(front);
    }
  }
  if (known) [[unlikely]]
    meet_queued_write(front, write, now);
  else
    enqueue(burst, front, write, age);
  return true;
}

inline void Controller::enqueue(std::uint64_t burst, std::int32_t run, bool write, std::uint64_t age) {
  const BurstPlace place = spec_->map(burst);
  const std::uint32_t open_row = device_.open_row(place.bank);
  const auto& request = queue(write).push(burst, place.bank, place.row, open_row, age, run);
  if (write) queued_writes_.add(burst);
  if (write == writing_ && !stopped()) offer(request, place.row == open_row, age / kIntake + 1);
}

void Controller::meet_queued_write(std::int32_t run, bool write, Tick now) {
  if (write) {
    ++counts_.merged;
  } else {
    ++counts_.forwarded;
    return_burst(run, now + 1, now);
  }
}

inline bool Controller::write_queued(std::uint64_t burst) const {
  return queue(true).size() != 0 && queued_writes_.may_hold(burst) &&
         queue(true).holds(spec_->map(burst).bank, burst);
}

inline void Controller::return_burst(std::int32_t index, Tick back, Tick accepted) {
  data_back_ = std::max(data_back_, back);
  counts_.read_ticks += data_back_ - accepted;
  RunList::Item& run = runs_[index];
  if (--run.to_return != 0) return;
  completed_.push_back({data_back_, run.tag, false});
  runs_.release(index);
}

}  // namespace leto::model
