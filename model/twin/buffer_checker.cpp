#include "model/twin/buffer_checker.h"

#include <algorithm>

#include "model/twin/packed_pins.h"

namespace leto::model {
namespace {

#define PORTS "rtl/buffer_manager/ports.inc"
#include "model/twin/pins.inc"

constexpr int kIdBits = 5, kWordBits = 20, kCountBits = 8;  // as in buffer_manager.sv

using Event = BufferChecker::Event;

// Is it this operand that the command is held by?
bool names(std::uint8_t operand, const Event& event) {
  const bool writes = event.cause() == isa::PeState::Hold::Cause::space;
  return (operand & Event::kId) == event.hold_buffer && ((operand & Event::kWrites) != 0) == writes &&
         (operand & Event::kHold) != 0;
}

}  // namespace

BufferChecker::BufferChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                             std::uint64_t seed, const isa::Program& program,
                             std::unique_ptr<rtl::Block> block)
    : BufferTwin(spec, instance, program),
      comparison_(spec, instance, seed),
      rtl_(built_block(TwinBlock::buffer_manager, chip, instance, std::move(block))) {}

// Makes room for what happens at `now`: what was gathered is clocked if it is older, or if this does not fit
// behind it.
void BufferChecker::gather(Cycle now, bool room) {
  if (now_ != kNever && (now_ != now || !room)) flush();
  now_ = now;
}

void BufferChecker::take(const Event& event, const Story& story) {
  switch (event.kind) {
    case Event::Kind::define:
      gather(event.now, !defines_ && finishes_ == 0 && begins_.empty());
      defines_ = true;
      *rtl_->pin(pins::def_valid) = 1;
      *rtl_->pin(pins::def_id) = event.operand[0];
      *rtl_->pin(pins::def_base) = event.value[0];
      *rtl_->pin(pins::def_bytes) = event.value[1];
      *rtl_->pin(pins::def_depth) = event.value[2];
      full_.emplace_back(event.operand[0], 0);
      last_ = story;
      break;
    case Event::Kind::finish:
      gather(event.now, finishes_ < kLanes && begins_.empty());
      for (std::size_t i = 0; i < event.count; ++i) {
        const std::uint8_t operand = event.operand[i];
        const std::size_t at = finishes_ * kOperands + i;
        put(rtl_->pin(pins::fin_advance), at, 1, (operand & Event::kAdvance) != 0);
        put(rtl_->pin(pins::fin_writes), at, 1, (operand & Event::kWrites) != 0);
        put(rtl_->pin(pins::fin_id), at, kIdBits, operand & Event::kId);
        if ((operand & Event::kAdvance) != 0) full_.emplace_back(operand & Event::kId, event.value[i]);
      }
      ++finishes_;
      last_ = story;
      break;
    case Event::Kind::begin:
    case Event::Kind::hold:
      gather(event.now, begins_.size() < kLanes);
      begins_.push_back({event, story});
      break;
  }
}

void BufferChecker::fill_lane(std::size_t lane, const Event& event) {
  put(rtl_->pin(pins::beg_valid), lane, 1, 1);
  put(rtl_->pin(pins::beg_go), lane, 1, event.kind == Event::Kind::begin);
  for (std::size_t i = 0; i < event.count; ++i) {
    const std::uint8_t operand = event.operand[i];
    const std::size_t at = lane * kOperands + i;
    put(rtl_->pin(pins::beg_used), at, 1, 1);
    put(rtl_->pin(pins::beg_hold), at, 1, (operand & Event::kHold) != 0);
    put(rtl_->pin(pins::beg_advance), at, 1, (operand & Event::kAdvance) != 0);
    put(rtl_->pin(pins::beg_writes), at, 1, (operand & Event::kWrites) != 0);
    put(rtl_->pin(pins::beg_id), at, kIdBits, operand & Event::kId);
  }
}

