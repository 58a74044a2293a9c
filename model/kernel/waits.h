// The wait-for graph of a chip that has come to rest before its program ended.
//
// Its nodes are the cores and units that wait. An edge leads from one to another that would bring what the
// first waits for, could it go on itself: by a command in its queue, or by one that its core has yet to
// issue. Following the edges ends in a cycle, or at somebody for whom nobody brings anything: that is what
// the error names.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "isa/program.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Something whose coming ends a wait.
struct Release {
  enum class Kind : std::uint8_t {
    push,       // of buffer `number` of PE `place`
    pop,        // the same
    bank_free,  // of bank `number` of PE `place`
    bank_open,
    bank_full,
    partial,    // at PE `place` from direction `number`
    link_free,  // of PE `place` in direction `number`
    room,       // in queue `number` of PE `place`
    commands,   // of PE `place` are done
    arrival,    // of core `number` of PE `place` at a barrier
    grid,       // arrival of a PE at the grid's barrier
    post,       // to semaphore `number` of PE `place`
    multicast,  // members of group `place`
  } kind;
  int place = 0, number = 0;
  auto operator<=>(const Release&) const = default;
};

/// Somebody who waits.
struct Wait {
  int pe;
  std::string who;   // "core 0", "matrix_engine"
  std::string what;  // "data in b3", "semaphore 2 (has 0, needs 1)"
  Cycle since;
  int core = 0;  // whose code
  std::uint32_t pc = 0;
  std::uint32_t source = 0;  // the graph operation
  Release needs{};
  std::vector<Release> brings{};  // could it go on
};

/// Throws Error(deadlock): the cycle or the one who waits in vain, the waits that lead there one by one, then
/// the others, at last the number of the rest.
[[noreturn]] void throw_deadlock(const std::vector<Wait>& waits, const isa::Program& program, Cycle at);

}  // namespace leto::model
