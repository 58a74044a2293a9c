// A kernel's code run ahead of the chip, without time. A kernel is what lies between two barriers of the
// grid; a segment is what every core does from one body of a loop to the next. The loops at one depth count,
// but further in where an outermost loop of the kernel has bodies there that are too long.
//
// The content of a kernel is a number that two share when every core of every PE issues the same commands in
// them, but for the addresses of memory and the operations they are for. The code of a segment is a number
// that two share when every core of every PE issues the same instructions in them, however often, from and to
// whatever registers, for whatever operations. A kernel, or segments in a row, may be left out when they
// leave buffers, banks, links and semaphores as they found them, and move nothing by index; segments must
// leave all buffers defined as before, too.
#pragma once

#include <array>
#include <vector>

#include "isa/core.h"
#include "model/pe/pe.h"

namespace leto::model {

/// Of what a segment does: MACs, bytes of memory, and commands of each unit.
using Amounts = std::array<std::int64_t, 2 + kQueues>;
/// What its time is in proportion to: the first amount that is not zero.
std::int64_t work_of(const Amounts& amounts);
/// Neither is more than twice the other, and both do everything in the same proportions but for a twentieth.
bool alike(const Amounts& a, const Amounts& b);

/// What a segment does, all PEs together.
struct Segment {
  struct Access {
    int pe;
    bool store;
    isa::Multicast multicast;
    isa::Transfer transfer;
  };
  struct Operation {
    std::uint32_t id;
    std::int64_t commands, macs, bytes;
  };
  bool last = false;  // the kernel ends in it for some core …
  bool over = false;  // … for all
  bool removable = false;
  std::uint64_t code = 0;
  std::uint64_t standing = 0;  // of buffers, banks, links and semaphores at its begin: equal where they are
  Amounts amounts{};
  Counters counters;
  std::vector<Operation> operations;
  std::vector<Access> accesses;                       // those that count (Pe::billed)
  std::vector<std::pair<int, isa::Command>> buffers;  // defined: by which PE
  std::vector<isa::Core> begin;                       // all cores, PE by PE
};

/// Shows a snapshot cores, PE by PE; what does not change of them is that of the PEs'.
void show(Snapshot& s, std::vector<isa::Core>& cores, const std::vector<Pe*>& pes);

class Walk {
 public:
  /// `columns`: of the grid.
  Walk(const std::vector<Pe*>& pes, int columns);

  /// Outlines the kernel that all cores are about to begin: `at_barrier`, behind the barrier at which they
  /// wait.
  void start(bool at_barrier);
  /// Of the kernel.
  std::uint64_t content() const { return content_; }
  /// Of the one before it: what the LLC holds when it begins comes from there.
  std::uint64_t content_before() const { return content_before_; }
  bool removable() const { return removable_; }
  /// It works for, in the order in which they come.
  const std::vector<std::uint32_t>& operations() const { return operations_; }
  /// It has commands for them: bit q for queue q.
  std::uint32_t queues() const { return queues_; }
  /// Segments begin where a loop's body begins there, by core and instruction.
  using Bodies = std::array<std::vector<char>, isa::kCores>;
  const Bodies& bodies() const { return bodies_; }
  /// There are enough of them to be worth it.
  bool has_segments() const { return has_segments_; }
  /// Cores that come to segments: those that have some.
  int taking_part() const { return taking_part_; }
  /// Walks one segment; the first one is what comes before all bodies.
  void next(Segment& segment);
  /// Where the cores are now, PE by PE.
  const std::vector<isa::Core>& cores() const { return cores_; }

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  /// What has to be as before, by what it counts since the kernel's begin.
  struct Balance {
    std::array<int, isa::kBuffers> tiles{};
    int claimed = 0, handed = 0;  // banks opened, banks given to the reduction engine: less those freed
    int barriers = 0;             // of core 0, less core 1's
    std::array<int, 4> links{};   // partial sums that came from each side
    std::array<std::uint64_t, 3>
        multicasts{};  // loads with a row, a column, the grid: what all of it must ask for
    std::array<std::int64_t, isa::kSemaphores> semaphores{};
  };
  /// An outermost loop of the kernel: bodies that a core comes to in it, by depth, and commands it issues.
  struct Loop {
    std::uint32_t begin = 0;  // instruction
    std::array<std::int64_t, isa::kLoopDepth + 1> bodies{};
    std::int64_t commands = 0;
    void add(const Loop& other);
  };
  using Outline = std::vector<Loop>;  // of a core, in the code's order
  /// What begins at an instruction: a body of which outermost loop, at which depth; 0: none.
  struct Body {
    std::uint32_t outermost = 0;
    std::size_t depth = 0;
  };
  Outline outline(isa::Core& core, std::size_t index);
  void choose_bodies(const std::vector<Outline>& outlines);
  void split_long(const std::vector<Outline>& outlines, std::size_t depth);
  static bool is_long(const std::vector<Loop>& loops, std::size_t depth);
  static bool together(const std::vector<Loop>& loops, std::size_t depth);
  static std::size_t depth_of(const std::vector<Loop>& loops);
  bool walk(std::size_t index, Segment& segment);
  void tally(std::size_t index, const isa::Command& command, Segment& to);
  void tally_transfer(int pe, const isa::Command& command, Segment& to);
  std::uint64_t content_of(const isa::Core& core);
  void arrange(std::size_t pe, const isa::Command& command);
  void weigh(int pe, const isa::Command& command);
  bool agreed() const;
  bool balanced() const;
  std::uint64_t standing() const;

  const std::vector<Pe*>& pes_;
  std::size_t columns_;
  std::array<std::vector<Body>, isa::kCores> begins_;  // by instruction
  Bodies bodies_;
  bool has_segments_ = false;
  int taking_part_ = 0;
  std::uint64_t content_ = 0, content_before_ = 0;
  bool removable_ = false;
  std::vector<std::uint32_t> operations_;
  std::uint32_t queues_ = 0;
  std::vector<isa::Core> cores_;
  std::vector<char> takes_part_;
  std::vector<Balance> balances_;  // by PE
  /// By PE: bit 2b: buffer b's head tile is held by a reader that has not popped it; 2b + 1: writer.
  std::vector<std::uint64_t> held_;
  std::array<std::vector<std::uint32_t>, isa::kCores>
      issued_;  // by instruction: the last of walks_ that issued it
  std::array<std::vector<std::uint64_t>, isa::kCores>
      contents_;             // of each instruction, when it has been asked for; else 0
  std::uint32_t walks_ = 0;  // of one core through one segment
  bool first_ = true;        // the next segment is what comes before all bodies
  std::uint64_t arrangement_ = 0;
  std::vector<std::uint64_t> defined_;  // by PE and buffer: what it gives to arrangement_
  bool by_index_ = false;               // since they were zero, something was moved by index
};

}  // namespace leto::model