void BufferChecker::flush() {
  if (now_ == kNever) return;
  for (std::size_t lane = 0; lane < begins_.size(); ++lane) fill_lane(lane, begins_[lane].event);
  rtl_->evaluate();
  if (clocked_ == now_) ++further_;
  clocked_ = now_;
  const bool wanted = comparison_.wants(now_, kNever);
  if (wanted) {
    comparison_.compares(now_);
    see_pins();
    check_begins();
  }
  rtl_->clock();
  if (wanted) check_full();
  comparison_.seen(now_);
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
    const bool model = !begin.event.holds();
    std::uint64_t ready = get(rtl_->pin(pins::beg_ready), lane, 1);
    if (!comparison_.agrees(now_, "beg_ready", 1, model, ready, static_cast<int>(lane)))
      comparison_.differ(now_, fmt::format("beg_ready[{}]", lane), std::to_string(int{model}),
                         std::to_string(ready), begin.story);
    if (!model) check_operand(lane, begin);
    if (begin.event.kind == Event::Kind::begin) check_tiles(lane, begin);
  }
}

void BufferChecker::check_operand(std::size_t lane, const Begin& begin) {
  std::uint32_t operand = get(rtl_->pin(pins::beg_operand), lane, 2);
  if (comparison_.faulty("beg_operand")) operand ^= 3;
  if (operand < begin.event.count && names(begin.event.operand[operand], begin.event)) return;
  comparison_.differ(now_, fmt::format("beg_operand[{}]", lane),
                     fmt::format("waits for b{}", begin.event.hold_buffer),
                     fmt::format("for operand {}", operand), begin.story);
}

void BufferChecker::check_tiles(std::size_t lane, const Begin& begin) {
  for (std::size_t i = 0; i < begin.event.count; ++i) {
    const std::size_t at = lane * kOperands + i;
    std::uint64_t tile = get(rtl_->pin(pins::beg_tile), at, kWordBits);
    if (!comparison_.agrees(now_, "beg_tile", kWordBits, begin.event.value[i], tile, static_cast<int>(at))) {
      Story story = begin.story;
      story.doing = fmt::format("operand {} b{}", i, begin.event.operand[i] & Event::kId);
      comparison_.differ(now_, fmt::format("beg_tile[{}][{}]", lane, i), std::to_string(begin.event.value[i]),
                         std::to_string(tile), story);
    }
    ++comparison_.count().values_compared;
  }
}

void BufferChecker::check_full() {
  for (auto moved = full_.rbegin(); moved != full_.rend(); ++moved) {
    const auto same = [&](const auto& other) { return other.first == moved->first; };
    if (std::any_of(full_.rbegin(), moved, same)) continue;  // it moved again in this cycle
    std::uint64_t full = get(rtl_->pin(pins::full), static_cast<std::size_t>(moved->first), kCountBits);
    if (!comparison_.agrees(now_ + 1, "full", kCountBits, moved->second, full, moved->first))
      comparison_.differ(now_ + 1, fmt::format("full[{}]", moved->first), std::to_string(moved->second),
                         std::to_string(full), last_);
    ++comparison_.count().values_compared;
  }
}

// What the RTL is given, lane by lane.
void BufferChecker::see_pins() {
  TwinWindow* window = comparison_.window(now_);
  if (!window) return;
  const auto see = [&](int pin, std::size_t elements) {
    const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
    const int bits = port.bits / static_cast<int>(elements);
    for (std::size_t i = 0; i < elements; ++i)
      window->put(now_,
                  elements == 1 ? fmt::format("rtl.{}", port.name) : fmt::format("rtl.{}_{}", port.name, i),
                  bits, get(rtl_->pin(pin), i, bits));
  };
  for (const int pin : {pins::def_valid, pins::def_id, pins::def_base, pins::def_bytes, pins::def_depth})
    see(pin, 1);
  for (const int pin : {pins::beg_valid, pins::beg_go, pins::beg_operand}) see(pin, kLanes);
  for (const int pin : {pins::fin_advance, pins::fin_writes, pins::fin_id, pins::beg_used, pins::beg_hold,
                        pins::beg_advance, pins::beg_writes, pins::beg_id})
    see(pin, kLanes * kOperands);
}

}  // namespace leto::model
