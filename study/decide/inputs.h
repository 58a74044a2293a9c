// The sheet of a decision: facts of the tables, figures of the baselines, and the rates of the records and of
// the baselines on the same workloads.
#pragma once

#include "study/baseline.h"
#include "study/decide/sheet.h"
#include "study/record.h"

namespace leto::study {

/// A record and what to call it in messages and audits.
struct Evidence {
  Evidence(std::string path, Record record);
  std::string path;
  Record record;
  /// The chip's name in the tables; a changed chip has a name of its own, which no table knows.
  std::string part;
};

// Ids. `who` is a part: a chip of a record or a baseline.
std::string rate_id(const std::string& who, const std::string& workload);
std::string mfu_id(const std::string& workload);
std::string memory_id(const std::string& workload);

/// Adds everything that the records and baselines give; what they do not give is not there.
void fill(Sheet& sheet, const std::vector<Evidence>& records, const std::vector<Baseline>& baselines);

}  // namespace leto::study
