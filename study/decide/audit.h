// What somebody needs to check a decision: its inputs, their hashes, the commands to run again.
#pragma once

#include "study/decide/archive.h"
#include "study/decide/decide.h"

namespace leto::study {

/// The archive's files, README.md and hashes.txt included. `pages` are the decision's own files.
std::vector<ArchivedFile> audit_files(const std::string& criteria_path, const std::vector<Evidence>& records,
                                      const std::vector<ArchivedFile>& pages);

}  // namespace leto::study
