#include "model/reduction_engine/reduction_engine.h"

namespace leto::model {

using isa::Opcode;

isa::Direction direction_of(const isa::Command& command) {
  const int field = command.opcode == Opcode::pass ? int{isa::pass_t::to} : int{isa::merge_t::from};
  return static_cast<isa::Direction>(command[field]);
}

Work ReductionEngine::work(const isa::Command& command) const {
  const std::int64_t elements = command.shape[0] * command.shape[1];
  if (elements == 0) return {};
  const auto latency = static_cast<Cycle>(config_.latency_cycles);
  const auto rate = static_cast<Cycle>(config_.elements_per_cycle);
  Work work{ceil_div(static_cast<Cycle>(elements), rate) + latency};
  if (command.opcode == Opcode::pass)
    work.cycles =
        ceil_div(static_cast<Cycle>(elements * 4), static_cast<Cycle>(config_.link_bytes_per_cycle)) +
        latency;
  if (command.opcode == Opcode::drain)
    work.written = elements * size_of(command.dtype(isa::drain_t::dst_type));
  if (command.opcode == Opcode::fill) work.read = elements * 4;
  return work;
}

bool ReductionEngine::held_by_network(const isa::Command& command) const {
  if (command.opcode == Opcode::pass) return link_taken[static_cast<std::size_t>(direction_of(command))];
  if (command.opcode == Opcode::merge)
    return !arrived[static_cast<std::size_t>(direction_of(command))].has_value();
  return false;
}

}  // namespace leto::model
