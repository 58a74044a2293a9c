// Baselines: what other parts reach, each figure with its kind and source (study/baselines/*.toml).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "study/provenance.h"

namespace leto::study {

/// One figure: "peak_bf16", "memory_bandwidth", "memory_capacity", "power", "best_matmul_bf16", …
struct Figure {
  std::string metric, unit;
  std::string precision;  // empty where it means nothing
  double value = 0;
  Provenance from;
};

/// One result of training a language model.
struct TrainingRow {
  std::string id, workload, software, precision;
  double parameters = 0;      // 0 = not stated
  std::int64_t sequence = 0;  // 0 = not stated
  std::int64_t devices = 0;   // 0 = not stated
  double mfu = 0;             // share, 0 to 1
  double of_peak_flops = 0;   // FLOP/s of one device that the share refers to
  Provenance from;
};

struct Baseline {
  std::string name, title, note;
  std::vector<Figure> figures;
  std::vector<TrainingRow> training;
  /// The first figure of a metric; nullptr when the sources have none.
  const Figure* figure(std::string_view metric) const;
};

/// Names of the baselines that come with leto, sorted.
std::vector<std::string> baseline_names();
/// A baseline's name ("h100-sxm") or a path to its TOML file. Throws Error(bad_input) with file:line.
Baseline load_baseline(const std::string& name_or_path);
/// All that come with leto, by name.
std::vector<Baseline> load_baselines();

}  // namespace leto::study
