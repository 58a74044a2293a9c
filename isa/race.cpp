// Shadow memory: every touched 32-byte cell points to an immutable, shared State (who read and wrote which of
// its bytes last). One access turns the states of its cells into others; since neighbouring cells mostly
// share a state, the transition is computed once a run and a cell costs a table entry. A barrier of all PEs
// orders everything before it before everything after it, so it simply forgets: the shadow holds what was
// touched since the last one.
#include "isa/race.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/errors.h"

namespace leto::isa {
namespace {

constexpr std::uint64_t kCellBytes = 32;
constexpr std::uint64_t kPageCells = 2048;
using ByteMask = std::uint32_t;
using StateId = std::uint32_t;
constexpr ByteMask kAllBytes = ~ByteMask{0};

// A command's access, as remembered for ordering and for messages.
struct Access {
  int pe;
  std::uint32_t clock;  // the PE's own clock entry then
  std::uint32_t epoch;  // barriers the PE had passed
  std::uint32_t pc, source;
  std::uint8_t core;
  Opcode opcode;
  bool operator==(const Access&) const = default;
};

// Bytes of a cell that an access was the last to touch in its way.
struct Trace {
  std::uint32_t access;
  ByteMask bytes;
};
struct State {
  std::vector<Trace> writes, reads;
  void state(Snapshot& s) { s(writes, reads); }
};

struct Page {
  std::array<StateId, kPageCells> cell{};
};

}  // namespace

struct RaceDetector::Impl {
  explicit Impl(int pe_count)
      : pes(static_cast<std::size_t>(pe_count)),
        clocks(pes * pes, 0),
        epochs(pes, 0),
        posted(pes * kSemaphores * pes, 0) {
    forget();
  }

  std::size_t pes;
  std::vector<std::uint32_t> clocks;  // [pe][other]: what pe knows of other's clock
  std::vector<std::uint32_t> epochs;  // barriers passed, by PE
  std::vector<std::uint32_t> posted;  // [pe][semaphore][other]: joined clocks of the posters
  std::vector<Access> accesses;
  std::vector<State> states;  // 0 = untouched
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages;
  std::uint64_t last_number = 0;
  Page* last_page = nullptr;

  std::span<std::uint32_t> clock_of(int pe) {
    return std::span(clocks).subspan(static_cast<std::size_t>(pe) * pes, pes);
  }
  std::span<std::uint32_t> semaphore(int pe, int id) {
    return std::span(posted).subspan(
        (static_cast<std::size_t>(pe) * kSemaphores + static_cast<std::size_t>(id)) * pes, pes);
  }

  void forget() {
    std::ranges::fill(clocks, 0);
    std::ranges::fill(posted, 0);
    // A PE's own entry starts at 1: nobody else has seen its accesses yet.
    for (std::size_t pe = 0; pe < pes; ++pe) clocks[pe * pes + pe] = 1;
    accesses.clear();
    states.assign(1, State{});
    pages.clear();
    last_page = nullptr;
    steps.fill({});
  }

  Page& page(std::uint64_t number) {
    if (last_page && last_number == number) return *last_page;
    auto& slot = pages[number];
    if (!slot) slot = std::make_unique<Page>();
    last_number = number;
    last_page = slot.get();
    return *last_page;
  }

  std::uint32_t remember(int pe, const Command& command) {
    const Access access{pe,
                        clock_of(pe)[static_cast<std::size_t>(pe)],
                        epochs[static_cast<std::size_t>(pe)],
                        command.pc,
                        command.source,
                        command.core,
                        command.opcode};
    if (accesses.empty() || accesses.back() != access) accesses.push_back(access);
    return static_cast<std::uint32_t>(accesses.size() - 1);
  }

  bool ordered(const Access& earlier, const Access& now, bool now_writes) {
    if (earlier.pe == now.pe) return now_writes || earlier.epoch < now.epoch;
    return clock_of(now.pe)[static_cast<std::size_t>(earlier.pe)] >= earlier.clock;
  }

  void check(const std::vector<Trace>& traces, std::uint32_t now, ByteMask bytes, bool writes,
             std::uint64_t cell) {
    for (const Trace& trace : traces)
      if ((trace.bytes & bytes) && !ordered(accesses[trace.access], accesses[now], writes))
        report(accesses[trace.access], accesses[now],
               cell * kCellBytes + static_cast<std::uint64_t>(std::countr_zero(trace.bytes & bytes)));
  }

