// leto doctor: is everything there that a run needs?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <thread>

#include "apps/host/output.h"
#include "apps/host/samples.h"
#include "apps/verbs/verbs.h"
#include "arch/chip_config.h"
#include "base/errors.h"
#include "isa/instruction.h"
#include "leto_version.h"
#include "model/waves/fst_file.h"

namespace leto::verbs {
namespace {

struct Check {
  std::string what, found;
  bool good;
};

/// Runs a check that throws when something is missing.
template <class Find>
Check check(std::string what, Find find) {
  try {
    return {std::move(what), find(), true};
  } catch (const Error& error) {
    return {std::move(what), fmt::format("{} ({})", error.what(), error.remedy()), false};
  }
}

std::string presets() {
  const auto names = chip_names();
  for (const auto& name : names) load_chip(name);
  if (names.empty())
    throw Error(ExitCode::bad_input, "no chip preset is found",
                "run from an installed tree, or keep the source tree where it was built");
  return fmt::format("{}", fmt::join(names, " "));
}

std::vector<Check> checks() {
  return {
      check("version",
            [] { return std::string(LETO_VERSION " (" LETO_COMMIT "), " LETO_BUILD_TYPE " build"); }),
      check("instruction set", [] { return fmt::format("hash {:016x}", isa::isa_hash()); }),
      check("chip presets", presets),
      check("digits data set",
            [] { return fmt::format("{} samples", host::read_samples("digits", 0).count()); }),
      check("mnist data set",
            [] { return fmt::format("{} samples", host::read_samples("mnist", 0).count()); }),
      check("names data set",
            [] { return fmt::format("{} tokens", host::read_samples("names", 1).count()); }),
      check("waves",
            [] {
              return std::string(model::FstFile::supported()
                                     ? "this build writes FST"
                                     : "none: built without Debian's verilator package");
            }),
      check("host", [] { return fmt::format("{} hardware threads", std::thread::hardware_concurrency()); }),
  };
}

void examine(bool json) {
  const auto all = checks();
  const bool good = std::all_of(all.begin(), all.end(), [](const auto& one) { return one.good; });
  if (json) {
    nlohmann::json document = {{"ok", good}, {"checks", nlohmann::json::array()}};
    for (const auto& one : all)
      document["checks"].push_back({{"what", one.what}, {"found", one.found}, {"ok", one.good}});
    host::print_json(document);
  } else {
    for (const auto& one : all) fmt::print("{:<4} {}: {}\n", one.good ? "ok" : "BAD", one.what, one.found);
  }
  if (!good)
    throw Error(ExitCode::bad_input, "doctor: something that a run needs is missing",
                "the lines marked BAD say what to do");
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto* verb = app.add_subcommand("doctor", "check that presets, data and the build are in order");
  verb->add_flag("--json", *json, "one JSON document on stdout");
  verb->footer("example:\n  leto doctor");
  verb->callback([json] { examine(*json); });
}

}  // namespace leto::verbs
