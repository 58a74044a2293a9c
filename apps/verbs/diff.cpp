// leto diff: two records against each other, and where the cycles between them went.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "study/cycle_difference.h"
#include "study/record.h"

namespace leto::verbs {
namespace {

struct DiffFlags {
  std::string a, b;
  bool exact = false, json = false;
};

constexpr std::size_t kRows = 8;  // contributions of an engine that are shown one by one

using Differences = std::vector<study::Difference>;
using Engines = std::vector<study::EngineDifference>;

/// The accounts, which the table of cycles sums up.
bool is_account(const study::Difference& one) {
  return one.key.starts_with("stalls.") || one.key.starts_with("ops[");
}

void print_rest(const study::EngineDifference& engine) {
  if (engine.contributions.size() <= kRows) return;
  std::uint64_t rest = 0;  // modulo 2^64, as the differences are
  for (std::size_t i = kRows; i < engine.contributions.size(); ++i)
    rest += static_cast<std::uint64_t>(engine.contributions[i].difference());
  fmt::print("{:>+16}  {} others\n", static_cast<std::int64_t>(rest), engine.contributions.size() - kRows);
}

void print(const study::EngineDifference& engine) {
  fmt::print("{}: {:+} engine-cycles ({} on {} | {} on {})\n", engine.engine, engine.difference(),
             engine.cycles_a, engine.instances_a, engine.cycles_b, engine.instances_b);
  for (std::size_t i = 0; i < std::min(kRows, engine.contributions.size()); ++i) {
    const study::Contribution& one = engine.contributions[i];
    const auto of =
        one.operation.empty() ? "" : fmt::format(" of {} ({}, {})", one.operation, one.kind, one.phase);
    fmt::print("{:>+16}  {}{}: {} | {}\n", one.difference(), one.state, of, one.a, one.b);
  }
  print_rest(engine);
}

/// Key by key; what the table of cycles holds is left out unless all was asked for.
void print(const Differences& differences, bool all) {
  std::size_t left_out = 0;
  for (const auto& one : differences) {
    if (all || !is_account(one))
      fmt::print("{}: {} | {}\n", one.key, one.a, one.b);
    else
      ++left_out;
  }
  fmt::print("{} of the keys differ", differences.empty() ? "none" : std::to_string(differences.size()));
  if (left_out > 0) fmt::print(", {} of them accounts of cycles:", left_out);
  fmt::print("\n");
}

nlohmann::json document(const Differences& differences) {
  auto list = nlohmann::json::array();
  for (const auto& one : differences) list.push_back({{"key", one.key}, {"a", one.a}, {"b", one.b}});
  return list;
}

nlohmann::json document(const Engines& engines) {
  auto list = nlohmann::json::array();
  for (const auto& engine : engines) {
    auto contributions = nlohmann::json::array();
    for (const auto& one : engine.contributions)
      contributions.push_back({{"state", one.state},
                               {"operation", one.operation},
                               {"kind", one.kind},
                               {"phase", one.phase},
                               {"a", one.a},
                               {"b", one.b},
                               {"difference", one.difference()}});
    list.push_back({{"engine", engine.engine},
                    {"instances_a", engine.instances_a},
                    {"instances_b", engine.instances_b},
                    {"a", engine.cycles_a},
                    {"b", engine.cycles_b},
                    {"difference", engine.difference()},
                    {"contributions", contributions}});
  }
  return list;
}

/// Every key that differs, and exit code 8 if any does.
void compare_exactly(const DiffFlags& flags, const Differences& differences) {
  if (flags.json)
    host::print_json({{"differences", document(differences)}});
  else
    print(differences, true);
  if (!differences.empty())
    throw Error(ExitCode::mismatch,
                fmt::format("{} and {} differ in {} keys, first in {}", flags.a, flags.b, differences.size(),
                            differences.front().key),
                "the lines on stdout show both sides");
}

/// What differs, and which engine, state and operation the cycles between the two runs went to.
void explain(const DiffFlags& flags, const Differences& differences, const Engines& engines) {
  if (flags.json)
    return host::print_json({{"differences", document(differences)}, {"engines", document(engines)}});
  print(differences, false);
  for (const auto& engine : engines) print(engine);
}

void compare(const DiffFlags& flags) {
  const auto a = study::load_record(flags.a), b = study::load_record(flags.b);
  const auto differences = study::diff_records(a, b);
  if (flags.exact) return compare_exactly(flags, differences);
  explain(flags, differences, study::cycle_differences(a, b));
}

}  // namespace

void add_diff(CLI::App& app) {
  auto flags = std::make_shared<DiffFlags>();
  auto* verb =
      app.add_subcommand("diff", "say what differs between two runs, and where the cycles between them went");
  verb->add_option("a", flags->a, "a run's folder or record.json")->required();
  verb->add_option("b", flags->b, "the other one")->required();
  verb->add_flag("--exact", flags->exact,
                 "every key that differs, all but what depends on the host; exit with code 8 if any does");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto diff out/narrow out/wide\n  leto diff out/a out/b --exact");
  verb->callback([flags] { compare(*flags); });
}

}  // namespace leto::verbs
