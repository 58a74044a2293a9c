#include "model/twin/buffer_checker.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::model {
namespace {

namespace pins {
enum Pin : int {
#define IN(name, bits) name,
#define OUT(name, bits) name,
#include "rtl/buffer_manager/ports.inc"
#undef IN
#undef OUT
};
}  // namespace pins

constexpr int kIdBits = 5, kWordBits = 20;  // as in buffer_manager.sv

// Element `index` of a packed pin of elements of `bits`.
void put(std::uint32_t* pin, std::size_t index, int bits, std::uint32_t value) {
  for (int bit = 0; bit < bits; ++bit) {
    const std::size_t at = index * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
    const std::uint32_t mask = 1u << at % 32;
    pin[at / 32] = (value >> bit & 1) != 0 ? pin[at / 32] | mask : pin[at / 32] & ~mask;
  }
}

std::uint32_t get(const std::uint32_t* pin, std::size_t index, int bits) {
  std::uint32_t value = 0;
  for (int bit = 0; bit < bits; ++bit) {
    const std::size_t at = index * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
    value |= (pin[at / 32] >> at % 32 & 1) << bit;
  }
  return value;
}

bool holds(const isa::PeState::Hold& hold) {
  using Cause = isa::PeState::Hold::Cause;
  return hold.cause == Cause::data || hold.cause == Cause::space;
}

bool names(const isa::Operand& operand, const isa::PeState::Hold& hold) {
  return operand.buffer == hold.buffer &&
         operand.writes == (hold.cause == isa::PeState::Hold::Cause::space) && operand.hold;
}

}  // namespace

BufferChecker::BufferChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                             std::uint64_t seed, const isa::Program& program)
    : comparison_(spec, instance, seed),
      program_(program),
      rtl_(built_block(TwinBlock::buffer_manager, chip, instance)) {
  if (!comparison_.checks())
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of a buffer_manager", instance),
                "its pointers are the program's state: take check");
}

void BufferChecker::launch() {
  flush();
  rtl_->reset();
}

std::string BufferChecker::story(const isa::Command& command) const {
  return fmt::format(
      "{} of {}", isa::describe(command),
      command.source < program_.sources.size() ? program_.sources[command.source].operation : "no operation");
}

// Makes room for what happens at `now`: what was gathered is clocked if it is older, or if this does not fit
// behind it.
void BufferChecker::gather(Cycle now, bool room) {
  if (now_ != kNever && (now_ != now || !room)) flush();
  now_ = now;
}

void BufferChecker::defined(const isa::Command& command, Cycle now) {
  using isa::buffer_t;
  gather(now, !defines_ && finishes_ == 0 && begins_.empty());
  defines_ = true;
  *rtl_->pin(pins::def_valid) = 1;
  *rtl_->pin(pins::def_id) = static_cast<std::uint32_t>(command[buffer_t::id]);
  *rtl_->pin(pins::def_base) = static_cast<std::uint32_t>(command[buffer_t::base]);
  *rtl_->pin(pins::def_bytes) = static_cast<std::uint32_t>(command[buffer_t::bytes]);
  *rtl_->pin(pins::def_depth) = static_cast<std::uint32_t>(command[buffer_t::depth]);
  full_.emplace_back(static_cast<int>(command[buffer_t::id]), 0);
  last_ = story(command);
}

void BufferChecker::finished(const isa::Command& command, const isa::PeState& pe, Cycle now) {
  gather(now, finishes_ < kLanes && begins_.empty());
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    const std::size_t at = finishes_ * kOperands + static_cast<std::size_t>(i);
    put(rtl_->pin(pins::fin_advance), at, 1, operand.advance);
    put(rtl_->pin(pins::fin_writes), at, 1, operand.writes);
    put(rtl_->pin(pins::fin_id), at, kIdBits, static_cast<std::uint32_t>(operand.buffer));
    if (operand.advance) full_.emplace_back(operand.buffer, pe.buffer(operand.buffer).full());
  }
  ++finishes_;
  last_ = story(command);
}

void BufferChecker::began(const isa::Command& command, Cycle now) {
  gather(now, begins_.size() < kLanes);
  begins_.push_back({isa::operands_of(command), command.tile, true, {}, story(command)});
}

void BufferChecker::looked_at(const isa::Command& command, const isa::PeState::Hold& hold, Cycle now) {
  gather(now, begins_.size() < kLanes);
  begins_.push_back({isa::operands_of(command), {}, false, hold, story(command)});
}

