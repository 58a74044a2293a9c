#include "model/twin/reduction_checker.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"

namespace leto::model {
namespace {

#define PORTS "rtl/reduction_engine/ports.inc"
#include "model/twin/pins.inc"

using isa::Opcode;

}  // namespace

std::string shown(std::uint32_t bits, DType type) {
  return fmt::format("0x{:0{}x} ({:.9g})", bits, 2 * size_of(type),
                     load_element(type, reinterpret_cast<const std::byte*>(&bits), 0));
}

/// The model's side of one command: when each beat goes in and comes out.
struct ReductionChecker::Schedule {
  Schedule(const ReductionRun& r, const ReductionEngineConfig& config)
      : run(r),
        step(r.op == Opcode::pass ? config.link_bytes_per_cycle / 4 : config.elements_per_cycle),
        beats((r.count + step - 1) / step),
        stall_beat(r.stall_beat < 0 ? beats - 1 : r.stall_beat) {}

  bool reads() const { return run.op == Opcode::fill || run.op == Opcode::merge; }
  bool wants(Opcode op) const { return run.op == op && in < beats; }
  /// In which cycle beat i leaves.
  Cycle leaves(int i) const {
    return run.finish - static_cast<Cycle>(beats - i) - (i < stall_beat ? run.stall : 0);
  }
  /// Does the stall hold the engine's output, or what it reads, in this cycle?
  bool held_out(Cycle now) const {
    return !reads() && out == stall_beat && now + run.stall >= leaves(out) && now < leaves(out);
  }
  bool offered(Cycle now) const {
    return in < stall_beat || now >= run.start + static_cast<Cycle>(in) + run.stall;
  }
  /// Is a beat at the output?
  bool valid(Cycle now) const { return out < beats && (now == leaves(out) || held_out(now)); }
  bool goes_in(Cycle now) const { return in < beats && !held_out(now) && (!reads() || offered(now)); }
  int left(int beat) const { return std::min(step, run.count - beat * step); }

  const ReductionRun& run;
  int step, beats, stall_beat;
  int in = 0, out = 0;  // the next beats to go in and to come out
};

ReductionChecker::ReductionChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                                   std::uint64_t seed, std::unique_ptr<rtl::Block> block)
    : config_(chip.reduction_engine),
      comparison_(spec, instance, seed),
      rtl_(built_block(TwinBlock::reduction_engine, chip, instance, std::move(block))) {}

void ReductionChecker::offer(const ReductionRun* run) {
  value(pins::cmd_valid) = run != nullptr;
  if (!run) return;
  value(pins::cmd_op) = static_cast<std::uint32_t>(run->op);
  value(pins::cmd_dst_type) = static_cast<std::uint32_t>(run->type);
  value(pins::cmd_count) = static_cast<std::uint32_t>(run->count);
}

void ReductionChecker::end_cycle(Cycle now) {
  if (comparing_) comparison_.compares(now);
  rtl_->clock();
}

void ReductionChecker::check_done(bool done, Cycle now) {
  if (!comparing_) return;
  std::uint64_t rtl = value(pins::done);
  if (!comparison_.agrees(now, "done", 1, done, rtl))
    comparison_.differ(now, "done", std::to_string(int{done}), std::to_string(rtl), last_story_);
}

// The last command's last cycle, or an idle one, in which this command is taken.
void ReductionChecker::start(const ReductionRun& run) {
  const bool following = follows(run);
  const Schedule schedule(run, config_);
  offer(&run);
  if (!following)
    value(pins::f_valid) = value(pins::g_valid) = value(pins::d_ready) = value(pins::p_ready) = 0;
  rtl_->evaluate();
  compare(schedule, pins::cmd_ready, 1, run.start - 1);
  end_cycle(run.start - 1);
  check_done(following, run.start);
  last_ = kNever;
  offer(nullptr);
}

void ReductionChecker::settle() {
  if (last_ == kNever) return;
  offer(nullptr);
  rtl_->evaluate();
  end_cycle(last_);
  check_done(true, last_ + 1);
  rtl_->evaluate();
  end_cycle(last_ + 1);
  check_done(false, last_ + 2);
  last_ = kNever;
}

void ReductionChecker::flush() {
  settle();
  comparison_.raise();
}

void ReductionChecker::add(ReductionRun run) {
  if (!follows(run)) {
    settle();
    if (log_.is_long()) {
      log_ = {};
      rtl_->reset();
    }
  }
  log_.add(std::move(run), comparison_.place());
  play(log_.runs.back());
}

void ReductionChecker::replay(const Log& log) {
  auto run = log.runs.begin();
  if (log.primed && run != log.runs.end()) {
    play_alone(*run, run->finish - cycles_alone(*run));
    ++run;
  }
  comparison_.go_on(log.from);
  for (; run != log.runs.end(); ++run) add(*run);
  flush();
}

void ReductionChecker::play(const ReductionRun& run) {
  start(run);
  Schedule schedule(run, config_);
  collected_.clear();
  for (Cycle now = run.start; now < run.finish; ++now) tick(schedule, now);
  last_ = run.finish - 1;
  last_story_ = comparing_ ? story(schedule) : Story{};
}

Cycle ReductionChecker::cycles_alone(const ReductionRun& run) const {
  return static_cast<Cycle>(Schedule(run, config_).beats + config_.latency_cycles);
}

