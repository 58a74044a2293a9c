#include "model/command_processor/command_processor.h"

namespace leto::model {

CommandProcessor::CommandProcessor(int depth, int kept)
    : depth_(static_cast<std::size_t>(depth)), places_(static_cast<std::size_t>(depth + kept)) {
  for (auto& cores : rings_)
    for (Ring& ring : cores) ring.entries.resize(places_);
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

CommandProcessor::Entry& CommandProcessor::pop(std::size_t queue) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(older_core(queue))];
  Entry& oldest = ring.entries[ring.head];
  ring.head = wrapped(ring.head + 1);
  --ring.count;
  return oldest;
}

bool CommandProcessor::empty() const {
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    if (older_core(queue) >= 0) return false;
  return true;
}

}  // namespace leto::model
