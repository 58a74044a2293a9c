#include "model/issue_core/issue_core.h"

namespace leto::model {
namespace {

// Instructions of one turn: bounds the work between two looks at the rest of the chip.
constexpr int kTurn = 1 << 16;

}  // namespace

void add_repeated(Counters& to, const Counters& now, const Counters& before, std::int64_t times) {
  add_repeated(to.commands, now.commands, before.commands, times);
  add_repeated(to.instructions, now.instructions, before.instructions, times);
  add_repeated(to.macs, now.macs, before.macs, times);
  for (std::size_t type = 0; type < to.macs_by_dtype.size(); ++type)
    add_repeated(to.macs_by_dtype[type], now.macs_by_dtype[type], before.macs_by_dtype[type], times);
  add_repeated(to.local_store_read, now.local_store_read, before.local_store_read, times);
  add_repeated(to.local_store_written, now.local_store_written, before.local_store_written, times);
}

void report(const Counters& counters, Statistics& statistics) {
  statistics.commands = counters.commands;
  statistics.instructions = counters.instructions;
  statistics.macs = counters.macs;
  for (int type = 0; type < kDTypeCount; ++type)
    if (const std::int64_t macs = counters.macs_by_dtype[static_cast<std::size_t>(type)]; macs != 0)
      statistics.macs_by_dtype[std::string(name_of(static_cast<DType>(type)))] = macs;
  statistics.bytes["ls"] = {counters.local_store_read, counters.local_store_written};
}

IssueCore::IssueCore(const isa::Program& program, int id, const isa::Place& place,
                     const CommandProcessorConfig& config, bool free_issue, Accounts& accounts)
    : program_(&program),
      id_(id),
      place_(place),
      config_(config),
      free_issue_(free_issue),
      core_(program.code[id], id, place, program.source_ids()),
      line_(accounts, Engine::issue_core, place.index() * isa::kCores + id) {}

void IssueCore::launch(Cycle at) {
  core_ = isa::Core(program_->code[id_], id_, place_, program_->source_ids());
  waited_[0] += at - line_.since();
  line_.until(at, State::launch, kNoOperation);
  time_ = at;
  issued_ = 0;
  stop_ = core_.ended() ? Stop::ended : Stop::none;
}

// The core has come to another instruction, and somebody wants to know.
void IssueCore::moved() {
  if (!watch_->hears_of(id_, core_.pc()) || !core_.at_body()) return;
  if (const isa::Core* on = watch_->at_body(place_.index(), id_, issued_)) core_ = *on;
}

void IssueCore::spend(int cycles) {
  if (free_issue_) return;
  if (const std::uint32_t operation = core_.source(); operation != busy_with_) {
    bill_busy();
    busy_with_ = operation;
  }
  time_ += static_cast<Cycle>(cycles);
}

void IssueCore::bill_busy() {
  line_.until(time_, State::busy, busy_with_);
}

void IssueCore::run(CommandProcessor& processor, Counters& counters) {
  if (stop_ == Stop::pause) stop_ = Stop::none;
  for (int turn = 0; stop_ == Stop::none; ++turn) {
    if (turn == kTurn)
      stop_ = Stop::pause;
    else
      step(processor, counters);
  }
  bill_busy();
}

void IssueCore::step(CommandProcessor& processor, Counters& counters) {
  const isa::Unit unit = core_.unit();
  if (unit == isa::Unit::core) {
    spend(config_.scalar_cycles);
    ++counters.instructions;
    core_.execute_scalar();
    if (watch_) moved();
    if (core_.ended()) stop_ = Stop::ended;
    return;
  }
  if (unit == isa::Unit::sync || unit == isa::Unit::buffer) {
    spend(config_.issue_cycles);
    ++counters.instructions;
    switch (core_.current().opcode) {
      case isa::Opcode::barrier:
        stop_ = Stop::barrier;
        break;
      case isa::Opcode::post:
        stop_ = Stop::post;
        break;
      case isa::Opcode::wait:
        stop_ = Stop::wait;
        break;
      default:
        stop_ = Stop::define;
    }
    return;
  }
  if (processor.full(queue_of(unit), id_))
    stop_ = Stop::queue_full;
  else
    issue(processor, counters);
}

void IssueCore::issue(CommandProcessor& processor, Counters& counters) {
  spend(config_.issue_cycles);
  ++counters.instructions;
  ++counters.commands;
  core_.capture_current(processor.push(wanted_queue(), id_, time_));
  core_.advance();
  ++issued_;
  if (watch_) moved();
}

State IssueCore::waiting_for() const {
  switch (stop_) {
    case Stop::queue_full:
      return State::queue_full;
    case Stop::barrier:
      return State::barrier;
    case Stop::wait:
      return State::semaphore;
    case Stop::post:
      return State::post;
    case Stop::ended:
      return State::idle;
    default:
      return State::busy;
  }
}

// A unit without work sees its core's wait as the cause; that the core fed others through a full queue is no
// cause.
std::size_t IssueCore::waited_index() const {
  switch (stop_) {
    case Stop::barrier:
      return 1;
    case Stop::wait:
      return 2;
    case Stop::post:
      return 2;
    default:
      return 3;
  }
}

IssueCore::Waited IssueCore::waited(Cycle at) const {
  Waited waited = waited_;
  const bool stopped = stop_ != Stop::none && stop_ != Stop::pause && stop_ != Stop::ended;
  if (stopped && at > time_) waited[waited_index()] += at - time_;
  return waited;
}

void IssueCore::settle(Cycle now) {
  line_.until(now, waiting_for(), ended() ? kNoOperation : core_.source());
}

void IssueCore::resume(Cycle at) {
  if (at > time_) {
    waited_ = waited(at);
    line_.until(at, waiting_for(), core_.source());
    time_ = at;
  }
  // A full queue has room now: the instruction is issued by the next turn.
  if (stop_ != Stop::queue_full) {
    core_.advance();
    if (watch_) moved();
  }
  stop_ = Stop::none;
}

}  // namespace leto::model
