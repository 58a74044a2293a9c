#include "isa/interp.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "base/rng.h"
#include "isa/interp_pe.h"
#include "isa/race.h"

namespace leto::isa {
namespace {

using namespace interp;

constexpr int kFirstUnit = static_cast<int>(Unit::load);
constexpr int kAgents = kCores + kUnits - kFirstUnit;  // what a PE runs: two cores, six units

bool is_barrier(const Core& core, Scope scope) {
  return !core.ended() && core.current().opcode == Opcode::barrier &&
         static_cast<Scope>(core.current().field[barrier_t::scope]) == scope;
}

Direction opposite(Direction d) {
  return static_cast<Direction>((static_cast<int>(d) + 2) % kDirections);
}

class Interpreter {
 public:
  Interpreter(const Program& program, Grid grid, std::int64_t local_store_bytes, int banks, Memory& memory,
              std::uint64_t order)
      : program_(program), grid_(grid), memory_(memory), order_(order), races_(grid.rows * grid.columns) {
    for (int row = 0; row < grid.rows; ++row)
      for (int column = 0; column < grid.columns; ++column)
        pes_.emplace_back(program, Place{row, column, grid.rows, grid.columns}, local_store_bytes, banks);
  }

  InterpResult run(const std::function<void(std::int64_t)>& progress) {
    while (!finished()) {
      if (!sweep()) report_deadlock();
      if (progress) progress(result_.commands);
    }
    return result_;
  }

 private:
  bool finished() const {
    return std::ranges::all_of(
        pes_, [](const Pe& pe) { return pe.idle() && std::ranges::all_of(pe.cores, &Core::ended); });
  }

  // ---- service order ----

  template <std::size_t N>
  void shuffle(std::array<int, N>& items) {
    for (std::size_t i = N; order_ && i > 1; --i) std::swap(items[i - 1], items[draw(i)]);
  }
  std::uint64_t draw(std::uint64_t limit) { return random_bits(order_, 0, draws_++) % limit; }

  // Gives every PE a turn; false when nobody could do anything.
  bool sweep() {
    bool progress = false;
    const std::size_t start = order_ ? draw(pes_.size()) : 0;
    for (std::size_t i = 0; i < pes_.size(); ++i) progress |= serve(pes_[(start + i) % pes_.size()]);
    return pass_grid_barrier() || progress;
  }

  bool serve(Pe& pe) {
    std::array<int, kAgents> agents;
    std::iota(agents.begin(), agents.end(), 0);
    shuffle(agents);
    bool progress = false;
    for (int agent : agents) {
      std::int64_t budget = order_ ? 1 + static_cast<std::int64_t>(draw(4)) : std::int64_t{1} << 20;
      for (; budget > 0 && step(pe, agent); --budget) progress = true;
    }
    return pass_pe_barrier(pe) || progress;
  }

  bool step(Pe& pe, int agent) {
    return agent < kCores ? step_core(pe, agent) : step_unit(pe, kFirstUnit + agent - kCores);
  }

  // ---- cores ----

  bool step_core(Pe& pe, int id) {
    Core& core = pe.cores[static_cast<std::size_t>(id)];
    if (core.ended()) return false;
    switch (core.unit()) {
      case Unit::core:
        core.execute_scalar();
        return true;
      case Unit::sync:
        return step_sync(pe, core);
      case Unit::buffer:
        define(pe, core);
        return true;
      default:
        return issue(pe, core);
    }
  }

  bool issue(Pe& pe, Core& core) {
    const auto unit = static_cast<std::size_t>(core.unit());
    if (pe.queues[unit].size() >= kQueueDepth) return false;
    pe.queues[unit].push_back(core.capture_current());
    ++pe.issued[unit];
    ++result_.commands;
    core.advance();
    return true;
  }

  void define(Pe& pe, Core& core) {
    const Command command = core.capture_current();
    if (!pe.idle())
      fail(pe, command,
           Error(ExitCode::illegal_program, describe(command) + ": defined while units are busy",
                 "put barrier scope=pe before it"));
    located(pe, command, [&] { pe.state.define(command); });
    core.advance();
  }

  bool step_sync(Pe& pe, Core& core) {
    switch (core.current().opcode) {
      case Opcode::post:
        return post(pe, core);
      case Opcode::wait:
        return wait(pe, core);
      default:
        return false;  // barriers open for all at once
    }
  }

  bool post(Pe& pe, Core& core) {
    auto& mark = pe.posting[static_cast<std::size_t>(core.id())];
    if (!mark) mark = pe.issued;
    for (std::size_t unit = 0; unit < kUnits; ++unit)
      if (pe.done[unit] < (*mark)[unit]) return false;
    mark.reset();
    const Command command = core.capture_current();
    const std::int64_t target = command[post_t::pe];
    if (target < 0 || target >= static_cast<std::int64_t>(pes_.size()))
      fail(pe, command,
           Error(ExitCode::illegal_program, fmt::format("{}: posts to pe {}", describe(command), target),
                 fmt::format("the grid has {} PEs", pes_.size())));
    const auto semaphore = static_cast<std::size_t>(command[post_t::semaphore]);
    pes_[static_cast<std::size_t>(target)].semaphores[semaphore] += command[post_t::count];
    races_.post(pe.place.index(), static_cast<int>(target), static_cast<int>(semaphore));
    core.advance();
    return true;
  }

