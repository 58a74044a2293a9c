#include "apps/host/tune.h"

#include <algorithm>
#include <cstdio>

#include "apps/host/child.h"
#include "apps/host/output.h"
#include "apps/host/tune_database.h"
#include "base/errors.h"
#include "model/simulation.h"

namespace leto::host {
namespace {

using compiler::Choices;
using compiler::Tunable;

std::uint64_t cycles_of(const isa::Program& program, const ChipConfig& chip) {
  model::RunOptions run;
  run.values = false;
  model::Simulation simulation(program, chip, run);
  simulation.step();
  return simulation.statistics().cycles;
}

/// Those that the database does not know, every candidate of each in a process of its own.
int measure(const std::vector<Tunable>& kernels, const TuneOptions& options, const ChipConfig& chip,
            TuneDatabase& database) {
  struct Run {
    const Tunable* kernel;
    int candidate;
  };
  std::vector<Run> runs;
  std::vector<Work> works;
  for (const Tunable& kernel : kernels) {
    if (database.find(kernel.kernel, options.candidates) != nullptr) continue;
    for (int c = 0; c < kernel.candidates; ++c) {
      runs.push_back({&kernel, c});
      works.emplace_back([&kernel, c, &chip] { return nlohmann::json(cycles_of(kernel.alone(c), chip)); });
    }
  }
  Progress progress("tuning", std::int64_t(works.size()));
  Measured measured;
  in_children(works, options.jobs, [&](std::size_t i, const nlohmann::json& cycles) {
    const Run& run = runs[i];
    if (run.candidate == 0) measured = {options.candidates, {}};
    measured.cycles.push_back(cycles.get<std::uint64_t>());
    if (run.candidate + 1 == run.kernel->candidates) database.add(run.kernel->kernel, measured);
    progress.update(std::int64_t(i) + 1, run.kernel->kernel);
  });
  return int(works.size());
}

Choices choose(const std::vector<Tunable>& kernels, const TuneOptions& options, const ChipConfig& chip) {
  TuneDatabase database(options.database, chip);
  const int runs = options.candidates > 0 ? measure(kernels, options, chip, database) : 0;
  Choices choices;
  int known = 0;
  for (const Tunable& kernel : kernels)
    if (const Measured* m = database.find(kernel.kernel, options.candidates)) {
      ++known;
      if (m->choice() > 0) choices[kernel.kernel] = m->choice();
    }
  fmt::print(stderr, "tuned: {} of {} kernels known, {} not as the cost model has them; {} simulations\n",
             known, kernels.size(), choices.size(), runs);
  return choices;
}

}  // namespace

compiler::Tuning tuning(const TuneOptions& options, const ChipConfig& chip) {
  compiler::Tuning tuning;
  if (!options.wanted()) return tuning;
  if (!options.database.empty() && options.candidates == 0 && !std::filesystem::exists(options.database))
    throw Error(ExitCode::bad_input, options.database.string() + ": there is no such tune database",
                "add --autotune N, which makes it");
  tuning.candidates = std::max(options.candidates, tuning.candidates);
  tuning.choose = [options, &chip](const std::vector<Tunable>& kernels) {
    return choose(kernels, options, chip);
  };
  return tuning;
}

}  // namespace leto::host