  [[noreturn]] static void report(const Access& earlier, const Access& now, std::uint64_t address) {
    const auto text = [](const Access& a) {
      return fmt::format("pe {} core {} pc {} ({} @{})", a.pe, a.core, a.pc, spec_of(a.opcode).mnemonic,
                         a.source);
    };
    throw Error(
        ExitCode::illegal_program,
        fmt::format("race at address {}: {} and {} are not ordered", address, text(earlier), text(now)),
        "put a barrier, or a post and a wait, between the two");
  }

  // Removes `bytes` from traces that `now` supersedes: all of them when it writes, its own PE's when it
  // reads.
  void supersede(std::vector<Trace>& traces, std::uint32_t now, ByteMask bytes, bool all) {
    for (Trace& trace : traces)
      if (all || accesses[trace.access].pe == accesses[now].pe) trace.bytes &= ~bytes;
    std::erase_if(traces, [](const Trace& trace) { return trace.bytes == 0; });
  }

  StateId next(StateId from, std::uint32_t now, ByteMask bytes, bool writes, std::uint64_t cell) {
    State state = states[from];
    check(state.writes, now, bytes, writes, cell);
    if (writes) {
      check(state.reads, now, bytes, writes, cell);
      supersede(state.writes, now, bytes, true);
    }
    supersede(state.reads, now, bytes, writes);
    (writes ? state.writes : state.reads).push_back({now, bytes});
    states.push_back(std::move(state));
    return static_cast<StateId>(states.size() - 1);
  }

  // The bytes of a cell that [address, end) covers.
  static ByteMask covered(std::uint64_t cell, std::uint64_t address, std::uint64_t end) {
    const std::uint64_t base = cell * kCellBytes;
    const std::uint64_t first = address > base ? address - base : 0;
    const std::uint64_t last = std::min(end - base, kCellBytes);
    return kAllBytes >> (kCellBytes - (last - first)) << first;
  }

  // Transitions taken lately. Misaligned rows alternate between a few of them, aligned ones repeat one.
  struct Step {
    std::uint32_t access = 0;
    ByteMask bytes = 0;
    bool writes = false;
    StateId from = 0, to = 0;  // to 0: empty
  };
  std::array<Step, 64> steps{};

  StateId transition(StateId from, std::uint32_t now, ByteMask bytes, bool writes, std::uint64_t cell) {
    Step& step = steps[(from * 0x9e3779b1u ^ bytes * 0x85ebca6bu) >> 26];
    if (step.to == 0 || step.access != now || step.bytes != bytes || step.writes != writes ||
        step.from != from)
      step = {now, bytes, writes, from, next(from, now, bytes, writes, cell)};
    return step.to;
  }

  void state(Snapshot& s) {
    s(clocks, epochs, posted, accesses, states, steps);
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, page] : pages) numbers.push_back(number);
    std::ranges::sort(numbers);
    s(numbers);
    if (s.loads()) {
      pages.clear();
      last_page = nullptr;
    }
    for (const std::uint64_t number : numbers) s(page(number));
  }

  void touch(int pe, const Command& command, std::uint64_t address, std::int64_t bytes, bool writes) {
    if (bytes <= 0) return;
    const std::uint32_t now = remember(pe, command);
    const std::uint64_t end = address + static_cast<std::uint64_t>(bytes);
    for (std::uint64_t cell = address / kCellBytes; cell * kCellBytes < end; ++cell) {
      StateId& state = page(cell / kPageCells).cell[cell % kPageCells];
      state = transition(state, now, covered(cell, address, end), writes, cell);
    }
  }
};

RaceDetector::RaceDetector(int pes) : impl_(std::make_unique<Impl>(pes)) {}
RaceDetector::~RaceDetector() = default;

void RaceDetector::read(int pe, const Command& command, std::uint64_t address, std::int64_t bytes) {
  impl_->touch(pe, command, address, bytes, false);
}

void RaceDetector::write(int pe, const Command& command, std::uint64_t address, std::int64_t bytes) {
  impl_->touch(pe, command, address, bytes, true);
}

void RaceDetector::local_barrier(int pe) {
  ++impl_->epochs[static_cast<std::size_t>(pe)];
}

void RaceDetector::barrier() {
  impl_->forget();
}

void RaceDetector::post(int pe, int target, int semaphore) {
  const auto clock = impl_->clock_of(pe);
  const auto joined = impl_->semaphore(target, semaphore);
  for (std::size_t i = 0; i < clock.size(); ++i) joined[i] = std::max(joined[i], clock[i]);
  ++clock[static_cast<std::size_t>(pe)];
}

void RaceDetector::wait(int pe, int semaphore) {
  const auto clock = impl_->clock_of(pe);
  const auto joined = impl_->semaphore(pe, semaphore);
  for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], joined[i]);
}

void RaceDetector::state(Snapshot& s) {
  impl_->state(s);
}

}  // namespace leto::isa
