#include "isa/core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"

namespace leto::isa {
namespace {

// Registers wrap around at 64 bits: computed unsigned, where that is defined.
std::int64_t wrapped(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t raw(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

Core::Core(std::span<const Instruction> code, int id, const Place& place, std::size_t sources)
    : code_(code), id_(id), place_(place), sources_(sources), ended_(code.empty()) {}

void Core::illegal(const std::string& cause, const std::string& remedy) const {
  throw Error(ExitCode::illegal_program,
              fmt::format("pe {} core {} pc {}: {}", place_.index(), id_, pc_, cause), remedy);
}

void Core::ran_off() const {
  illegal("the core ran off the end of its code", "finish the core's code with `end`");
}

void Core::go_to(std::uint32_t pc) {
  pc_ = pc;
  while (!loops_.empty() && pc_ == loops_.back().end) {
    Loop& loop = loops_.back();
    if (loop.remaining > 0) {
      --loop.remaining;
      stepped_ += loop.step;
      pc_ = loop.begin;
      return;
    }
    stepped_ = loop.before;
    loops_.pop_back();
  }
}

// No trip may name a source id beyond the map. Loops inside look at their own trips when they are entered.
void Core::check_sources(std::int64_t count, std::int64_t length, std::int64_t step) const {
  std::uint32_t last = 0;
  for (std::int64_t i = 1; i <= length; ++i)
    last = std::max(last, code_[pc_ + static_cast<std::size_t>(i)].source);
  const std::int64_t trips = std::min<std::int64_t>(count, std::int64_t{1} << kSourceBits);
  if (stepped_ + last + raw(step) * raw(trips - 1) >= sources_)
    illegal(fmt::format("a loop of {} trips steps by {} from source {}, beyond the {} there are", count, step,
                        stepped_ + last, sources_),
            "give the source map a line for each trip's operations");
}

void Core::loop(std::int64_t count, std::int64_t length, std::int64_t step) {
  const std::uint64_t end = std::uint64_t{pc_} + 1 + raw(length);
  if (end > code_.size())
    illegal(fmt::format("the loop's body of {} instructions leaves the code", length), "shorten the body");
  if (!loops_.empty() && end > loops_.back().end)
    illegal("the loop's body leaves the loop around it", "end the inner loop first");
  if (count <= 0 || length == 0) return go_to(static_cast<std::uint32_t>(end));
  if (loops_.size() == kLoopDepth)
    illegal(fmt::format("more than {} nested loops", kLoopDepth), "unroll or flatten a loop");
  const std::int64_t outer = loops_.empty() ? 1 : loops_.back().executions;
  if (count > kMostInstructions / (outer * length))  // no overflow: the body around this one was checked
    illegal(fmt::format("a loop of {} x {} iterations of {} instructions executes more than {}", outer, count,
                        length, kMostInstructions),
            "check the loop's count; split a program that is meant to be this long");
  if (step > 0) check_sources(count, length, step);
  loops_.push_back({pc_ + 1, static_cast<std::uint32_t>(end), count - 1, outer * count,
                    static_cast<std::uint32_t>(step), stepped_});
  pc_ = pc_ + 1;
}

std::optional<Core::Trips> Core::trips() const {
  if (loops_.size() != 1 || loops_[0].step == 0) return {};
  return Trips{loops_[0].begin, loops_[0].step, loops_[0].remaining};
}

void Core::skip_trips(std::int64_t count, std::span<const std::int64_t> change) {
  Loop& loop = loops_.front();
  loop.remaining -= count;
  stepped_ += static_cast<std::uint32_t>(count) * loop.step;
  for (std::size_t r = 0; r < registers_.size(); ++r)
    registers_[r] = wrapped(raw(registers_[r]) + raw(count) * raw(change[r]));
}

std::int64_t Core::quotient(std::int64_t dividend, std::int64_t divisor) const {
  if (divisor <= 0) illegal(fmt::format("division by {}", divisor), "divide by positive numbers only");
  const std::int64_t truncated = dividend / divisor;
  return truncated - (dividend % divisor < 0);
}

std::int64_t Core::coordinate(Coordinate which) const {
  switch (which) {
    case Coordinate::row:
      return place_.row;
    case Coordinate::column:
      return place_.column;
    case Coordinate::index:
      return place_.index();
    case Coordinate::rows:
      return place_.rows;
    case Coordinate::columns:
      return place_.columns;
    default:
      return std::int64_t{place_.rows} * place_.columns;
  }
}

// The value of every scalar instruction with a destination; rd is its first field.
std::int64_t Core::result(const Instruction& i) const {
  const auto reg = [&](int field) {
    return registers_[static_cast<std::size_t>(i.field[static_cast<std::size_t>(field)])];
  };
  const std::int64_t immediate = i.field[addi_t::value];
  switch (i.opcode) {
    case Opcode::set:
      return i.field[set_t::value];
    case Opcode::add:
      return wrapped(raw(reg(add_t::ra)) + raw(reg(add_t::rb)));
    case Opcode::addi:
      return wrapped(raw(reg(addi_t::ra)) + raw(immediate));
    case Opcode::sub:
      return wrapped(raw(reg(sub_t::ra)) - raw(reg(sub_t::rb)));
    case Opcode::mul:
      return wrapped(raw(reg(mul_t::ra)) * raw(reg(mul_t::rb)));
    case Opcode::muli:
      return wrapped(raw(reg(muli_t::ra)) * raw(immediate));
    case Opcode::div:
      return quotient(reg(div_t::ra), reg(div_t::rb));
    case Opcode::rem:
      return reg(rem_t::ra) - reg(rem_t::rb) * quotient(reg(rem_t::ra), reg(rem_t::rb));
    case Opcode::min:
      return std::min(reg(min_t::ra), reg(min_t::rb));
    case Opcode::max:
      return std::max(reg(max_t::ra), reg(max_t::rb));
    default:
      return coordinate(static_cast<Coordinate>(i.field[where_t::which]));
  }
}

void Core::execute_scalar() {
  const Instruction& i = current();
  if (i.opcode == Opcode::end) {
    ended_ = true;
  } else if (i.opcode == Opcode::loop) {
    loop(registers_[static_cast<std::size_t>(i.field[loop_t::count])], i.field[loop_t::length],
         i.field[loop_t::step]);
  } else {
    const std::int64_t value = result(i);
    if (const auto rd = static_cast<std::size_t>(i.field[set_t::rd]); rd != 0) registers_[rd] = value;
    advance();
  }
}

}  // namespace leto::isa
