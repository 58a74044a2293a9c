// Where the cycles between two runs went: for each engine, what each state of each operation took in one run
// and in the other.
//
// In engine-cycles, whole numbers, so that the contributions of an engine add up exactly to instances x
// cycles of run B less that of run A. Operations are matched by name, kind and phase. What no operation was
// billed for (launch, idle) stands under the empty name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "study/record.h"

namespace leto::study {

/// Exact for runs that a simulator can have made. The numbers of a damaged record wrap around.
constexpr std::int64_t cycles_between(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
}

struct Contribution {
  std::string state;                   // "busy", "idle", or a cause of waiting
  std::string operation, kind, phase;  // empty: billed to none
  std::int64_t a = 0, b = 0;           // engine-cycles
  std::int64_t difference() const { return cycles_between(a, b); }
};

struct EngineDifference {
  std::string engine;
  std::int64_t instances_a = 0, instances_b = 0;
  std::int64_t cycles_a = 0, cycles_b = 0;  // engine-cycles: instances x cycles of the run
  std::vector<Contribution> contributions;  // that differ, the largest first
  std::int64_t difference() const { return cycles_between(cycles_a, cycles_b); }
};

/// Engines with any difference, the one first in which most cycles moved.
std::vector<EngineDifference> cycle_differences(const Record& a, const Record& b);

}  // namespace leto::study
