#include "model/reuse/walk.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace leto::model {
namespace {

using isa::Opcode;
using isa::Unit;

// Fewer bodies of a core than this are not worth the walk.
constexpr std::int64_t kFewestBodies = 6, kEnoughBodies = 24;
constexpr std::int64_t kLongestBody = 1024;  // commands

bool at_grid_barrier(const isa::Core& core) {
  const isa::Instruction& next = core.current();
  return next.opcode == Opcode::barrier &&
         static_cast<isa::Scope>(next.field[isa::barrier_t::scope]) == isa::Scope::all;
}

bool kernel_ends(const isa::Core& core) {
  return core.ended() || at_grid_barrier(core);
}

void mix(std::uint64_t& hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 29;
}

bool is_transfer(const isa::Command& command) {
  return command.opcode == Opcode::load || command.opcode == Opcode::store;
}

constexpr std::size_t kMostHashed = isa::kShapeRegisters + isa::kMaxFields + 1;

// A number of its own for each place in a command (splitmix64).
constexpr auto kSalts = [] {
  std::array<std::uint64_t, kMostHashed + 1> salts{};
  for (std::size_t i = 0; i < salts.size(); ++i) {
    std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    salts[i] = z ^ z >> 31;
  }
  return salts;
}();

// Two numbers at a time, each pair by a product that waits for no other.
class Hash {
 public:
  void add(std::int64_t value) {
    const std::uint64_t salted = static_cast<std::uint64_t>(value) ^ kSalts[count_];
    if (count_++ % 2 == 0)
      odd_ = salted;
    else
      sum_ += folded(odd_, salted);
  }
  std::uint64_t result() const { return count_ % 2 == 0 ? sum_ : sum_ + folded(odd_, kSalts[count_]); }

 private:
  static std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t sum_ = 0, odd_ = 0;
  std::size_t count_ = 0;
};

void mix(std::uint64_t& hash, const isa::Command& command) {
  Hash all;
  all.add(static_cast<std::int64_t>(command.opcode));
  for (const std::int64_t extent : command.shape) all.add(extent);
  const std::size_t address = command.opcode == Opcode::load    ? std::size_t{isa::load_t::address}
                              : command.opcode == Opcode::store ? std::size_t{isa::store_t::address}
                                                                : command.value.size();
  const std::size_t fields = isa::spec_of(command.opcode).fields.size();
  for (std::size_t i = 0; i < fields; ++i)
    if (i != address) all.add(command.value[i]);
  mix(hash, all.result());
}

// An instruction of that content in a core, as a number that sums tell apart.
std::uint64_t place_of(std::size_t core, std::uint64_t content) {
  std::uint64_t place = core + 1;
  mix(place, content);
  mix(place, content);
  return place;
}

bool in_register(isa::FieldKind kind) {
  return kind == isa::FieldKind::reg || kind == isa::FieldKind::shape;
}

}  // namespace

std::int64_t work_of(const Amounts& amounts) {
  for (const std::int64_t amount : amounts)
    if (amount != 0) return amount;
  return 1;
}

bool alike(const Amounts& a, const Amounts& b) {
  constexpr double kMostApart = 2, kProportions = 0.05;
  const double times = static_cast<double>(work_of(a)) / static_cast<double>(work_of(b));
  if (times > kMostApart || times < 1 / kMostApart) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::abs(static_cast<double>(a[i]) - times * static_cast<double>(b[i])) >
        kProportions * static_cast<double>(a[i]))
      return false;
  return true;
}

Walk::Walk(const std::vector<Pe*>& pes, int columns)
    : pes_(pes),
      columns_(static_cast<std::size_t>(columns)),
      balances_(pes.size()),
      held_(pes.size()),
      defined_(pes.size() * isa::kBuffers) {}

