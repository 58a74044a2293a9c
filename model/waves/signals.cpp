#include "model/waves/signals.h"

#include <algorithm>

#include "base/errors.h"
#include "model/command_processor/command_processor.h"

namespace leto::model {
namespace {

std::uint32_t buffers_of(const isa::Program& program) {
  std::uint32_t buffers = 0;
  for (const auto& code : program.code)
    for (const isa::Instruction& i : code)
      if (i.opcode == isa::Opcode::buffer) buffers |= 1u << i.field[isa::buffer_t::id];
  return buffers;
}

// Engines in the order of Engine, queues in that of kQueuedUnits: a queue goes by its engine's name.
constexpr std::array<Engine, kQueues> kQueueOwners = {
    Engine::fabric_interface_load, Engine::fabric_interface_store, Engine::matrix_engine,
    Engine::reduction_engine,      Engine::vector_engine,          Engine::layout_engine};

}  // namespace

// Where they part, the last star takes one character more: no pattern makes this slow.
bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Signals::Signals(const std::vector<std::string>& patterns, const isa::Program& program,
                 const ChipConfig& chip)
    : patterns_(patterns), used_(patterns.size(), 0) {
  const std::uint32_t buffers = buffers_of(program);
  for (int pe = 0; pe < chip.pes(); ++pe) offer_pe(pe, buffers);
  for (int channel = 0; channel < chip.hbm.channels; ++channel)
    offer(memories_[0], fmt::format("hbm.channel[{}].queue", channel), false);
  for (int bank = 0; bank < chip.sram.banks; ++bank)
    offer(memories_[1], fmt::format("sram.bank[{}].queue", bank), false);
  if (const auto useless = std::find(used_.begin(), used_.end(), 0); useless != used_.end())
    throw Error(
        ExitCode::usage,
        fmt::format("waves: no signal fits '{}'",
                    patterns[static_cast<std::size_t>(useless - used_.begin())]),
        "signals are pe[0].issue_core[0].state, pe[0].matrix_engine.state, pe[0].matrix_engine.queue (any "
        "engine), pe[0].b0.tiles, hbm.channel[0].queue, sram.bank[0].queue; * and ? stand for the rest");
}

void Signals::offer_pe(int pe, std::uint32_t buffers) {
  for (int core = 0; core < isa::kCores; ++core)
    offer(states_[0], fmt::format("pe[{}].{}[{}].state", pe, name_of(Engine::issue_core), core), true);
  for (int b = 0; b < isa::kBuffers; ++b) {
    if (buffers >> b & 1)
      offer(buffers_, fmt::format("pe[{}].b{}.tiles", pe, b), false);
    else
      buffers_.push_back(kNone);
  }
  for (const Engine engine : kQueueOwners) {
    offer(queues_, fmt::format("pe[{}].{}.queue", pe, name_of(engine)), false);
    offer(states_[static_cast<std::size_t>(engine)], fmt::format("pe[{}].{}.state", pe, name_of(engine)),
          true);
  }
}

void Signals::offer(std::vector<int>& numbers, const std::string& name, bool is_state) {
  bool wanted = false;
  for (std::size_t i = 0; i < patterns_.size(); ++i)
    if (fits(patterns_[i], name)) {
      wanted = true;
      used_[i] = 1;
    }
  numbers.push_back(wanted ? static_cast<int>(chosen_.size()) : kNone);
  if (wanted) chosen_.push_back({name, is_state});
}

int Signals::queue(int pe, isa::Unit unit) const {
  return at(queues_, pe * static_cast<int>(kQueues) + static_cast<int>(queue_of(unit)));
}

}  // namespace leto::model
