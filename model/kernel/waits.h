// The wait-for graph of a chip that has come to rest before its program ended.
#pragma once

#include <string>
#include <vector>

#include "isa/program.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Somebody who waits.
struct Wait {
  int pe;
  std::string who;   // "core 0", "matrix_engine"
  std::string what;  // "data in b3", "semaphore 2 (has 0, needs 1)"
  Cycle since;
  int core = 0;  // whose code
  std::uint32_t pc = 0;
};

/// Throws Error(deadlock): the first waits one by one, the number of the rest.
[[noreturn]] void throw_deadlock(const std::vector<Wait>& waits, const isa::Program& program, Cycle at);

}  // namespace leto::model
