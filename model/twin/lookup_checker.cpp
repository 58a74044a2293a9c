#include "model/twin/lookup_checker.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"
#include "base/math.h"
#include "model/twin/reduction_checker.h"

namespace leto::model {
namespace {

#define PORTS "rtl/vector_lookup/ports.inc"
#include "model/twin/pins.inc"

using isa::VectorOp;

float function_of(VectorOp op, float x) {
  switch (op) {
    case VectorOp::exponential:
      return exponential(x);
    case VectorOp::logarithm:
      return logarithm(x);
    case VectorOp::tanh:
      return hyperbolic_tangent(x);
    case VectorOp::erf:
      return error_function(x);
    case VectorOp::sigmoid:
      return sigmoid(x);
    default:
      return canonical(1.0f / x);
  }
}

}  // namespace

bool is_lookup(VectorOp op) {
  return op == VectorOp::exponential || op == VectorOp::logarithm || op == VectorOp::tanh ||
         op == VectorOp::erf || op == VectorOp::sigmoid || op == VectorOp::reciprocal;
}

std::uint32_t looked_up(VectorOp op, DType type, std::uint32_t x) {
  std::uint32_t bits = 0;
  store_element(type, reinterpret_cast<std::byte*>(&bits), 0, function_of(op, std::bit_cast<float>(x)));
  return bits;
}

LookupChecker::LookupChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                             std::uint64_t seed, std::unique_ptr<rtl::Block> block)
    : config_(chip.vector_engine),
      comparison_(spec, instance, seed),
      rtl_(built_block(TwinBlock::vector_lookup, chip, instance, std::move(block))) {
  if (!comparison_.checks())
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of a vector_lookup", instance),
                "what follows it in the same pass is the model's: take check");
}

void LookupChecker::add(LookupRun run) {
  if (log_.is_long()) log_ = {};
  log_.add(std::move(run), comparison_.place());
  play(log_.runs.back());
}

// Nothing is left of one command in the next, so a log can begin anywhere.
void LookupChecker::replay(const Log& log) {
  comparison_.go_on(log.from);
  for (std::size_t i = log.primed ? 1 : 0; i < log.runs.size(); ++i) add(log.runs[i]);
  comparison_.raise();
}

void LookupChecker::play(const LookupRun& run) {
  const auto rate = static_cast<std::size_t>(config_.elements_per_cycle);
  const auto row = static_cast<std::size_t>(run.row);
  for (std::size_t at = 0; at < run.x.size();) {
    const std::size_t count = std::min({rate, row - at % row, run.x.size() - at});
    waiting_.push_back({at, count});
    at += count;
  }
  const auto delays =
      static_cast<Cycle>(std::ranges::count(run.idle, true) + std::ranges::count(run.held, true));
  const Cycle least = waiting_.size() + static_cast<Cycle>(config_.latency_cycles) + delays;
  const Cycle first = std::max(run.finish - std::min(run.finish, least), run.start);
  for (Cycle now = run.start; now < run.finish; ++now) {
    const auto is = [&](const std::vector<bool>& cycles) {
      return now >= first && now - first < cycles.size() && cycles[now - first];
    };
    tick(run, now >= first && !waiting_.empty() && !is(run.idle), !is(run.held), now);
  }
  if (waiting_.empty() && under_way_.empty()) return;
  comparison_.differ(run.finish - 1, "y_valid", "the last result leaves", "it is still under way",
                     story(run));
}

// One cycle: what the RTL is offered, and what it answers.
void LookupChecker::tick(const LookupRun& run, bool offers, bool takes, Cycle now) {
  value(pins::x_valid) = offers;
  if (offers) {
    value(pins::x_op) = static_cast<std::uint32_t>(run.op);
    value(pins::x_type) = static_cast<std::uint32_t>(run.type);
    value(pins::x_count) = static_cast<std::uint32_t>(waiting_.front().count);
    std::copy_n(run.x.begin() + static_cast<std::ptrdiff_t>(waiting_.front().first), waiting_.front().count,
                rtl_->pin(pins::x_data));
  }
  value(pins::y_ready) = takes;
  rtl_->evaluate();
  see_pins(now);
  const bool valid = !under_way_.empty() && under_way_.front().second == moved_;
  const bool moves = !valid || takes;
  compare(run, pins::x_ready, moves, now);
  compare(run, pins::y_valid, valid, now);
  if (valid) check_data(run, under_way_.front().first, now);
  comparison_.compares(now);
  rtl_->clock();
  if (!moves) return;
  if (valid) under_way_.pop_front();
  if (offers) {
    under_way_.emplace_back(waiting_.front(), moved_ + static_cast<Cycle>(config_.latency_cycles));
    waiting_.pop_front();
  }
  ++moved_;
}

void LookupChecker::compare(const LookupRun& run, int pin, std::uint64_t model, Cycle now) {
  const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
  std::uint64_t rtl = value(pin);
  if (!comparison_.agrees(now, port.name, port.bits, model, rtl))
    comparison_.differ(now, std::string(port.name), std::to_string(model), std::to_string(rtl), story(run));
}

void LookupChecker::check_data(const LookupRun& run, const Beat& beat, Cycle now) {
  compare(run, pins::y_count, beat.count, now);
  const std::uint32_t* data = rtl_->pin(pins::y_data);
  for (std::size_t i = 0; i < beat.count; ++i) {
    const std::uint32_t model = run.result[beat.first + i];
    std::uint64_t rtl = data[i];
    if (comparison_.agrees(now, "y_data", 32, model, rtl, static_cast<int>(i))) continue;
    Story told = story(run);
    told.inputs = "x " + shown(run.x[beat.first + i]);
    comparison_.differ(now, fmt::format("y_data[{}]", i), shown(model, run.type),
                       shown(static_cast<std::uint32_t>(rtl), run.type), told);
  }
  comparison_.count().values_compared += beat.count;
  comparison_.count().macs_compared += beat.count * kMacsOfLookup;
}

// What is not compared: what the RTL was given.
void LookupChecker::see_pins(Cycle now) {
  TwinWindow* window = comparison_.window(now);
  if (!window) return;
  for (const int pin : {pins::x_valid, pins::x_op, pins::x_type, pins::x_count, pins::y_ready}) {
    const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
    window->put(now, fmt::format("rtl.{}", port.name), port.bits, value(pin));
  }
  for (int i = 0; i < config_.elements_per_cycle; ++i)
    window->put(now, fmt::format("rtl.x_data_{}", i), 32, rtl_->pin(pins::x_data)[i]);
}

Story LookupChecker::story(const LookupRun& run) const {
  return {run.command, run.operation,
          fmt::format("{} elements to {}, cycles {} to {}", run.x.size(), name_of(run.type), run.start,
                      run.finish),
          ""};
}

}  // namespace leto::model
