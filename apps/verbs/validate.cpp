// leto validate: the model beside closed forms, references and silicon.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "apps/host/dram_points.h"
#include "apps/host/output.h"
#include "apps/verbs/validate_suites.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "base/files.h"

namespace leto::verbs {
namespace {

struct ValidateFlags {
  std::vector<std::string> suites;
  std::string docs;
  bool quick = false, json = false;
  int jobs = 1;
};

struct PointFlags {
  std::string points, timing;
  bool json = false;
};

/// A suite that is not run unasked takes long, and says how good something is rather than whether it is
/// right.
struct Runner {
  std::string name;
  bool unasked;
  study::Suite (*run)(const ValidateFlags& flags);
};
const std::vector<Runner> kSuites = {
    {"oracles", true, [](const ValidateFlags&) { return validate_oracles(); }},
    {"dram", true, [](const ValidateFlags&) { return validate_dram_points(); }},
    {"determinism", true, [](const ValidateFlags&) { return validate_determinism(); }},
    {"published", true, [](const ValidateFlags& flags) { return validate_published(flags.quick); }},
    {"cost_model", true, [](const ValidateFlags&) { return validate_cost_model(); }},
    {"tbe", false, [](const ValidateFlags& flags) { return validate_tbe(flags.quick); }},
    {"fidelity", false, [](const ValidateFlags& flags) { return validate_fidelity(flags.jobs, flags.quick); }},
    {"artemis", false, [](const ValidateFlags& flags) { return validate_artemis(flags.jobs, flags.quick); }},
};

std::vector<std::string> names(bool all) {
  std::vector<std::string> names;
  for (const Runner& suite : kSuites)
    if (all || suite.unasked) names.push_back(suite.name);
  return names;
}

std::vector<study::Suite> run(const ValidateFlags& flags) {
  std::vector<study::Suite> suites;
  for (const Runner& suite : kSuites) {
    const bool asked = std::ranges::find(flags.suites, suite.name) != flags.suites.end();
    if (flags.suites.empty() ? !suite.unasked : !asked) continue;
    suites.push_back(suite.run(flags));
    if (!flags.json) fmt::print("{}\n", study::to_text(suites.back()));
  }
  return suites;
}

void print_json(const std::vector<study::Suite>& suites) {
  auto documents = nlohmann::json::array();
  for (const auto& suite : suites) documents.push_back(study::to_json(suite));
  host::print_json({{"suites", documents}});
}

void renew(const std::string& file, const std::vector<study::Suite>& suites) {
  std::string text = read_text(file);
  for (const auto& suite : suites)
    text = study::with_section(std::move(text), suite.name, study::to_markdown(suite), file);
  write_atomically(file, text);
}

void validate(const ValidateFlags& flags) {
  if (flags.quick && !flags.docs.empty())
    throw Error(ExitCode::usage, "validate: --docs takes the figures of whole workloads",
                "leave --quick out");
  const auto suites = run(flags);
  if (flags.json) print_json(suites);
  if (!flags.docs.empty()) renew(flags.docs, suites);
  int failed = 0;
  for (const auto& suite : suites) failed += suite.failed();
  if (failed > 0)
    throw Error(ExitCode::mismatch, fmt::format("validate: {} checks failed", failed),
                "the lines on stdout that end in FAILED say which, and by how much");
}

void validate_dram(const PointFlags& flags) {
  const auto result = host::compare_dram_points(flags.points, load_dram_timing(flags.timing));
  if (flags.json) return host::print_json(result);
  fmt::print("{:<24} {:<7} {:<5} {:>8}  {:>10} {:>10}\n", "config", "pattern", "mode", "param", "bandwidth",
             "latency");
  for (const auto& p : result["points"])
    fmt::print("{:<24} {:<7} {:<5} {:>8}  {:>+9.3f}% {:>+9.3f}%\n", p["config"].get<std::string>(),
               p["pattern"].get<std::string>(), p["mode"].get<std::string>(), p["param"].get<double>(),
               100 * p["bandwidth_error"].get<double>(), 100 * p["latency_error"].get<double>());
  const auto& s = result["summary"];
  fmt::print(
      "{} points, {} of other grades skipped; mean |error| {:.3f}% in saturated bandwidth, {:.3f}% in "
      "latency; "
      "worst {:.3f}%\n",
      s["points"].get<int>(), s["skipped"].get<int>(), 100 * s["saturated_bandwidth_error"].get<double>(),
      100 * s["latency_error"].get<double>(), 100 * s["worst_error"].get<double>());
}

void add_dram(CLI::App& validate) {
  auto flags = std::make_shared<PointFlags>();
  auto* verb = validate.add_subcommand("dram", "the DRAM controller beside another simulator's points");
  verb->add_option("points", flags->points, "CSV file of reference points")->required();
  verb->add_option("--timing", flags->timing, "the grade: a name in arch/timings or a TOML file")->required();
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto validate dram points.csv --timing hbm3_6400");
  verb->callback([flags] { validate_dram(*flags); });
}

}  // namespace

void add_validate(CLI::App& app) {
  auto flags = std::make_shared<ValidateFlags>();
  auto* verb = app.add_subcommand("validate", "check the model against closed forms, references and silicon");
  verb->add_option(
          "--suite", flags->suites,
          fmt::format("{} (default: {})", fmt::join(names(true), ", "), fmt::join(names(false), ", ")))
      ->delimiter(',')
      ->check(CLI::IsMember(names(true)));
  verb->add_flag("--quick", flags->quick,
                 "published: smaller workloads, whose figures are not judged; fidelity: few variants; "
                 "artemis: a shape a kernel");
  verb->add_option("--jobs", flags->jobs,
                   "fidelity, artemis: simulations at a time, each in a process; changes no figure")
      ->check(CLI::Range(1, 64));
  verb->add_option("--docs", flags->docs,
                   "renew these suites' sections of a file, as docs/validation.md has them");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  add_dram(*verb);
  verb->footer(
      "exit code 8 when a check fails\n"
      "example:\n  leto validate --suite oracles,dram\n  leto validate dram points.csv --timing hbm3_6400");
  verb->callback([verb, flags] {
    if (verb->get_subcommands().empty()) validate(*flags);
  });
}

}  // namespace leto::verbs
