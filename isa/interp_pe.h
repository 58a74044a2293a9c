// A PE as the interpreter sees it, and what is said about PEs that cannot go on. Private to interp.cpp and
// deadlock.cpp.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "isa/core.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace leto::isa::interp {

inline constexpr int kDirections = 4;

using Counts = std::array<std::int64_t, kUnits>;

struct Pe {
  Place place;
  PeState state;
  std::array<Core, kCores> cores;
  std::array<std::deque<Command>, kUnits> queues;
  Counts issued{}, done{};                            // commands, by unit
  std::array<std::optional<Counts>, kCores> posting;  // what had been issued when the core reached its post
  std::array<std::int64_t, kSemaphores> semaphores{};
  std::array<std::deque<Partials>, kDirections> inbox;  // by the direction they come from

  Pe(const Program& program, const Place& where, std::int64_t local_store_bytes, int banks)
      : place(where),
        state(local_store_bytes, banks, true),
        cores{Core(program.code[0], 0, where, program.source_ids()),
              Core(program.code[1], 1, where, program.source_ids())} {}
  bool idle() const { return issued == done; }
};

/// " (h3.mlp.fc)", or nothing when the source map does not know the id.
std::string operation(const Program& program, std::uint32_t source);

/// "deadlock, 12 wait: pe 0 core 1 pc 7: matmul @0 (fc) waits for data in b0; …": units first, then cores, at
/// most eight.
std::string deadlock_text(std::span<const Pe> pes, const Program& program);

}  // namespace leto::isa::interp
