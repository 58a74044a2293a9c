#include "model/twin/buffer_twin.h"

#include <algorithm>
#include <span>

#include "base/errors.h"
#include "model/twin/buffer_checker.h"
#include "model/twin/buffer_streams.h"
#include "model/twin/foreign_twin.h"
#include "model/twin/log.h"

namespace leto::model {
namespace {

using Event = BufferTwin::Event;
using Cause = isa::PeState::Hold::Cause;

// Events; less would go on the definitions alone.
constexpr std::int64_t kResume = 64;

std::uint8_t packed(const isa::Operand& operand) {
  return static_cast<std::uint8_t>(operand.buffer | (operand.hold ? Event::kHold : 0) |
                                   (operand.advance ? Event::kAdvance : 0) |
                                   (operand.writes ? Event::kWrites : 0));
}

Event event_of(const isa::Command& command, Event::Kind kind, Cycle now) {
  Event event;
  event.now = now;
  event.kind = kind;
  const isa::Operands operands = isa::operands_of(command);
  event.count = static_cast<std::uint8_t>(operands.count);
  for (std::size_t i = 0; i < event.count; ++i) {
    event.operand[i] = packed(operands.item[i]);
    if (kind == Event::Kind::begin) event.value[i] = static_cast<std::uint32_t>(command.tile[i]);
  }
  return event;
}

}  // namespace

bool BufferTwin::Event::holds() const {
  return kind == Kind::hold && (cause() == Cause::data || cause() == Cause::space);
}

BufferTwin::BufferTwin(const TwinSpec& spec, const std::string& instance, const isa::Program& program)
    : program_(program) {
  if (spec.mode != TwinMode::check)
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of a buffer_manager", instance),
                "its pointers are the program's state: take check");
}

void BufferTwin::launch() {
  flush();
  restart();
  known_.reset();
  defining_ = false;
  log_ = {};
  log_.from = comparison().place();
}

bool BufferTwin::follows(const Event& event) {
  if (!budget_) return true;
  budget_->offer(1);
  const bool defines = event.kind == Event::Kind::define, anew = defines && !defining_;
  defining_ = defines;
  const bool followed = following_;
  following_ = (following_ || (anew && budget_->has(kResume))) && budget_->take(1);
  if (followed && !following_) known_.reset();
  return following_ && knows(event);
}

bool BufferTwin::knows(const Event& event) {
  if (event.kind == Event::Kind::define) {
    known_.set(event.operand[0]);
    return true;
  }
  const auto used = std::span(event.operand).first(event.count);
  const auto known = [&](std::uint8_t operand) { return known_[operand & Event::kId]; };
  if (std::all_of(used.begin(), used.end(), known)) return true;
  if (event.kind != Event::Kind::hold)
    for (const std::uint8_t operand : used) known_.reset(operand & Event::kId);
  return false;
}

Story BufferTwin::story(const isa::Command& command) const {
  return {isa::describe(command), operation_of(command, program_), "", ""};
}

void BufferTwin::see(const Event& event, const isa::Command& command) {
  if (follows(event)) add(event, story(command));
}

void BufferTwin::add(const Event& event, const Story& story) {
  if ((log_.events.size() + 1) * sizeof(Event) > kLogMost) log_.lost = true;
  if (log_.lost) {
    log_.events.clear();
  } else {
    log_.events.push_back(event);
    log_.stories.push_back(story);
    if (log_.stories.size() > Log::kStories) log_.stories.pop_front();
  }
  take(event, story);
}

void BufferTwin::log(TwinLog& log) const {
  log.commands = log_;
}

void BufferTwin::replay(const Log& log) {
  launch();
  comparison().go_on(log.from);
  const std::size_t first = log.events.size() - log.stories.size();  // that has a story
  for (std::size_t i = 0; i < log.events.size(); ++i)
    add(log.events[i], i < first ? Story{"a command", kForNone, "", ""} : log.stories[i - first]);
  flush();
  comparison().raise();
}

void BufferTwin::defined(const isa::Command& command, Cycle now) {
  using isa::buffer_t;
  Event event;
  event.now = now;
  event.operand[0] = static_cast<std::uint8_t>(command[buffer_t::id]);
  event.value = {static_cast<std::uint32_t>(command[buffer_t::base]),
                 static_cast<std::uint32_t>(command[buffer_t::bytes]),
                 static_cast<std::uint32_t>(command[buffer_t::depth])};
  see(event, command);
}

void BufferTwin::finished(const isa::Command& command, const isa::PeState& pe, Cycle now) {
  Event event = event_of(command, Event::Kind::finish, now);
  for (std::size_t i = 0; i < event.count; ++i)
    event.value[i] = static_cast<std::uint32_t>(pe.buffer(event.id(i)).full());
  see(event, command);
}

void BufferTwin::began(const isa::Command& command, Cycle now) {
  see(event_of(command, Event::Kind::begin, now), command);
}

void BufferTwin::looked_at(const isa::Command& command, const isa::PeState::Hold& hold, Cycle now) {
  Event event = event_of(command, Event::Kind::hold, now);
  event.hold_cause = static_cast<std::uint8_t>(hold.cause);
  event.hold_buffer = static_cast<std::uint8_t>(hold.buffer);
  see(event, command);
}

std::unique_ptr<BufferTwin> buffer_twin(const ChipConfig& chip, const TwinSpec& spec,
                                        const std::string& instance, std::uint64_t seed,
                                        const isa::Program& program, std::unique_ptr<rtl::Block> block) {
  if (spec.foreign && !spec.foreign->by_cycle())
    return std::make_unique<BufferStreams>(spec, instance, seed, program);
  return std::make_unique<BufferChecker>(chip, spec, instance, seed, program, std::move(block));
}

}  // namespace leto::model
