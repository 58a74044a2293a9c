#include <fmt/format.h>

#include <algorithm>

#include "isa/interp_pe.h"

namespace leto::isa::interp {
namespace {

std::string core_waits_for(const Pe& pe, const Core& core) {
  const Instruction& i = core.current();
  switch (i.opcode) {
    case Opcode::barrier:
      return fmt::format("barrier scope={}", i.field[barrier_t::scope] ? "all" : "pe");
    case Opcode::wait:
      return fmt::format("semaphore {} to reach {}, it is {}", i.field[wait_t::semaphore],
                         i.field[wait_t::count],
                         pe.semaphores[static_cast<std::size_t>(i.field[wait_t::semaphore])]);
    case Opcode::post:
      return "earlier commands of the PE";
    default:
      return fmt::format("a place in the full {} queue", name_of(core.unit()));
  }
}

std::string unit_waits_for(const Pe& pe, const Command& command) {
  using Cause = PeState::Hold::Cause;
  const PeState::Hold hold = pe.state.hold(command);
  switch (hold.cause) {
    case Cause::data:
      return fmt::format("data in b{}", hold.buffer);
    case Cause::space:
      return fmt::format("space in b{}", hold.buffer);
    case Cause::banks_free:
      return fmt::format("bank {} to be free", hold.buffer);
    case Cause::banks_full:
      return fmt::format("bank {} to be filled", hold.buffer);
    default:
      return "the neighbour on the reduction network";
  }
}

void blocked_cores(const Pe& pe, const Program& program, std::vector<std::string>& out) {
  for (const Core& core : pe.cores)
    if (!core.ended())
      out.push_back(fmt::format("pe {} core {} pc {} {} @{}{} waits for {}", pe.place.index(), core.id(),
                                core.pc(), spec_of(core.current().opcode).mnemonic, core.source(),
                                operation(program, core.source()), core_waits_for(pe, core)));
}

void blocked_units(const Pe& pe, const Program& program, std::vector<std::string>& out) {
  for (const auto& queue : pe.queues)
    if (!queue.empty())
      out.push_back(fmt::format("pe {} {}{} waits for {}", pe.place.index(), describe(queue.front()),
                                operation(program, queue.front().source), unit_waits_for(pe, queue.front())));
}

}  // namespace

std::string operation(const Program& program, std::uint32_t source) {
  return source < program.sources.size() ? fmt::format(" ({})", program.sources[source].operation) : "";
}

std::string deadlock_text(std::span<const Pe> pes, const Program& program) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> blocked;
  for (const Pe& pe : pes) blocked_units(pe, program, blocked);
  for (const Pe& pe : pes) blocked_cores(pe, program, blocked);
  const std::size_t total = blocked.size();
  blocked.resize(std::min(total, kMost));
  return fmt::format("deadlock, {} wait: {}{}", total, fmt::join(blocked, "; "), total > kMost ? "; …" : "");
}

}  // namespace leto::isa::interp
