// Names that the command line keeps for verbs that are not here yet: they answer so, instead of "unknown
// verb".
#include <CLI/CLI.hpp>
#include <array>

#include "apps/verbs/verbs.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

struct Later {
  const char* name;
  const char* doc;
  const char* remedy;
};
constexpr std::array<Later, 1> kLater = {{
    {"sweep", "run a study over chip keys (not yet)",
     "leto run --set section.key=value changes one key a run"},
}};

}  // namespace

void add_later(CLI::App& app) {
  for (const auto& verb : kLater) {
    auto* sub = app.add_subcommand(verb.name, verb.doc);
    sub->allow_extras();
    sub->footer(fmt::format("example:\n  leto {}   (answers exit code 4 until it is there)", verb.name));
    sub->callback([verb] {
      throw Error(ExitCode::unsupported, fmt::format("{}: not yet in this version", verb.name), verb.remedy);
    });
  }
}

}  // namespace leto::verbs
