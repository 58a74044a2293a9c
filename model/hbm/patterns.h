// Request patterns that drive one controller, for comparison with published simulators and for measuring
// speed.
//
// Patterns, over a footprint of 2^28 bytes from address 0, i = request number:
//   seq     consecutive bursts, all reads
//   rand    bursts drawn by splitmix64 (seed, i), all reads
//   seq21   the addresses of seq, request i is a write when i % 3 == 2
//   rand21  the addresses of rand, the same
//   add3    three streams, each a quarter of the footprint further, the third one writes (STREAM's add)
// Issue: sat offers requests as fast as the controller takes them; pace offers request i from tick i *
// parameter on; dep keeps at most `parameter` reads under way (1: each waits for the one before).
#pragma once

#include <cstdint>
#include <string>

#include "model/hbm/controller.h"

namespace leto::model {

enum class Pattern : std::uint8_t { seq, rand, seq21, rand21, add3 };
enum class Issue : std::uint8_t { sat, pace, dep };

/// By name; Error(bad_input) for others.
Pattern pattern_of(const std::string& name);
Issue issue_of(const std::string& name);

struct PatternLoad {
  Pattern pattern = Pattern::seq;
  Issue issue = Issue::sat;
  double parameter = 1;
  std::uint64_t requests = 0;
  std::uint64_t seed = 1;
};

struct PatternResult {
  Tick end = 0;             // of the last completion
  double read_latency = 0;  // mean, ticks from acceptance to data
  double bytes_per_second = 0;
  ControllerCounts counts;
  double host_seconds = 0;
};

PatternResult run_pattern(const ControllerSpec& spec, int burst_bytes, const PatternLoad& load);

}  // namespace leto::model
