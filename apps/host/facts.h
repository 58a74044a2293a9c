// From what the simulator counted to what the record holds.
#pragma once

#include "apps/host/execute.h"
#include "study/run_facts.h"

namespace leto::host {

/// Everything the record needs about a run. `values`: they were computed.
study::RunFacts facts_of(const Job& job, const Outcome& outcome, bool values);

/// Largest resident set of this process so far, in bytes.
std::uint64_t peak_rss_bytes();

}  // namespace leto::host
