// criteria.toml: what a review asks of a chip.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leto::study {

struct Criterion {
  std::string name;
  std::string metric;    // one of metric_names()
  std::string level;     // chip, server or datacentre for perf_per_watt and perf_per_dollar; else empty
  std::string workload;  // of the record; empty where the metric needs none
  std::string baseline;  // for speedup, perf_per_watt and perf_per_dollar; else empty
  bool at_least = true;  // bound = "min"; "max" otherwise
  double threshold = 0;
};

struct Criteria {
  std::string title, note;
  std::uint64_t seed = 1;
  std::int64_t draws = 0;              // of the Monte-Carlo
  double confidence = 0;               // a criterion is met when this share of the draws meets it
  double fleet_share = 0;              // of the H100 fleet that the chip is to replace
  std::vector<std::string> workloads;  // that must have a record before the verdict can be GO
  std::vector<Criterion> criteria;
};

const std::vector<std::string>& metric_names();
const std::vector<std::string>& level_names();

/// Throws Error(bad_input) with file:line.
Criteria load_criteria(const std::string& path);

}  // namespace leto::study
