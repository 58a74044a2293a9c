#include "model/sort_block/sort_block.h"

namespace leto::model {

Cycle SortBlock::visits(std::int64_t records) const {
  const auto n = static_cast<Cycle>(records);
  return config_.records_per_cycle > 0 ? ceil_div(n, static_cast<Cycle>(config_.records_per_cycle))
                                       : n * static_cast<Cycle>(config_.software_cycles);
}

Work SortBlock::work(const isa::Command& command) const {
  const auto& s = command.shape;
  Work work;
  work.read = isa::footprint(command, 1);
  work.written = isa::footprint(command, 0);
  if (work.read == 0) work.written = 0;
  switch (command.opcode) {
    case isa::Opcode::offsets:
      work.cycles = ceil_div(static_cast<Cycle>(work.read), static_cast<Cycle>(bytes_per_cycle_));
      break;
    case isa::Opcode::group:
      work.read *= 2;
      work.cycles = visits(2 * s[0] + (std::int64_t{1} << s[3]));
      break;
    default:
      work.cycles = visits(s[0]);
  }
  work.cycles += static_cast<Cycle>(config_.latency_cycles);
  return work;
}

}  // namespace leto::model
