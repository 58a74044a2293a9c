// leto diff: two records against each other.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "study/record.h"

namespace leto::verbs {
namespace {

struct Flags {
  std::string a, b;
  bool exact = false, json = false;
};

void print(const std::vector<study::Difference>& differences, bool json) {
  if (!json) {
    for (const auto& one : differences) fmt::print("{}: {} | {}\n", one.key, one.a, one.b);
    return fmt::print("{} of the keys differ\n",
                      differences.empty() ? "none" : std::to_string(differences.size()));
  }
  auto document = nlohmann::json::array();
  for (const auto& one : differences) document.push_back({{"key", one.key}, {"a", one.a}, {"b", one.b}});
  host::print_json({{"differences", document}});
}

void compare(const Flags& flags) {
  const auto differences = study::diff_records(study::load_record(flags.a), study::load_record(flags.b));
  print(differences, flags.json);
  if (flags.exact && !differences.empty())
    throw Error(ExitCode::mismatch,
                fmt::format("{} and {} differ in {} keys, first in {}", flags.a, flags.b, differences.size(),
                            differences.front().key),
                "the lines on stdout show both sides");
}

}  // namespace

void add_diff(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("diff", "compare two runs, all but what depends on the host");
  verb->add_option("a", flags->a, "a run's folder or record.json")->required();
  verb->add_option("b", flags->b, "the other one")->required();
  verb->add_flag("--exact", flags->exact, "exit with code 8 when anything differs");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto diff out/a out/b --exact");
  verb->callback([flags] { compare(*flags); });
}

}  // namespace leto::verbs
