#include "model/command_processor/command_processor.h"

namespace leto::model {

// The places of a ring are written one after the other, all of them: few are more often at hand in the host's
// caches.
CommandProcessor::CommandProcessor(int depth, int transfers_kept) : depth_(static_cast<std::size_t>(depth)) {
  constexpr std::size_t kUnderWay = 1;
  for (std::size_t queue = 0; queue < kQueues; ++queue) {
    const bool moves = kQueuedUnits[queue] == isa::Unit::load || kQueuedUnits[queue] == isa::Unit::store;
    for (Ring& ring : rings_[queue])
      ring.entries.resize(depth_ + (moves ? static_cast<std::size_t>(transfers_kept) : kUnderWay));
  }
}

void CommandProcessor::find_head(std::size_t queue) {
  Head& head = heads_[queue];
  head = {};
  for (int core = 0; core < isa::kCores; ++core) {
    const Ring& ring = this->ring(queue, core);
    if (ring.count != 0 && ring.entries[ring.head].issued < head.issued)
      head = {&ring.entries[ring.head], ring.entries[ring.head].issued, core};
  }
}

isa::Command& CommandProcessor::push(std::size_t queue, int core, Cycle issued) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(core)];
  Entry& entry = ring.entries[ring.wrapped(ring.head + ring.count++)];
  entry.issued = issued;
  if (ring.count == 1) find_head(queue);
  return entry.command;
}

std::vector<const isa::Command*> CommandProcessor::all(std::size_t queue) const {
  std::vector<const isa::Command*> commands;
  for (int core = 0; core < isa::kCores; ++core)
    for (std::size_t i = 0; i < ring(queue, core).count; ++i)
      commands.push_back(
          &ring(queue, core).entries[ring(queue, core).wrapped(ring(queue, core).head + i)].command);
  return commands;
}

CommandProcessor::Entry& CommandProcessor::pop(std::size_t queue) {
  Ring& ring = rings_[queue][static_cast<std::size_t>(heads_[queue].core)];
  Entry& oldest = ring.entries[ring.head];
  ring.head = ring.wrapped(ring.head + 1);
  --ring.count;
  find_head(queue);
  return oldest;
}

bool CommandProcessor::empty() const {
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    if (heads_[queue].entry) return false;
  return true;
}

void CommandProcessor::state(Snapshot& s) {
  s(rings_);
  if (!s.loads()) return;
  for (std::size_t queue = 0; queue < kQueues; ++queue) find_head(queue);
}

std::int64_t CommandProcessor::number_of(const Entry* entry) const {
  std::int64_t first = 0;
  for (const auto& cores : rings_)
    for (const Ring& ring : cores) {
      if (entry >= ring.entries.data() && entry < ring.entries.data() + ring.entries.size())
        return first + (entry - ring.entries.data());
      first += static_cast<std::int64_t>(ring.entries.size());
    }
  return -1;
}

CommandProcessor::Entry* CommandProcessor::entry_of(std::int64_t number) {
  if (number < 0) return nullptr;
  auto place = static_cast<std::size_t>(number);
  for (auto& cores : rings_)
    for (Ring& ring : cores) {
      if (place < ring.entries.size()) return &ring.entries[place];
      place -= ring.entries.size();
    }
  return nullptr;
}

}  // namespace leto::model
