// Runs a job on the simulated chip, step by step.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "apps/host/job.h"
#include "apps/host/memory.h"
#include "model/simulation.h"

namespace leto::host {

struct ExecuteOptions {
  bool values = false;
  bool reference = false;                 // also train on the graph interpreter in fp32, on the same batches
  std::map<std::string, NpyArray> given;  // --inputs
  std::filesystem::path save_values;      // folder for outputs and loss; empty: none
  std::filesystem::path trace, waves;     // files for a trace and for waves; empty: none
  std::vector<std::string> signals;       // of the waves
  std::vector<std::string> what_if;       // resources taken as unlimited: hbm, noc, ls, issue
  std::vector<model::TwinSpec> twins;     // --twin
  bool event = false;                     // the event model in the place of the full one …
  bool roofline = false;                  // … or the program's roofline
  bool reuse = false;                     // layers that repeat are counted, not simulated …
  int verify_reuse = 0;                   // … but for so many of them
  std::uint64_t construction_seed = 0;    // order in which the chip is built: no result depends on it
  LookupLaw lookups{};                    // --lookups: of index inputs that are not given
  double checkpoint_s = 0;       // about so often the state is saved, and a partial record left; 0: never
  bool resume = false;           // goes on from the state in `folder`, if there is one
  std::filesystem::path folder;  // for checkpoint and partial record, once there are some
};

/// The file in `folder` that a run goes on from.
inline constexpr std::string_view kCheckpoint = "checkpoint";
/// All that a run leaves in its folder when it has ended.
inline constexpr std::string_view kResults[] = {"loss.csv",      "values",      "program.prog", "config.toml",
                                                "record.json",   "report.html", "report.md",    "report.json",
                                                "trace.pftrace", "waves.fst",   "twins"};

/// What --what-if takes.
inline const std::vector<std::string> kWhatIf = {"hbm", "noc", "ls", "issue"};

struct Outcome {
  model::Statistics statistics;  // of all steps
  std::string fidelity = "full";
  bool incomplete = false;  // the last step has not ended
  std::int64_t steps = 0;
  double wall_s = 0;                   // host seconds inside the simulator
  std::vector<double> loss;            // per step; values on and the graph has one
  std::vector<double> loss_reference;  // the same in fp32 on the graph interpreter
  std::optional<double> accuracy;      // test accuracy after training, 0..1
  std::string what_if;                 // resources that were unlimited, "hbm,noc"; empty: none, a real chip
  std::vector<std::string> notes;      // recordings that had to stop early
  std::int64_t tested = 0;             // samples behind it
};

Outcome execute(const Job& job, const ExecuteOptions& options);

}  // namespace leto::host
