// The untimed golden interpreter: runs a program to its end on a grid of PEs, values on, no notion of a
// cycle. Cores run until they block; commands sit in in-order queues, one a unit, and run as soon as their
// operands allow. Any order a legal program permits gives the same bits; races are reported (race.h).
//
// A core that has ended, or has no code, takes part in no barrier. A queue holds kQueueDepth commands, a link
// of the reduction network as many partial sums; beyond that the sender waits.
#pragma once

#include <functional>

#include "isa/machine.h"
#include "isa/program.h"

namespace leto::isa {

inline constexpr int kQueueDepth = 64;

struct Grid {
  int rows = 1, columns = 1;
};

struct InterpResult {
  std::int64_t commands =
      0;  // commands issued to units, all PEs (core, sync and buffer instructions not counted)
  std::int64_t macs = 0;
};

/// `memory` holds the inputs on entry and everything on return. Throws Error: illegal_program (broken rule,
/// race), deadlock (with who waits for what). `order` other than 0 serves PEs, cores and units in a drawn
/// order instead of an ascending one: a legal program gives the same bits for all. `progress` hears the
/// commands issued so far, many times a second.
InterpResult interpret(const Program& program, Grid grid, std::int64_t local_store_bytes, int banks,
                       Memory& memory, std::uint64_t order = 0,
                       const std::function<void(std::int64_t)>& progress = {});

}  // namespace leto::isa
