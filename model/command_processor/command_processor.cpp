#include "model/command_processor/command_processor.h"

namespace leto::model {

CommandProcessor::CommandProcessor(int depth) : depth_(static_cast<std::size_t>(depth)) {
  for (auto& cores : rings_)
    for (Ring& ring : cores) ring.entries.resize(depth_);
}

CommandProcessor::Entry& CommandProcessor::push(std::size_t queue, int core) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(core)];
  return ring.entries[wrapped(ring.head + ring.count++)];
}

std::vector<const isa::Command*> CommandProcessor::all(std::size_t queue) const {
  std::vector<const isa::Command*> commands;
  for (int core = 0; core < isa::kCores; ++core)
    for (std::size_t i = 0; i < ring(queue, core).count; ++i)
      commands.push_back(&ring(queue, core).entries[wrapped(ring(queue, core).head + i)].command);
  return commands;
}

void CommandProcessor::pop(std::size_t queue) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(older_core(queue))];
  ring.head = wrapped(ring.head + 1);
  --ring.count;
}

bool CommandProcessor::empty() const {
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    if (older_core(queue) >= 0) return false;
  return true;
}

}  // namespace leto::model
