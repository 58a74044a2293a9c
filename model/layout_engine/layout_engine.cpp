#include "model/layout_engine/layout_engine.h"

#include <algorithm>

namespace leto::model {

Work LayoutEngine::work(const isa::Command& command) const {
  const bool transposes = command.opcode == isa::Opcode::transpose;
  const int field = transposes ? int{isa::transpose_t::type} : int{isa::copy_t::type};
  const std::int64_t width = size_of(command.dtype(field));
  const std::int64_t elements = command.shape[0] * command.shape[1];
  if (elements == 0) return {};
  const std::int64_t moved = elements * (transposes ? std::max<std::int64_t>(width, 2) : width);
  Work work;
  work.read = work.written = elements * width;
  work.cycles = ceil_div(static_cast<Cycle>(moved), static_cast<Cycle>(config_.bytes_per_cycle)) +
                static_cast<Cycle>(config_.latency_cycles);
  return work;
}

}  // namespace leto::model
