// leto report: records beside the baselines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/output.h"
#include "apps/host/reporting.h"
#include "apps/verbs/verbs.h"

namespace leto::verbs {
namespace {

struct ReportFlags {
  std::vector<std::string> runs, baselines = host::kDefaultBaselines;
  std::vector<std::string> outputs;
  bool json = false;
};

void report(const ReportFlags& flags) {
  std::vector<study::Record> records;
  for (const auto& run : flags.runs) records.push_back(study::load_record(run));
  const std::vector<std::filesystem::path> paths(flags.outputs.begin(), flags.outputs.end());
  host::write_reports(records, flags.baselines, paths);
  if (flags.json) return host::print_json({{"files", flags.outputs}});
  for (const auto& output : flags.outputs) fmt::print("report: {}\n", output);
}

}  // namespace

void add_report(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  auto* verb =
      app.add_subcommand("report", "put runs beside the baselines: HTML, Markdown or JSON by suffix");
  verb->add_option("runs", flags->runs, "folders of runs, or record.json files")->required();
  verb->add_option("--vs", flags->baselines, "baselines, separated by commas")->delimiter(',');
  verb->add_option("-o,--output", flags->outputs, "report.html, report.md or report.json; may be repeated")
      ->required()
      ->allow_extra_args(false);
  verb->add_flag("--json", flags->json, "say what was written as one JSON document");
  verb->footer("example:\n  leto report out/gpt2-small --vs h100-sxm,h200 -o report.html");
  verb->callback([flags] { report(*flags); });
}

}  // namespace leto::verbs