// From an idle engine; nothing is compared.
void ReductionChecker::play_alone(ReductionRun run, Cycle start) {
  comparing_ = false;
  run.start = start;
  run.finish = start + cycles_alone(run);
  run.stall = 0;
  play(run);
  comparing_ = true;
}

std::vector<std::uint32_t> ReductionChecker::compute(ReductionRun run) {
  play_alone(std::move(run), 1);
  comparing_ = false;
  settle();
  comparing_ = true;
  return std::move(collected_);
}

// One cycle: what the RTL is offered, and what it answers. The last one stays open for the next command.
void ReductionChecker::tick(Schedule& schedule, Cycle now) {
  const ReductionRun& run = schedule.run;
  const bool goes_in = schedule.goes_in(now), valid = schedule.valid(now), held = schedule.held_out(now);
  const auto from = static_cast<std::size_t>(schedule.in * schedule.step);
  const auto put = [&](int pin, const std::vector<std::uint32_t>& all) {
    if (from < all.size())
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(from),
                  static_cast<std::size_t>(schedule.left(schedule.in)), rtl_->pin(pin));
  };
  if (goes_in) put(pins::b_data, run.banks);
  value(pins::f_valid) = goes_in && run.op == Opcode::fill;
  value(pins::g_valid) = goes_in && run.op == Opcode::merge;
  if (goes_in && schedule.reads()) put(run.op == Opcode::fill ? pins::f_data : pins::g_data, run.incoming);
  value(pins::d_ready) = value(pins::p_ready) = !held;
  rtl_->evaluate();
  see_pins(now);
  compare(schedule, pins::f_ready, schedule.wants(Opcode::fill), now);
  compare(schedule, pins::g_ready, schedule.wants(Opcode::merge), now);
  if (schedule.in < schedule.beats) compare(schedule, pins::b_index, static_cast<std::uint32_t>(from), now);
  compare(schedule, pins::w_valid, valid && schedule.reads(), now);
  compare(schedule, pins::d_valid, valid && run.op == Opcode::drain, now);
  compare(schedule, pins::p_valid, valid && run.op == Opcode::pass, now);
  if (valid) check_data(schedule, now);
  if (goes_in) ++schedule.in;
  if (valid && !held) {
    collected_.insert(collected_.end(), rtl_->pin(pins::data),
                      rtl_->pin(pins::data) + schedule.left(schedule.out));
    ++schedule.out;
  }
  if (now + 1 == run.finish) return;
  end_cycle(now);
  check_done(false, now + 1);
}

void ReductionChecker::compare(const Schedule& schedule, int pin, std::uint32_t model, Cycle now) {
  if (!comparing_) return;
  const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
  std::uint64_t rtl = value(pin);
  if (!comparison_.agrees(now, port.name, port.bits, model, rtl))
    comparison_.differ(now, std::string(port.name), std::to_string(model), std::to_string(rtl),
                       story(schedule));
}

void ReductionChecker::check_data(const Schedule& schedule, Cycle now) {
  if (!comparing_) return;
  const auto from = static_cast<std::uint32_t>(schedule.out * schedule.step);
  const int count = schedule.left(schedule.out);
  compare(schedule, pins::index, from, now);
  compare(schedule, pins::count, static_cast<std::uint32_t>(count), now);
  const std::uint32_t* data = rtl_->pin(pins::data);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t model = schedule.run.result[from + static_cast<std::uint32_t>(i)];
    std::uint64_t rtl = data[i];
    if (!comparison_.agrees(now, "data", 32, model, rtl, i))
      comparison_.differ(now, fmt::format("data[{}]", i), shown(model, schedule.run.type),
                         shown(static_cast<std::uint32_t>(rtl), schedule.run.type), story(schedule));
  }
  comparison_.count().values_compared += static_cast<std::uint64_t>(count);
}

// What is not compared: what the RTL was given.
void ReductionChecker::see_pins(Cycle now) {
  TwinWindow* window = comparison_.window(now);
  if (!window) return;
  for (std::size_t pin = 0; pin < rtl_->ports().size(); ++pin) {
    const rtl::Port& port = rtl_->ports()[pin];
    const std::uint32_t* words = rtl_->pin(static_cast<int>(pin));
    if (!port.input) continue;
    if (port.bits <= 32) {
      window->put(now, fmt::format("rtl.{}", port.name), port.bits, words[0]);
      continue;
    }
    for (int i = 0; i < port.bits / 32; ++i)
      window->put(now, fmt::format("rtl.{}_{}", port.name, i), 32, words[i]);
  }
}

Story ReductionChecker::story(const Schedule& schedule) const {
  const ReductionRun& run = schedule.run;
  const auto element =
      static_cast<std::size_t>(std::min(schedule.out * schedule.step, std::max(run.count - 1, 0)));
  std::vector<std::string> inputs;
  if (element < run.banks.size()) inputs.push_back("bank " + shown(run.banks[element]));
  if (element < run.incoming.size()) inputs.push_back("incoming " + shown(run.incoming[element]));
  return {run.command, run.operation,
          fmt::format("{} elements to {}, cycles {} to {}, beat {} of {}", run.count, name_of(run.type),
                      run.start, run.finish, schedule.out, schedule.beats),
          fmt::format("{}", fmt::join(inputs, " "))};
}

}  // namespace leto::model
