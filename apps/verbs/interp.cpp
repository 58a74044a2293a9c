// leto interp: a program's values without time.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "apps/host/job.h"
#include "apps/host/memory.h"
#include "apps/host/output.h"
#include "apps/host/values.h"
#include "apps/verbs/verbs.h"
#include "base/staging.h"
#include "isa/interp.h"

namespace leto::verbs {
namespace {

struct InterpFlags {
  host::JobFlags job;
  std::vector<std::string> inputs;
  std::string lookups = "uniform";
  std::string out;
  bool json = false;
};

void interpret(const InterpFlags& flags) {
  const auto job = host::make_job(flags.job);
  std::optional<Staging> staging;
  if (!flags.out.empty()) staging.emplace(flags.out);
  isa::Memory memory;
  host::prepare(job.program,
                {host::load_given(flags.inputs), job.step ? &*job.step : nullptr, job.seed(), true,
                 parse_lookup_law(flags.lookups, host::lookup_histogram())},
                memory);
  const auto& chip = job.chip;
  host::Progress progress("interpreting", 0);
  const auto result =
      isa::interpret(job.program, {chip.pe.rows, chip.pe.columns}, chip.local_store.bytes,
                     chip.reduction_engine.banks, memory, 0, [&](std::int64_t commands) {
                       progress.update(0, host::engineering(static_cast<double>(commands), "commands"));
                     });
  if (staging) {
    host::save_values(job.program, memory, staging->path());
    staging->commit();
  }
  const auto values = host::describe_values(job.program, memory);
  if (flags.json)
    return host::print_json({{"commands", result.commands}, {"macs", result.macs}, {"values", values}});
  fmt::print("{} commands, {} MACs on {} x {} PEs\n", result.commands, result.macs, chip.pe.rows,
             chip.pe.columns);
  host::print_values(values);
}

}  // namespace

void add_interp(CLI::App& app) {
  auto flags = std::make_shared<InterpFlags>();
  auto* verb = app.add_subcommand("interp", "run a program untimed: the golden values");
  flags->job.add_model(*verb);
  flags->job.add_chip(*verb);
  flags->job.add_seed(*verb);
  verb->add_option("--inputs", flags->inputs, "NAME=F.npy: the content of a tensor; may be repeated")
      ->allow_extra_args(false);
  verb->add_option(
      "--lookups", flags->lookups,
      "how index inputs that are not given are drawn: uniform, zipf=EXPONENT, or production (rows "
      "are reused as in traces/embeddings)");
  verb->add_option("--out", flags->out, "folder for the outputs as .npy");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto interp step.prog --inputs x=x.npy --out values");
  verb->callback([flags] { interpret(*flags); });
}

}  // namespace leto::verbs