void Walk::start(bool at_barrier) {
  content_before_ = std::exchange(content_, 0);
  operations_.clear();
  queues_ = 0;
  by_index_ = false;
  std::ranges::fill(held_, 0);
  std::ranges::fill(balances_, Balance{});
  arrangement_ = 0;
  std::ranges::fill(defined_, 0);
  for (auto& begins : begins_) begins.clear();
  cores_.clear();
  takes_part_.assign(pes_.size() * isa::kCores, 1);
  std::vector<Outline> outlines;
  bool ends = false;
  for (std::size_t i = 0; i < takes_part_.size(); ++i) {
    cores_.push_back(pes_[i / isa::kCores]->core(static_cast<int>(i % isa::kCores)).ahead());
    if (at_barrier && !cores_.back().ended()) cores_.back().advance();
    isa::Core core = cores_.back();
    outlines.push_back(outline(core, i));
    ends |= core.ended();
  }
  removable_ = at_barrier && !ends && !by_index_ && balanced();
  std::ranges::fill(held_, 0);
  std::ranges::fill(balances_, Balance{});
  first_ = true;
  choose_bodies(outlines);
}

void Walk::Loop::add(const Loop& other) {
  for (std::size_t depth = 0; depth < bodies.size(); ++depth) bodies[depth] += other.bodies[depth];
  commands += other.commands;
}

// Runs a core to the end of its kernel.
Walk::Outline Walk::outline(isa::Core& core, std::size_t index) {
  std::map<std::uint32_t, Loop> loops;
  Loop* loop = nullptr;
  std::vector<Body>& begins = begins_[static_cast<std::size_t>(core.id())];
  std::size_t outside = core.depth();  // loops under way in which all of the kernel so far lies
  isa::Command command;
  mix(content_, index);
  while (!kernel_ends(core)) {
    if (core.unit() == Unit::core) {
      core.execute_scalar();
    } else {
      core.capture_current(command);
      if (loop && core.depth() > outside) ++loop->commands;
      if (command.unit >= Unit::load) queues_ |= std::uint32_t{1} << queue_of(command.unit);
      mix(content_, command);
      weigh(static_cast<int>(index / isa::kCores), command);
      if (std::ranges::find(operations_, command.source) == operations_.end())
        operations_.push_back(command.source);
      core.advance();
    }
    outside = std::min(outside, core.depth());
    if (core.depth() == outside || !core.at_body()) continue;
    if (core.depth() == outside + 1) loop = &loops.try_emplace(core.pc(), Loop{core.pc()}).first->second;
    ++loop->bodies[core.depth()];
    if (core.pc() >= begins.size()) begins.resize(core.pc() + 1);
    begins[core.pc()] = {loop->begin, core.depth()};
  }
  Outline outline;
  for (const auto& [begin, one] : loops) outline.push_back(one);
  return outline;
}

// One depth for all of the kernel; another one for those of its outermost loops whose bodies there are too
// long.
void Walk::choose_bodies(const std::vector<Outline>& outlines) {
  std::vector<Loop> all(outlines.size());  // of each core
  for (std::size_t i = 0; i < outlines.size(); ++i)
    for (const Loop& loop : outlines[i]) all[i].add(loop);
  const std::size_t depth = depth_of(all);
  for (std::size_t core = 0; core < isa::kCores; ++core) {
    bodies_[core].clear();
    for (const Body& body : begins_[core]) bodies_[core].push_back(depth != 0 && body.depth == depth);
  }
  has_segments_ = depth != 0;
  if (has_segments_) split_long(outlines, depth);
}

// The two cores' outermost loops go together one by one, in the code's order.
void Walk::split_long(const std::vector<Outline>& outlines, std::size_t depth) {
  std::array<std::vector<std::uint32_t>, isa::kCores> outermost;  // where they begin
  for (std::size_t i = 0; i < outlines.size(); ++i)
    for (const Loop& loop : outlines[i]) outermost[i % isa::kCores].push_back(loop.begin);
  for (auto& begins : outermost) {
    std::ranges::sort(begins);
    begins.erase(std::ranges::unique(begins).begin(), begins.end());
  }
  const std::size_t count = outermost[0].size();
  if (outermost[1].size() != count) return;
  for (std::size_t number = 0; number < count; ++number) {
    std::vector<Loop> loops(outlines.size());  // this one, by core
    for (std::size_t i = 0; i < outlines.size(); ++i)
      for (const Loop& loop : outlines[i])
        if (loop.begin == outermost[i % isa::kCores][number]) loops[i].add(loop);
    const std::size_t inner = depth_of(loops);
    if (inner <= depth || !is_long(loops, depth) || !together(loops, depth) || !together(loops, inner))
      continue;
    for (std::size_t core = 0; core < isa::kCores; ++core)
      for (std::size_t pc = 0; pc < begins_[core].size(); ++pc)
        if (const Body& body = begins_[core][pc]; body.outermost == outermost[core][number])
          bodies_[core][pc] = body.depth == inner;
  }
}

