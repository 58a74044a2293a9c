#include "model/command_processor/command_processor.h"

#include <utility>

namespace leto::model {

CommandProcessor::CommandProcessor(int depth) : depth_(static_cast<std::size_t>(depth)) {
  for (auto& cores : rings_)
    for (Ring& ring : cores) ring.entries.resize(depth_);
}

void CommandProcessor::push(std::size_t queue, int core, const isa::Command& command, Cycle issued) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(core)];
  Entry& entry = ring.entries[(ring.head + ring.count) % depth_];
  entry.command = command;
  entry.issued = issued;
  ++ring.count;
}

int CommandProcessor::older_core(std::size_t queue) const {
  const Ring &a = ring(queue, 0), &b = ring(queue, 1);
  if (b.count == 0) return a.count == 0 ? -1 : 0;
  return a.count != 0 && a.entries[a.head].issued <= b.entries[b.head].issued ? 0 : 1;
}

const CommandProcessor::Entry* CommandProcessor::oldest(std::size_t queue) const {
  const int core = older_core(queue);
  if (core < 0) return nullptr;
  const Ring& found = ring(queue, core);
  return &found.entries[found.head];
}

CommandProcessor::Entry* CommandProcessor::oldest(std::size_t queue) {
  return const_cast<Entry*>(std::as_const(*this).oldest(queue));
}

std::vector<const isa::Command*> CommandProcessor::all(std::size_t queue) const {
  std::vector<const isa::Command*> commands;
  for (int core = 0; core < isa::kCores; ++core)
    for (std::size_t i = 0; i < ring(queue, core).count; ++i)
      commands.push_back(&ring(queue, core).entries[(ring(queue, core).head + i) % depth_].command);
  return commands;
}

void CommandProcessor::pop(std::size_t queue) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(older_core(queue))];
  ring.head = (ring.head + 1) % depth_;
  --ring.count;
}

bool CommandProcessor::empty() const {
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    if (older_core(queue) >= 0) return false;
  return true;
}

}  // namespace leto::model