void BufferChecker::fill_lane(std::size_t lane, const Begin& begin) {
  put(rtl_->pin(pins::beg_valid), lane, 1, 1);
  put(rtl_->pin(pins::beg_go), lane, 1, begin.goes);
  for (int i = 0; i < begin.operands.count; ++i) {
    const isa::Operand& operand = begin.operands.item[static_cast<std::size_t>(i)];
    const std::size_t at = lane * kOperands + static_cast<std::size_t>(i);
    put(rtl_->pin(pins::beg_used), at, 1, 1);
    put(rtl_->pin(pins::beg_hold), at, 1, operand.hold);
    put(rtl_->pin(pins::beg_advance), at, 1, operand.advance);
    put(rtl_->pin(pins::beg_writes), at, 1, operand.writes);
    put(rtl_->pin(pins::beg_id), at, kIdBits, static_cast<std::uint32_t>(operand.buffer));
  }
}

void BufferChecker::flush() {
  if (now_ == kNever) return;
  for (std::size_t lane = 0; lane < begins_.size(); ++lane) fill_lane(lane, begins_[lane]);
  rtl_->evaluate();
  if (clocked_ == now_) ++further_;
  clocked_ = now_;
  const bool wanted = comparison_.wants(now_, kNever);
  if (wanted) {
    ++comparison_.count().cycles_compared;
    check_begins();
  }
  rtl_->clock();
  if (wanted) check_full();
  for (const int pin : {pins::fin_advance, pins::beg_valid, pins::beg_used, pins::def_valid})
    std::fill_n(rtl_->pin(pin), (rtl_->ports()[static_cast<std::size_t>(pin)].bits + 31) / 32, 0u);
  begins_.clear();
  full_.clear();
  finishes_ = 0;
  defines_ = false;
  now_ = kNever;
}

void BufferChecker::check_begins() {
  for (std::size_t lane = 0; lane < begins_.size(); ++lane) {
    const Begin& begin = begins_[lane];
    std::uint32_t ready = get(rtl_->pin(pins::beg_ready), lane, 1);
    if (comparison_.faulty("beg_ready")) ready ^= 1;
    if (ready == holds(begin.hold))
      comparison_.differ(now_, fmt::format("beg_ready[{}]", lane),
                         fmt::format("model {}, rtl {}", int{!holds(begin.hold)}, ready), begin.command);
    if (holds(begin.hold)) {
      std::uint32_t operand = get(rtl_->pin(pins::beg_operand), lane, 2);
      if (comparison_.faulty("beg_operand")) operand ^= 3;
      if (operand >= static_cast<std::uint32_t>(begin.operands.count) ||
          !names(begin.operands.item[operand], begin.hold))
        comparison_.differ(now_, fmt::format("beg_operand[{}]", lane),
                           fmt::format("model waits for b{}, rtl for operand {}", begin.hold.buffer, operand),
                           begin.command);
    }
    for (int i = 0; i < begin.operands.count && begin.goes; ++i) {
      const auto operand = static_cast<std::size_t>(i);
      std::uint32_t tile = get(rtl_->pin(pins::beg_tile), lane * kOperands + operand, kWordBits);
      if (comparison_.faulty("beg_tile")) tile ^= 1;
      if (tile != static_cast<std::uint32_t>(begin.tile[operand]))
        comparison_.differ(now_, fmt::format("beg_tile[{}][{}]", lane, i),
                           fmt::format("model {}, rtl {}", begin.tile[operand], tile),
                           fmt::format("{}, b{}", begin.command, begin.operands.item[operand].buffer));
      ++comparison_.count().values_compared;
    }
  }
}

void BufferChecker::check_full() {
  for (auto moved = full_.rbegin(); moved != full_.rend(); ++moved) {
    const auto same = [&](const auto& other) { return other.first == moved->first; };
    if (std::any_of(full_.rbegin(), moved, same)) continue;  // it moved again in this cycle
    std::uint32_t full = get(rtl_->pin(pins::full), static_cast<std::size_t>(moved->first), kWordBits);
    if (comparison_.faulty("full")) full ^= 1;
    if (full != static_cast<std::uint32_t>(moved->second))
      comparison_.differ(now_ + 1, fmt::format("full[{}]", moved->first),
                         fmt::format("model {}, rtl {}", moved->second, full), last_);
    ++comparison_.count().values_compared;
  }
}

}  // namespace leto::model
