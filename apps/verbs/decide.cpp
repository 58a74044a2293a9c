// leto decide: records against criteria.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/files.h"
#include "base/staging.h"
#include "study/decide/audit.h"

namespace leto::verbs {
namespace {

struct DecideFlags {
  std::string criteria, out;
  std::vector<std::string> runs;
  bool json = false;
};

void decide(const DecideFlags& flags) {
  const study::Criteria criteria = study::load_criteria(flags.criteria);
  std::vector<study::Evidence> records;
  for (const auto& run : flags.runs) records.emplace_back(run, study::load_record(run));
  const study::Decision decision = study::decide(criteria, records, study::load_baselines());
  const study::Report page = study::to_report(decision);
  const std::string json = study::to_json(decision);
  std::vector<study::ArchivedFile> files = {{"decision.html", study::to_html(page)},
                                            {"decision.md", study::to_markdown(page)},
                                            {"decision.json", json}};
  files.push_back({"audit.tar", study::to_tar(study::audit_files(flags.criteria, records, files))});
  Staging staging(flags.out);
  make_folder(staging.path());
  for (const auto& file : files) write_atomically(staging.path() / file.name, file.content);
  staging.commit();
  if (flags.json) return host::print_json(nlohmann::json::parse(json));
  fmt::print("verdict: {}\n", study::name_of(decision.verdict));
  for (const std::string& reason : decision.reasons) fmt::print("  {}\n", reason);
  fmt::print("decision: {}\n", (std::filesystem::path(flags.out) / "decision.html").string());
}

}  // namespace

void add_decide(CLI::App& app) {
  auto flags = std::make_shared<DecideFlags>();
  auto* verb = app.add_subcommand("decide", "judge records against criteria: GO, NO-GO or CONDITIONAL");
  verb->add_option("criteria", flags->criteria, "criteria.toml")->required();
  verb->add_option("runs", flags->runs, "folders of runs, or record.json files")->required();
  verb->add_option("--out", flags->out, "folder for decision.html, .md, .json and audit.tar")->required();
  verb->add_flag("--json", flags->json, "print the decision as one JSON document");
  verb->footer(
      "example:\n  leto decide study/examples/pilot/criteria.toml out/llama out/gpt2 --out out/decision\n"
      "Every verdict ends with exit code 0.");
  verb->callback([flags] { decide(*flags); });
}

}  // namespace leto::verbs
