// leto validate: the model beside references.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/dram_points.h"
#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

struct Flags {
  std::string points, timing;
  bool json = false;
};

void validate_dram(const Flags& flags) {
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
  auto flags = std::make_shared<Flags>();
  auto* verb = validate.add_subcommand("dram", "the DRAM controller beside another simulator's points");
  verb->add_option("points", flags->points, "CSV file of reference points")->required();
  verb->add_option("--timing", flags->timing, "the grade: a name in arch/timings or a TOML file")->required();
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto validate dram points.csv --timing hbm3_6400");
  verb->callback([flags] { validate_dram(*flags); });
}

}  // namespace

void add_validate(CLI::App& app) {
  auto* verb = app.add_subcommand("validate", "compare the model with references");
  auto suite = std::make_shared<std::string>();
  verb->add_option("--suite", *suite, "a suite of checks (not yet)");
  add_dram(*verb);
  verb->footer("example:\n  leto validate dram points.csv --timing hbm3_6400");
  verb->callback([verb] {
    if (verb->get_subcommands().empty())
      throw Error(ExitCode::unsupported, "validate: only `validate dram` is there in this version",
                  "ctest runs the closed-form checks; docs/validation.md says what they cover");
  });
}

}  // namespace leto::verbs
