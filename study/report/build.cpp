// The report's order of sections: read this first.
#include <fmt/format.h>

#include "base/errors.h"
#include "study/report/sections.h"

namespace leto::study {
namespace {

struct Topic {
  const char* heading;
  std::vector<Block> (*build)(const Record&);
};

constexpr Topic kTopics[] = {
    {"What ran", what_ran},
    {"Loss", loss_curve},
    {"Where the engines' cycles go", engine_stalls},
    {"Engines over time", engine_timeline},
    {"Memory traffic", memory_traffic},
    {"Energy", energy},
    {"Roofline", roofline},
    {"Where the time goes", operations},
    {"What each operation waits for", operation_stalls},
    {"Every operation", every_operation},
    {"Memory over time", memory_timeline},
    {"Memory fit", memory_fit},
    {"RTL twins", twins},
};

void add(Report& report, std::string heading, int level, std::vector<Block> blocks) {
  if (!blocks.empty()) report.sections.push_back({std::move(heading), level, std::move(blocks)});
}

void add_run(Report& report, const Record& record, int number, bool alone) {
  add(report, alone ? "Headline" : fmt::format("Run {}: {}", number, run_name(record)), 2, headline(record));
  for (const Topic& topic : kTopics) add(report, topic.heading, alone ? 2 : 3, topic.build(record));
}

}  // namespace

Report build_report(const std::vector<Record>& records, const std::vector<Baseline>& baselines) {
  if (records.empty()) throw Error(ExitCode::usage, "no record to report on", "give the folder of a run");
  const bool alone = records.size() == 1;
  Report report;
  report.title = alone ? run_name(records[0]) : fmt::format("{} runs side by side", records.size());
  report.subtitle = fmt::format("Leto report: what a simulated training accelerator would do ({} fidelity)",
                                alone ? records[0].fidelity : "each run's own");
  if (!alone) add(report, "Runs side by side", 2, runs_side_by_side(records));
  if (!alone) add(report, "What differs in the settings", 2, settings_that_differ(records));
  int number = 0;
  for (const Record& record : records) add_run(report, record, ++number, alone);
  add(report, "Beside other parts", 2, beside_baselines(records, baselines));
  for (const Record& record : records)
    add(report, alone ? "Simulator speed" : "Simulator speed: " + run_name(record), 2,
        simulator_speed(record));
  return report;
}

}  // namespace leto::study
