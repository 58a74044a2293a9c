// Measures the candidates of a model's kernels on the simulated chip. Here, since the compiler must not know
// the model.
#pragma once

#include <filesystem>

#include "arch/chip_config.h"
#include "compiler/tuning.h"

namespace leto::host {

struct TuneOptions {
  int candidates = 0;              // of a kernel: those that are not in the database are measured; 0: none is
  std::filesystem::path database;  // empty: nothing is kept
  int jobs = 1;                    // processes at a time
  bool wanted() const { return candidates > 0 || !database.empty(); }
};

/// Chooses for a kernel the candidate that is fastest when it runs alone, values off; nobody chooses where
/// nothing is wanted.
compiler::Tuning tuning(const TuneOptions& options, const ChipConfig& chip);

}  // namespace leto::host
