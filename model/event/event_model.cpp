#include "model/event/event_model.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::model {
namespace {

constexpr std::uint64_t kBeat = 1 << 12;

isa::Multicast multicast_of(const isa::Command& command) {
  return command.opcode == isa::Opcode::load ? static_cast<isa::Multicast>(command[isa::load_t::multicast])
                                             : isa::Multicast::none;
}

}  // namespace

EventModel::EventModel(const isa::Program& program, const ChipConfig& chip, isa::Memory& memory,
                       const RunOptions& options)
    : chip_(chip),
      accounts_(std::max<std::size_t>(program.sources.size(), 1)),
      control_(chip),
      wiring_{program, chip, options.what_if, IndexFlow(program), memory, accounts_, counters_},
      traffic_(chip, options.what_if),
      waiting_(static_cast<std::size_t>(chip.pe.rows + chip.pe.columns + 1)) {
  for (int pe = 0; pe < chip.pes(); ++pe) wiring_.pes.push_back(std::make_unique<EventPe>(wiring_, pe));
}

void EventModel::step() {
  const Cycle at = control_.launch(end_);
  for (const auto& pe : wiring_.pes) pe->launch(at);
  for (;;) {
    settle();
    if (!heap_.empty()) {
      std::ranges::pop_heap(heap_, std::greater{});
      const Next next = heap_.back();
      heap_.pop_back();
      go(next);
    } else if (!open_barrier()) {
      break;
    }
  }
  Cycle last = 0;
  for (const auto& pe : wiring_.pes) {
    if (!pe->finished())
      throw Error(ExitCode::deadlock,
                  fmt::format("deadlock: the PEs do not come to their end after cycle {}", now_),
                  "--fidelity full says who waits for whom");
    last = std::max(last, pe->end());
  }
  end_ = traffic_.clean(last);
  for (const auto& pe : wiring_.pes) pe->close(end_);
}

void EventModel::settle() {
  while (!wiring_.ready.empty()) {
    batch_.swap(wiring_.ready);
    for (int pe : batch_) {
      wiring_.pes[static_cast<std::size_t>(pe)]->advance();
      add_wishes(pe);
    }
    batch_.clear();
  }
}

void EventModel::add(Cycle at, int port) {
  heap_.push_back({std::max(now_, at), port});
  std::ranges::push_heap(heap_, std::greater{});
}

void EventModel::add_wishes(int index) {
  EventPe& pe = this->pe(index);
  for (const bool stores : {false, true}) {
    if (!pe.take_wish(stores)) continue;
    const EventPe::Wish& wish = *pe.wish(stores);
    const isa::Runs runs = pe.runs(stores);
    check_memory(*wish.command, runs);
    if (runs.bytes() == 0) {
      pe.transferred(stores, wish.at, 0);
      continue;
    }
    if (multicast_of(*wish.command) == isa::Multicast::none)
      accounts_.operation(wish.command->source).bytes += runs.bytes();
    const int port = Traffic::port_of(index, stores);
    add(traffic_.submit(port,
                        {runs, wish.rate, wish.at, stores, wish.command->opcode == isa::Opcode::scatter}),
        port);
  }
}

void EventModel::check_memory(const isa::Command& command, isa::Runs runs) const {
  const auto device = static_cast<std::uint64_t>(chip_.hbm.bytes);
  const auto scratch = static_cast<std::uint64_t>(scratch_bytes(chip_.sram));
  const bool plain = command.opcode == isa::Opcode::load || command.opcode == isa::Opcode::store;
  const auto inside = [&](std::uint64_t begin, std::uint64_t end) {
    return end <= std::min(device, isa::kSramBase) ||
           (begin >= isa::kSramBase && end - isa::kSramBase <= scratch);
  };
  if (plain) {
    const isa::Extent all = isa::extent_of(isa::transfer_of(command));
    if (inside(all.begin, all.end)) return;
  }
  for (isa::Run run = runs.next(); run.bytes != 0; run = runs.next())
    if (!inside(run.address, run.address + static_cast<std::uint64_t>(run.bytes)))
      throw Error(ExitCode::illegal_program,
                  fmt::format("{}: reaches beyond memory, to byte {:#x}", isa::describe(command),
                              run.address + static_cast<std::uint64_t>(run.bytes)),
                  "compile for this chip, or enlarge the memory in the chip file");
}

void EventModel::go(const Next& next) {
  now_ = next.at;
  if (++begun_ % kBeat == 0 && heartbeat) heartbeat();
  const int groups = traffic_.port_of_group(0), index = next.port / 2;
  const bool stores = next.port % 2 != 0, grouped = next.port >= groups;
  if (!grouped && !stores)
    if (const auto multicast = multicast_of(*pe(index).wish(false)->command);
        multicast != isa::Multicast::none)
      return join(index, traffic_.group_of(index, multicast));
  if (const auto at = traffic_.move(next.port, now_)) return add(*at, next.port);
  grouped ? finish_multicast(next.port - groups) : pe(index).transferred(stores, traffic_.end(next.port), 0);
}

// The last member of a multicast sets it off.
void EventModel::join(int index, int group) {
  std::size_t& waiting = waiting_[static_cast<std::size_t>(group)];
  const std::vector<int>& members = traffic_.members(group);
  if (++waiting < members.size()) return;
  waiting = 0;
  const isa::Runs runs = pe(index).runs(false);
  for (int member : members)
    if (!same(pe(member).runs(false), runs))
      throw Error(
          ExitCode::illegal_program,
          fmt::format("multicast load: PE {} and PE {} ask for different memory", member, index),
          "every PE of the row, column or grid must issue the same multicast loads in the same order");
  accounts_.operation(pe(index).wish(false)->command->source).bytes += runs.bytes();
  add(traffic_.gather(group), traffic_.port_of_group(group));
}

void EventModel::finish_multicast(int group) {
  traffic_.release(group);
  const Cycle gathered = traffic_.request(traffic_.port_of_group(group)).at;
  for (int member : traffic_.members(group))
    pe(member).transferred(false, traffic_.end(Traffic::port_of(member, false)), gathered);
}

// Nothing is under way: do all PEs that have not ended stand at a barrier of the grid?
bool EventModel::open_barrier() {
  Cycle last = 0;
  int arrived = 0;
  for (const auto& pe : wiring_.pes) {
    if (pe->at_barrier())
      ++arrived;
    else if (!pe->finished())
      return false;
    last = std::max(last, pe->at_barrier().value_or(pe->end()));
  }
  if (arrived == 0) return false;
  const Cycle at = last + static_cast<Cycle>(std::max(1, chip_.sync.barrier_cycles));
  now_ = std::max(now_, at);
  for (const auto& pe : wiring_.pes)
    if (pe->at_barrier()) pe->open_barrier(at, isa::Scope::all);
  return true;
}

void EventModel::report(Statistics& statistics) const {
  accounts_.report(statistics, end_, chip_.pes());
  traffic_.report(statistics);
  statistics.cycles = end_;
  model::report(counters_, statistics);
}

}  // namespace leto::model