bool Walk::is_long(const std::vector<Loop>& loops, std::size_t depth) {
  return std::ranges::any_of(
      loops, [=](const Loop& loop) { return loop.commands > kLongestBody * loop.bodies[depth]; });
}

// Both cores of every PE come to as many bodies.
bool Walk::together(const std::vector<Loop>& loops, std::size_t depth) {
  for (std::size_t i = 0; i < loops.size(); i += isa::kCores)
    if (loops[i].bodies[depth] != loops[i + 1].bodies[depth]) return false;
  return true;
}

// Where both cores of every PE come to as many bodies, or only one of the two to any: the outermost with
// enough of them that are not too long, so that a segment has all the phases that its loops inside go
// through; else the one with most.
std::size_t Walk::depth_of(const std::vector<Loop>& loops) {
  std::size_t chosen = 0;
  std::int64_t most = kFewestBodies - 1, commands = 0;
  for (const Loop& loop : loops) commands = std::max(commands, loop.commands);
  const auto enough = std::max(kEnoughBodies, commands / kLongestBody);
  for (std::size_t depth = 1; depth <= isa::kLoopDepth && most < enough; ++depth) {
    bool fits = true;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < loops.size(); i += isa::kCores) {
      const std::int64_t one = loops[i].bodies[depth], other = loops[i + 1].bodies[depth];
      fits &= one == other || one == 0 || other == 0;
      count = std::max({count, one, other});
    }
    if (!fits || count <= most) continue;
    chosen = depth;
    most = count;
  }
  return chosen;
}

void Walk::next(Segment& segment) {
  const bool first = std::exchange(first_, false);
  segment.begin = cores_;
  segment.code = 0;
  segment.standing = standing();
  segment.amounts = {};
  segment.counters = {};
  segment.operations.clear();
  segment.accesses.clear();
  segment.buffers.clear();
  by_index_ = false;
  int on = 0;
  for (std::size_t i = 0; i < cores_.size(); ++i)
    if (takes_part_[i]) {
      const bool goes_on = walk(i, segment);
      on += goes_on;
      if (first) takes_part_[i] = goes_on;
    }
  if (first) taking_part_ = on;
  segment.over = on == 0;
  segment.last = on < taking_part_ || segment.over;
  segment.removable = !first && !segment.last && !by_index_;
}

// To the next body; false: the kernel ends before.
bool Walk::walk(std::size_t index, Segment& segment) {
  isa::Core& core = cores_[index];
  ++walks_;
  std::vector<std::uint32_t>& issued = issued_[static_cast<std::size_t>(core.id())];
  const std::vector<char>& bodies = bodies_[static_cast<std::size_t>(core.id())];
  isa::Command command;
  while (!kernel_ends(core)) {
    ++segment.counters.instructions;
    if (core.unit() == Unit::core) {
      core.execute_scalar();
    } else {
      if (core.pc() >= issued.size()) issued.resize(core.pc() + 1);
      if (std::exchange(issued[core.pc()], walks_) != walks_)
        segment.code += place_of(index, content_of(core));
      core.capture_current(command);
      tally(index, command, segment);
      core.advance();
    }
    if (core.pc() < bodies.size() && bodies[core.pc()] && core.at_body()) return true;
  }
  return false;
}

