// leto explain: what a key of the record, or a kind of error, means.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "study/record_keys.h"

namespace leto::verbs {
namespace {

struct ErrorKind {
  std::string_view name;
  ExitCode code;
  std::string_view doc;
};
constexpr std::array<ErrorKind, 9> kErrors = {{
    {"usage", ExitCode::usage,
     "the command line is wrong: an unknown flag, a missing value, a name that does not exist"},
    {"bad_input", ExitCode::bad_input,
     "an input file is malformed; the cause names file and line, offset or node"},
    {"unsupported", ExitCode::unsupported,
     "well-formed, but nothing here can do it; every unsupported operator is listed at once"},
    {"does_not_fit", ExitCode::does_not_fit,
     "a memory or a buffer is too small; the cause names the operation that overflows"},
    {"illegal_program", ExitCode::illegal_program,
     "a program breaks a rule of the instruction set, or two PEs race; the cause names the instruction"},
    {"deadlock", ExitCode::deadlock,
     "nothing can go on; the cause is the wait-for graph: who waits for what, since when, at which "
     "instruction"},
    {"mismatch", ExitCode::mismatch, "a comparison that was asked for differs (diff --exact)"},
    {"resource", ExitCode::resource, "the host's disk or memory is full, or a folder cannot be written"},
    {"internal", ExitCode::internal, "a defect of leto itself"},
}};

nlohmann::json of_error(const ErrorKind& kind) {
  return {{"name", kind.name}, {"exit_code", static_cast<int>(kind.code)}, {"meaning", kind.doc}};
}

nlohmann::json of_key(std::string_view asked, const study::RecordKey& key) {
  return {{"name", asked}, {"key", key.path}, {"unit", key.unit}, {"meaning", key.doc}};
}

nlohmann::json look_up(const std::string& name) {
  for (const auto& kind : kErrors)
    if (name == kind.name || name == std::to_string(static_cast<int>(kind.code))) return of_error(kind);
  if (const auto* key = study::find_record_key(name)) return of_key(name, *key);
  throw Error(ExitCode::usage, fmt::format("explain: no counter or error is called '{}'", name),
              "docs/counters.md lists the counters; errors are: usage, bad_input, unsupported, does_not_fit, "
              "illegal_program, deadlock, mismatch, resource, internal");
}

void explain(const std::string& name, bool json) {
  const auto found = look_up(name);
  if (json) return host::print_json(found);
  if (found.contains("exit_code"))
    fmt::print("{} (exit code {}): {}\n", found["name"].get<std::string>(), found["exit_code"].get<int>(),
               found["meaning"].get<std::string>());
  else
    fmt::print("{} [{}]: {}\n", found["key"].get<std::string>(), found["unit"].get<std::string>(),
               found["meaning"].get<std::string>());
}

}  // namespace

void add_explain(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto* verb = app.add_subcommand("explain", "say what a counter of the record or a kind of error means");
  verb->add_option("name", *name,
                   "a key of record.json (mfu, stalls.matrix_engine.data), an error or an exit code")
      ->required();
  verb->add_flag("--json", *json, "one JSON document on stdout");
  verb->footer(
      "example:\n  leto explain mfu\n  leto explain stalls.matrix_engine.busy\n  leto explain deadlock");
  verb->callback([name, json] { explain(*name, *json); });
}

}  // namespace leto::verbs
