// Workloads of the zoo, simulated without leaving files.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/host/execute.h"

namespace leto::host {

struct Workload {
  std::string name;                                             // in the zoo
  std::map<std::string, std::int64_t, std::less<>> settings{};  // those that are not the zoo's own
  std::string dtype{};                                          // empty: the zoo's own
  std::string chip{};
  std::vector<std::string> set{};  // of the chip: section.key=value
  std::string resident = "none";
  std::string recipe{};  // TOML text; empty: forward only
  std::string lookups = "uniform";  // as leto run --lookups
  std::int64_t pinned_rows = 0;     // as --pin-rows
  bool values = false;
  bool reuse = false, event = false, roofline = false;  // the fidelity; none: full
  std::uint64_t construction_seed = 0;
};

/// Builds, compiles and runs it in a child process: record.json as a document.
nlohmann::json record_of(const Workload& workload);
/// The same for several, `jobs` at a time.
std::vector<nlohmann::json> records_of(const std::vector<Workload>& workloads, int jobs);

}  // namespace leto::host