void Walk::tally(std::size_t index, const isa::Command& command, Segment& to) {
  const int pe = static_cast<int>(index / isa::kCores);
  weigh(pe, command);
  if (command.opcode == Opcode::buffer) {
    to.buffers.emplace_back(pe, command);
    arrange(static_cast<std::size_t>(pe), command);
  }
  if (command.unit == Unit::sync || command.unit == Unit::buffer) return;
  Counters& counters = to.counters;
  ++counters.commands;
  ++to.amounts[2 + queue_of(command.unit)];
  auto& operations = to.operations;
  if (operations.empty() || operations.back().id != command.source)
    operations.push_back({command.source, 0, 0, 0});
  ++operations.back().commands;
  if (command.unit == Unit::load || command.unit == Unit::store) return tally_transfer(pe, command, to);
  const Work work = pes_[index / isa::kCores]->work(command);
  counters.local_store_read += static_cast<std::uint64_t>(work.read);
  counters.local_store_written += static_cast<std::uint64_t>(work.written);
  const std::int64_t macs = isa::macs_of(command);
  if (macs == 0) return;
  operations.back().macs += macs;
  counters.macs += macs;
  to.amounts[0] += macs;
  counters.macs_by_dtype[static_cast<std::size_t>(command.dtype(isa::matmul_t::held_type))] += macs;
}

// Of the next instruction, but for its registers.
std::uint64_t Walk::content_of(const isa::Core& core) {
  std::vector<std::uint64_t>& contents = contents_[static_cast<std::size_t>(core.id())];
  if (core.pc() >= contents.size()) contents.resize(core.pc() + 1);
  std::uint64_t& content = contents[core.pc()];
  if (content != 0) return content;
  const isa::Instruction& instruction = core.current();
  mix(content, static_cast<std::uint64_t>(instruction.opcode) + 1);
  const auto fields = isa::spec_of(instruction.opcode).fields;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (!in_register(fields[i].kind)) mix(content, static_cast<std::uint64_t>(instruction.field[i]));
  return content;
}

// Another definition of a buffer.
void Walk::arrange(std::size_t pe, const isa::Command& command) {
  const std::size_t place = pe * isa::kBuffers + static_cast<std::size_t>(command[isa::buffer_t::id]);
  std::uint64_t definition = place + 1;
  mix(definition, command);
  mix(definition, place);
  arrangement_ += definition - std::exchange(defined_[place], definition);
}

void Walk::tally_transfer(int pe, const isa::Command& command, Segment& to) {
  if (!is_transfer(command)) return;  // by index: nobody leaves it out
  const isa::Transfer transfer = isa::transfer_of(command);
  const std::int64_t bytes = isa::Runs(transfer).bytes();
  const bool store = command.opcode == Opcode::store;
  Counters& counters = to.counters;
  (store ? counters.local_store_read : counters.local_store_written) += static_cast<std::uint64_t>(bytes);
  if (bytes == 0 || !pes_[static_cast<std::size_t>(pe)]->billed(command)) return;
  to.operations.back().bytes += bytes;
  to.amounts[1] += bytes;
  const auto multicast =
      store ? isa::Multicast::none : static_cast<isa::Multicast>(command[isa::load_t::multicast]);
  to.accesses.push_back({pe, store, multicast, transfer});
}

