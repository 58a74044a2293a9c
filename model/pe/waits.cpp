// What a PE waits for, in words.
#include <algorithm>

#include "base/errors.h"
#include "model/pe/pe.h"

namespace leto::model {
namespace {

using Stop = IssueCore::Stop;

constexpr std::array<Engine, kQueues> kEngineOfQueue = {
    Engine::fabric_interface_load, Engine::fabric_interface_store, Engine::matrix_engine,
    Engine::reduction_engine,      Engine::vector_engine,          Engine::layout_engine};

}  // namespace

void Pe::wait_of_core(const IssueCore& core, int id, std::vector<Wait>& waits) const {
  if (core.ended()) return;
  std::string what;
  Release needs{};
  switch (core.stop()) {
    case Stop::queue_full:
      needs = {Release::Kind::room, index_, static_cast<int>(core.wanted_queue())};
      what = fmt::format("room in the queue of the {} unit", isa::name_of(kQueuedUnits[core.wanted_queue()]));
      break;
    case Stop::barrier:
      needs = needs_at_barrier(id);
      what = fmt::format("the barrier of {}",
                         at_grid_barrier_ ? "every PE" : "its PE: the other core, or commands under way");
      break;
    case Stop::post:
      needs = {Release::Kind::commands, index_, 0};
      what = "its PE's commands to finish";
      break;
    case Stop::wait: {
      const isa::Command wait = core.command();
      const auto semaphore = static_cast<std::size_t>(wait[isa::wait_t::semaphore]);
      needs = {Release::Kind::post, index_, static_cast<int>(semaphore)};
      what = fmt::format("semaphore {} (it is {}, {} are needed)", semaphore, semaphores_[semaphore],
                         wait[isa::wait_t::count]);
      break;
    }
    default:
      what = "its turn";
  }
  waits.push_back({index_, fmt::format("core {}", id), what, core.time(), id, core.pc(), core.source(), needs,
                   brings(core, id)});
}

std::string Pe::describe_hold(std::size_t queue, const Lane& lane) const {
  const isa::Command& command = processor_.oldest(queue)->command;
  const int buffer = state_.hold(command).buffer;
  switch (lane.cause) {
    case State::data:
      return fmt::format("data in b{}", buffer);
    case State::space:
      return fmt::format("space in b{}", buffer);
    case State::banks:
      return fmt::format("accumulator bank {} to change hands", buffer);
    case State::neighbour:
      return fmt::format(
          "its {} neighbour on the reduction network",
          isa::enumerators(isa::FieldKind::direction)[static_cast<std::size_t>(direction_of(command))]);
    default:
      return std::string(name_of(lane.cause));
  }
}

void Pe::wait_of_lane(std::size_t queue, const Lane& lane, std::vector<Wait>& waits) const {
  if (queue < 2 && !movers_[queue].flights.empty()) {
    const Flight& flight = movers_[queue].flights.front();
    const isa::Command& command = flight.entry->command;
    waits.push_back({index_,
                     std::string(name_of(kEngineOfQueue[queue])),
                     "the other members of its multicast",
                     flight.begun,
                     command.core,
                     command.pc,
                     command.source,
                     {Release::Kind::multicast, multicast_group(command), 0},
                     brings(queue)});
    return;
  }
  const Entry* entry = processor_.oldest(queue);
  if (!entry) return;
  waits.push_back({index_, std::string(name_of(kEngineOfQueue[queue])), describe_hold(queue, lane),
                   lane.waiting_since, entry->command.core, entry->command.pc, entry->command.source,
                   needs_of(entry->command, lane.cause), brings(queue)});
}

void Pe::add_waits(std::vector<Wait>& waits) const {
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    wait_of_lane(queue, queue < 2 ? static_cast<const Lane&>(movers_[queue]) : slot(queue), waits);
  for (int id = 0; id < isa::kCores; ++id) wait_of_core(cores_[static_cast<std::size_t>(id)], id, waits);
}

}  // namespace leto::model
