#include "apps/host/job.h"

#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace leto::host {
namespace {

constexpr const char* kDefaultChip = "pilot";

compiler::Resident resident_of(const std::string& name) {
  if (name == "activations") return compiler::Resident::activations;
  return name == "all" ? compiler::Resident::all : compiler::Resident::none;
}

bool is_program(const std::string& path) {
  return std::filesystem::path(path).extension() == ".prog";
}

/// The record takes it over as it is: a text that is no flat JSON object would fail there, after the run.
void check_memory_fit(const isa::Program& program, const std::string& where) {
  bool flat = true;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    flat = flat && depth <= 2;
    return flat;
  };
  if (program.memory_fit.empty()) return;
  if (nlohmann::json::parse(program.memory_fit, watch, false).is_object() && flat) return;
  throw Error(ExitCode::illegal_program, fmt::format("{}: memory_fit is not a flat JSON object", where),
              "compile the program again");
}

Job read_program(const JobFlags& flags) {
  if (!flags.train.empty())
    throw Error(ExitCode::usage, fmt::format("--train with {}: a program is already compiled", flags.input),
                "give the recipe to leto compile, or run the .onnx model");
  Job job;
  job.program = isa::load(flags.input);
  check_memory_fit(job.program, flags.input);
  job.recipe.seed = flags.seed.value_or(job.program.seed);
  job.recipe.text = job.program.recipe;
  job.chip = load_chip(!flags.chip.empty()        ? flags.chip
                       : job.program.chip.empty() ? kDefaultChip
                                                  : job.program.chip,
                       flags.set);
  return job;
}

Job compile_model(const JobFlags& flags) {
  Job job;
  job.chip = load_chip(flags.chip.empty() ? kDefaultChip : flags.chip, flags.set);
  if (!flags.train.empty()) job.recipe = compiler::load_recipe(flags.train);
  if (flags.seed) job.recipe.seed = *flags.seed;
  job.forward = compiler::import_onnx(flags.input);
  job.step = compiler::training_step(*job.forward, job.recipe);
  const auto& shown = flags.print_after.empty() ? flags.stop_after : flags.print_after;
  const compiler::Options options{resident_of(flags.resident), shown, flags.stop_after};
  if (flags.stop_after.empty())
    job.program = compiler::lower(*job.step, job.chip, job.recipe, options);
  else
    compiler::primitives(*job.step, options);
  return job;
}

}  // namespace

void JobFlags::add_model(CLI::App& verb) {
  verb.add_option("input", input, "model.onnx, or a compiled step.prog")->required();
  verb.add_option("--train", train, "training recipe (TOML); without one the model runs forward");
  verb.add_option("--resident", resident, "what is in shared SRAM from the start: none, activations or all")
      ->check(CLI::IsMember({"none", "activations", "all"}));
  verb.add_option("--print-after", print_after, "print the graph after this pass (or 'all') on stderr");
}

void JobFlags::add_chip(CLI::App& verb) {
  verb.add_option("--chip", chip, "a preset (leto chips) or a chip file (default pilot)");
  verb.add_option("--set", set, "section.key=value: changes one key of the chip; may be repeated")
      ->allow_extra_args(false);
}

void JobFlags::add_seed(CLI::App& verb) {
  verb.add_option("--seed", seed,
                  "of everything drawn: weights, inputs, batches (default: the recipe's, or 1)");
}

Job make_job(const JobFlags& flags) {
  return is_program(flags.input) ? read_program(flags) : compile_model(flags);
}

isa::Program forward_program(const Job& job) {
  compiler::Recipe recipe;
  recipe.precision = job.recipe.precision;
  recipe.seed = job.recipe.seed;
  return compiler::lower(compiler::training_step(*job.forward, recipe), job.chip, recipe, {});
}

}  // namespace leto::host