// What the command leaves that another one has to take, or the other way round.
void Walk::weigh(int pe, const isa::Command& command) {
  const auto number = static_cast<std::size_t>(pe);
  Balance& balance = balances_[number];
  const isa::Operands operands = isa::operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const isa::Operand& operand = operands.item[static_cast<std::size_t>(i)];
    const auto bit = std::uint64_t{1} << (2 * operand.buffer + (operand.writes ? 1 : 0));
    if (operand.hold) held_[number] |= bit;
    if (operand.advance) held_[number] &= ~bit;
    if (operand.advance) balance.tiles[static_cast<std::size_t>(operand.buffer)] += operand.writes ? 1 : -1;
  }
  by_index_ |= isa::is_indexed(command) || isa::is_sort(command.opcode);
  const int banks = isa::banks_of(command).count;
  switch (command.opcode) {
    case Opcode::load:
      if (const auto multicast = static_cast<isa::Multicast>(command[isa::load_t::multicast]);
          multicast != isa::Multicast::none) {
        std::uint64_t& loads = balance.multicasts[static_cast<std::size_t>(multicast) - 1];
        mix(loads, static_cast<std::uint64_t>(command[isa::load_t::address]));
        mix(loads, command);
      }
      break;
    case Opcode::matmul:
      if (command[isa::matmul_t::first]) balance.claimed += banks;
      if (command[isa::matmul_t::last]) balance.handed += banks;
      break;
    case Opcode::fill:
      balance.claimed += banks;
      break;
    case Opcode::drain:
      balance.claimed -= banks;
      balance.handed -= banks;
      break;
    case Opcode::pass:
      balance.claimed -= banks;
      balance.handed -= banks;
      ++balances_[static_cast<std::size_t>(pes_[number]->neighbour(direction_of(command), command))]
            .links[(static_cast<std::size_t>(command[isa::pass_t::to]) + 2) % 4];
      break;
    case Opcode::merge:
      --balance.links[static_cast<std::size_t>(command[isa::merge_t::from])];
      break;
    case Opcode::post:
      if (const std::int64_t to = command[isa::post_t::pe];
          to >= 0 && to < static_cast<std::int64_t>(pes_.size()))
        balances_[static_cast<std::size_t>(to)]
            .semaphores[static_cast<std::size_t>(command[isa::post_t::semaphore])] +=
            command[isa::post_t::count];
      break;
    case Opcode::wait:
      balance.semaphores[static_cast<std::size_t>(command[isa::wait_t::semaphore])] -=
          command[isa::wait_t::count];
      break;
    case Opcode::barrier:
      balance.barriers += command.core == 0 ? 1 : -1;
      break;
    default:
      break;
  }
}

// Have all members of each multicast asked for the same?
bool Walk::agreed() const {
  for (std::size_t pe = 0; pe < balances_.size(); ++pe) {
    const auto& mine = balances_[pe].multicasts;
    if (mine[0] != balances_[pe / columns_ * columns_].multicasts[0] ||
        mine[1] != balances_[pe % columns_].multicasts[1] || mine[2] != balances_[0].multicasts[2])
      return false;
  }
  return true;
}

bool Walk::balanced() const {
  const auto zero = [](const auto& numbers) {
    return std::ranges::all_of(numbers, [](auto n) { return n == 0; });
  };
  return agreed() && zero(held_) && std::ranges::all_of(balances_, [&](const Balance& b) {
           return zero(b.tiles) && b.claimed == 0 && b.handed == 0 && b.barriers == 0 && zero(b.links) &&
                  zero(b.semaphores);
         });
}

// Between members of a multicast, nowhere else is as here.
std::uint64_t Walk::standing() const {
  std::uint64_t standing = arrangement_;
  const auto add = [&](auto number) { mix(standing, static_cast<std::uint64_t>(number)); };
  if (!agreed()) add(walks_ + 1);
  for (std::size_t pe = 0; pe < balances_.size(); ++pe) {
    const Balance& b = balances_[pe];
    std::ranges::for_each(b.tiles, add);
    std::ranges::for_each(b.links, add);
    std::ranges::for_each(b.semaphores, add);
    for (const int one : {b.claimed, b.handed, b.barriers}) add(one);
    add(held_[pe]);
  }
  return standing;
}

void show(Snapshot& s, std::vector<isa::Core>& cores, const std::vector<Pe*>& pes) {
  const std::uint64_t count = s.size(cores.size());
  if (s.loads()) {
    cores.clear();
    for (std::size_t i = 0; i < count; ++i)
      cores.push_back(pes.at(i / isa::kCores)->core(static_cast<int>(i % isa::kCores)).ahead());
  }
  for (isa::Core& core : cores) s(core);
}

void Walk::state(Snapshot& s) {
  show(s, cores_, pes_);
  s(begins_, bodies_, has_segments_, taking_part_, content_, content_before_, removable_, operations_,
    queues_, takes_part_, balances_, held_, issued_, walks_, first_, arrangement_, defined_, by_index_);
}

}  // namespace leto::model
