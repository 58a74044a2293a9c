// leto compile: a model to a program.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/job.h"
#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

struct CompileFlags {
  host::JobFlags job;
  std::string output;
  bool json = false;
};

void compile(const CompileFlags& flags) {
  if (flags.output.empty() && flags.job.stop_after.empty())
    throw Error(ExitCode::usage, "compile: no output file",
                "add -o step.prog, or --stop-after PASS to compile only that far");
  const auto job = host::make_job(flags.job);
  if (!flags.job.stop_after.empty()) return;
  isa::save(job.program, flags.output);
  const auto& code = job.program.code;
  if (flags.json)
    return host::print_json({{"file", flags.output},
                             {"name", job.program.name},
                             {"chip", job.program.chip},
                             {"instructions", {code[0].size(), code[1].size()}},
                             {"tensors", job.program.tensors.size()},
                             {"operations", job.program.sources.size()}});
  fmt::print("{}: {} for {}, {} + {} instructions, {} operations\n", flags.output, job.program.name,
             job.program.chip, code[0].size(), code[1].size(), job.program.sources.size());
}

}  // namespace

void add_compile(CLI::App& app) {
  auto flags = std::make_shared<CompileFlags>();
  auto* verb = app.add_subcommand("compile", "compile a model for a chip");
  flags->job.add_model(*verb);
  flags->job.add_chip(*verb);
  flags->job.add_seed(*verb);
  verb->add_option("--stop-after", flags->job.stop_after,
                   "print the graph after this pass and go no further; no program is written");
  verb->add_option("-o,--output", flags->output, "the program file to write");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto compile gpt2.onnx --chip pilot --train recipe.toml -o step.prog");
  verb->callback([flags] { compile(*flags); });
}

}  // namespace leto::verbs
