// What a PE's cores and units need to go on, and what they would bring others: the edges of the wait-for
// graph.
#include <algorithm>

#include "base/errors.h"
#include "model/pe/pe.h"

namespace leto::model {

using isa::Opcode;
using Kind = Release::Kind;

Release Pe::needs_of(const isa::Command& command, State cause) const {
  const int number = state_.hold(command).buffer;
  switch (cause) {
    case State::data:
      return {Kind::push, index_, number};
    case State::space:
      return {Kind::pop, index_, number};
    case State::neighbour:
      return {command.opcode == Opcode::pass ? Kind::link_free : Kind::partial, index_,
              static_cast<int>(direction_of(command))};
    default:
      break;
  }
  if (command.opcode == Opcode::fill) return {Kind::bank_free, index_, number};
  if (command.opcode != Opcode::matmul) return {Kind::bank_full, index_, number};
  return {command[isa::matmul_t::first] ? Kind::bank_free : Kind::bank_open, index_, number};
}

// At a barrier: the other core, then the commands under way, then the other PEs.
Release Pe::needs_at_barrier(int core) const {
  if (at_grid_barrier_) return {Kind::grid, 0, 0};
  const IssueCore &mine = cores_[static_cast<std::size_t>(core)],
                  &other = cores_[static_cast<std::size_t>(1 - core)];
  const bool met =
      other.stop() == IssueCore::Stop::barrier &&
      other.instruction().field[isa::barrier_t::scope] == mine.instruction().field[isa::barrier_t::scope];
  return other.ended() || met ? Release{Kind::commands, index_, 0} : Release{Kind::arrival, index_, 1 - core};
}

// Rows, then columns, then the grid.
int Pe::multicast_group(const isa::Command& load) const {
  switch (static_cast<isa::Multicast>(load[isa::load_t::multicast])) {
    case isa::Multicast::row:
      return place_.row;
    case isa::Multicast::column:
      return place_.rows + place_.column;
    default:
      return place_.rows + place_.columns;
  }
}

void Pe::add_releases(const isa::Command& command, std::vector<Release>& to) const {
  if (command.opcode == Opcode::post) {
    to.push_back({Kind::post, static_cast<int>(command[isa::post_t::pe]),
                  static_cast<int>(command[isa::post_t::semaphore])});
    return;
  }
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (operand.advance) to.push_back({operand.writes ? Kind::push : Kind::pop, index_, operand.buffer});
  }
  const auto add_banks = [&](Kind kind) {
    const isa::Banks banks = isa::banks_of(command);
    for (int bank = banks.first; bank < banks.first + banks.count; ++bank) to.push_back({kind, index_, bank});
  };
  const auto add_neighbour = [&](Kind kind) {
    const isa::Direction direction = direction_of(command);
    to.push_back({kind, neighbour(direction, command), (static_cast<int>(direction) + 2) % 4});
  };
  switch (command.opcode) {
    case Opcode::matmul:
      add_banks(command[isa::matmul_t::last] ? Kind::bank_full : Kind::bank_open);
      break;
    case Opcode::fill:
      add_banks(Kind::bank_open);
      break;
    case Opcode::drain:
      add_banks(Kind::bank_free);
      break;
    case Opcode::pass:
      add_banks(Kind::bank_free);
      add_neighbour(Kind::partial);
      break;
    case Opcode::merge:
      add_neighbour(Kind::link_free);
      break;
    case Opcode::load:
      if (static_cast<isa::Multicast>(command[isa::load_t::multicast]) != isa::Multicast::none)
        to.push_back({Kind::multicast, multicast_group(command), 0});
      break;
    default:
      break;
  }
}

// Of transfers under way too, but for the multicast itself, which its member has joined already.
std::vector<Release> Pe::brings(std::size_t queue) const {
  std::vector<Release> all;
  if (queue < movers_.size())
    for (std::size_t i = 0; i < movers_[queue].flights.size(); ++i)
      add_releases(movers_[queue].flights[i].entry->command, all);
  std::erase_if(all, [](const Release& one) { return one.kind == Kind::multicast; });
  all.push_back({Kind::room, index_, static_cast<int>(queue)});
  all.push_back({Kind::commands, index_, 0});
  if (!at_grid_barrier_) all.push_back({Kind::grid, 0, 0});
  for (const isa::Command* command : processor_.all(queue)) add_releases(*command, all);
  return all;
}

// No branch of a program depends on data: running its core ahead says what it would issue.
std::vector<Release> Pe::brings(const IssueCore& core, int id) const {
  constexpr int kHorizon = 1 << 12;  // instructions
  std::vector<Release> all = {{Kind::arrival, index_, id}};
  if (!at_grid_barrier_) all.push_back({Kind::grid, 0, 0});
  try {
    isa::Core ahead = core.ahead();
    for (int i = 0; i < kHorizon && !ahead.ended(); ++i) {
      if (ahead.unit() == isa::Unit::core) {
        ahead.execute_scalar();
        continue;
      }
      if (ahead.unit() != isa::Unit::buffer) add_releases(ahead.capture_current(), all);
      ahead.advance();
    }
  } catch (const Error&) {  // it would break a rule further on: what came before it counts
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace leto::model
