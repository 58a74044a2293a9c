#include "apps/host/reporting.h"

#include "base/errors.h"
#include "base/files.h"
#include "study/baseline.h"
#include "study/report/report.h"

namespace leto::host {
namespace {

std::string render(const study::Report& report, const std::filesystem::path& path) {
  const auto suffix = path.extension();
  if (suffix == ".html") return study::to_html(report);
  if (suffix == ".md") return study::to_markdown(report);
  if (suffix == ".json") return study::to_json(report);
  throw Error(ExitCode::usage, fmt::format("report: {} has no known suffix", path.string()),
              "name the file .html, .md or .json");
}

}  // namespace

void write_reports(std::span<const study::Record> records, const std::vector<std::string>& baselines,
                   std::span<const std::filesystem::path> paths) {
  std::vector<study::Baseline> beside;
  for (const auto& name : baselines) beside.push_back(study::load_baseline(name));
  const auto report = study::build_report({records.begin(), records.end()}, beside);
  std::vector<std::string>
      texts;  // all of them before the first is written: a bad suffix leaves nothing behind
  for (const auto& path : paths) texts.push_back(render(report, path));
  for (std::size_t i = 0; i < paths.size(); ++i) write_atomically(paths[i], texts[i]);
}

}  // namespace leto::host