  bool wait(Pe& pe, Core& core) {
    const Instruction& i = core.current();
    std::int64_t& semaphore = pe.semaphores[static_cast<std::size_t>(i.field[wait_t::semaphore])];
    if (semaphore < i.field[wait_t::count]) return false;
    semaphore -= i.field[wait_t::count];
    races_.wait(pe.place.index(), static_cast<int>(i.field[wait_t::semaphore]));
    core.advance();
    return true;
  }

  // ---- barriers ----

  static bool arrived(const Pe& pe, Scope scope) {
    return pe.idle() && std::ranges::all_of(pe.cores, [&](const Core& core) {
             return core.ended() || is_barrier(core, scope);
           });
  }

  static void leave_barrier(Pe& pe) {
    pe.state.barrier_passed();
    for (Core& core : pe.cores)
      if (!core.ended()) core.advance();
  }

  bool pass_pe_barrier(Pe& pe) {
    if (!arrived(pe, Scope::pe) || std::ranges::all_of(pe.cores, &Core::ended)) return false;
    races_.local_barrier(pe.place.index());
    leave_barrier(pe);
    return true;
  }

  bool pass_grid_barrier() {
    const auto all_ended = [](const Pe& pe) { return std::ranges::all_of(pe.cores, &Core::ended); };
    if (std::ranges::all_of(pes_, all_ended)) return false;
    if (!std::ranges::all_of(pes_, [](const Pe& pe) { return arrived(pe, Scope::all); })) return false;
    races_.barrier();
    std::ranges::for_each(pes_, leave_barrier);
    return true;
  }

  // ---- units ----

  bool step_unit(Pe& pe, int unit) {
    auto& queue = pe.queues[static_cast<std::size_t>(unit)];
    if (queue.empty()) return false;
    Command& command = queue.front();
    if (pe.state.hold(command).cause != PeState::Hold::Cause::none || link_holds(pe, command)) return false;
    located(pe, command, [&] { complete(pe, command); });
    queue.pop_front();
    ++pe.done[static_cast<std::size_t>(unit)];
    return true;
  }

  void complete(Pe& pe, Command& command) {
    pe.state.begin(command);
    watch(pe, command);
    Partials incoming, outgoing;
    if (command.opcode == Opcode::merge) {
      auto& inbox = pe.inbox[static_cast<std::size_t>(command[merge_t::from])];
      incoming = std::move(inbox.front());
      inbox.pop_front();
    }
    execute(command, pe.state, memory_, &incoming, &outgoing);
    if (command.opcode == Opcode::pass) inbox_of(pe, command).push_back(std::move(outgoing));
    pe.state.finish(command);
    result_.macs += macs_of(command);
  }

  bool link_holds(Pe& pe, const Command& command) {
    if (command.opcode == Opcode::merge)
      return pe.inbox[static_cast<std::size_t>(command[merge_t::from])].empty();
    if (command.opcode != Opcode::pass) return false;
    bool full = false;
    located(pe, command, [&] { full = inbox_of(pe, command).size() >= kQueueDepth; });
    return full;
  }

  // Where a pass delivers: the neighbour's queue for what comes from this side.
  std::deque<Partials>& inbox_of(const Pe& pe, const Command& pass) {
    const auto to = static_cast<Direction>(pass[pass_t::to]);
    const int row = pe.place.row + (to == Direction::south) - (to == Direction::north);
    const int column = pe.place.column + (to == Direction::east) - (to == Direction::west);
    if (row < 0 || row >= grid_.rows || column < 0 || column >= grid_.columns)
      throw Error(ExitCode::illegal_program, describe(pass) + ": passes partial sums out of the grid",
                  "passing ends at the edge PEs: branch on the PE's coordinates with loop counts");
    Pe& neighbour = pes_[static_cast<std::size_t>(row * grid_.columns + column)];
    return neighbour.inbox[static_cast<std::size_t>(opposite(to))];
  }

  void watch(Pe& pe, const Command& command) {
    if (command.unit != Unit::load && command.unit != Unit::store) return;
    const auto runs = is_indexed(command) ? indexed_runs(command, pe.state) : runs_of(command);
    for (const Run& run : runs) {
      if (command.unit == Unit::load)
        races_.read(pe.place.index(), command, run.address, run.bytes);
      else
        races_.write(pe.place.index(), command, run.address, run.bytes);
    }
  }

  // ---- messages ----

  [[noreturn]] void fail(const Pe& pe, const Command& command, const Error& error) const {
    throw Error(
        error.code(),
        fmt::format("pe {}: {}{}", pe.place.index(), error.what(), operation(program_, command.source)),
        error.remedy());
  }

  // Runs f; an error gets the PE and the graph operation.
  template <typename F>
  void located(const Pe& pe, const Command& command, F f) const {
    try {
      f();
    } catch (const Error& error) {
      fail(pe, command, error);
    }
  }

  [[noreturn]] void report_deadlock() const {
    throw Error(ExitCode::deadlock, deadlock_text(pes_, program_),
                "check pushes against waits, posts against waits, and that every core reaches the barrier");
  }

  const Program& program_;
  Grid grid_;
  Memory& memory_;
  std::uint64_t order_, draws_ = 0;
  RaceDetector races_;
  std::vector<Pe> pes_;
  InterpResult result_;
};

}  // namespace

InterpResult interpret(const Program& program, Grid grid, std::int64_t local_store_bytes, int banks,
                       Memory& memory, std::uint64_t order,
                       const std::function<void(std::int64_t)>& progress) {
  return Interpreter(program, grid, local_store_bytes, banks, memory, order).run(progress);
}

}  // namespace leto::isa
