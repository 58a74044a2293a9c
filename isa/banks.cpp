// Accumulator banks of a PE: free -> open (matmul, fill) -> full (matmul last) -> free (drain, pass).
#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "isa/machine.h"

namespace leto::isa {
namespace {

// The state a command needs its banks in, and what to say while they are not.
struct Need {
  BankState state;
  PeState::Hold::Cause cause;
};
Need need_of(const Command& command) {
  using Cause = PeState::Hold::Cause;
  switch (command.opcode) {
    case Opcode::matmul:
      // Going on: after an earlier matmul they are open already; after a fill they have to be filled first.
      return command[matmul_t::first] ? Need{BankState::free, Cause::banks_free}
                                      : Need{BankState::open, Cause::banks_full};
    case Opcode::fill:
      return {BankState::free, Cause::banks_free};
    default:
      return {BankState::full, Cause::banks_full};
  }
}

}  // namespace

PeState::Hold PeState::hold_banks(const Command& command) const {
  const Banks used = banks_of(command);
  if (used.first + used.count > banks()) return {};  // begin reports it
  const Need need = need_of(command);
  for (int i = used.first; i < used.first + used.count; ++i)
    if (lacks_bank(static_cast<std::size_t>(i), need.state)) return {need.cause, i, need.state};
  return {};
}

void PeState::begin_banks(const Command& command) {
  const Banks used = banks_of(command);
  if (used.count == 0) return;
  if (used.first + used.count > banks())
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: uses banks {} to {}, the PE has {}", describe(command), used.first,
                            used.first + used.count - 1, banks()),
                "use smaller blocks or lower banks");
  const bool matmul = command.opcode == Opcode::matmul;
  const bool opens = command.opcode == Opcode::fill || (matmul && command[matmul_t::first]);
  const bool moves = !matmul || command[matmul_t::last];
  for (int i = used.first; i < used.first + used.count; ++i) {
    if (opens) banks_[static_cast<std::size_t>(i)] = BankState::open;
    moving_[static_cast<std::size_t>(i)] = moves;
  }
}

void PeState::finish_banks(const Command& command) {
  const Banks used = banks_of(command);
  const bool matmul = command.opcode == Opcode::matmul;
  if (matmul && !command[matmul_t::last]) return;
  for (int i = used.first; i < used.first + used.count; ++i) {
    const auto bank = static_cast<std::size_t>(i);
    moving_[bank] = 0;
    if (matmul) banks_[bank] = BankState::full;
    if (command.opcode == Opcode::drain || command.opcode == Opcode::pass) banks_[bank] = BankState::free;
  }
}

}  // namespace leto::isa
