#include "apps/host/job.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace leto::host {
namespace {

constexpr const char* kDefaultChip = "pilot";

compiler::Resident resident_of(const std::string& name) {
  if (name == "activations") return compiler::Resident::activations;
  return name == "all" ? compiler::Resident::all : compiler::Resident::none;
}

compiler::ShardBy shard_by_of(const std::string& name) {
  if (name == "table") return compiler::ShardBy::table;
  return name == "row" ? compiler::ShardBy::row : compiler::ShardBy::column;
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
  if (!flags.bind.empty())
    throw Error(ExitCode::usage, fmt::format("--dim with {}: a program is already compiled", flags.input),
                "give the sizes to leto compile, or run the .onnx model");
  if (flags.unroll)
    throw Error(ExitCode::usage, fmt::format("--unroll with {}: a program is already compiled", flags.input),
                "give it to leto compile, or run the .onnx model");
  if (flags.shards > 1)
    throw Error(ExitCode::usage, fmt::format("--shards with {}: a program is already compiled", flags.input),
                "give it to leto compile, or run the .onnx model");
  if (flags.tune.wanted())
    throw Error(ExitCode::usage,
                fmt::format("--autotune with {}: a program is already compiled", flags.input),
                "give it to leto compile, or run the .onnx model");
  if (flags.check_values)
    throw Error(ExitCode::usage,
                fmt::format("--check-values with {}: a program is already compiled", flags.input),
                "check the .onnx model");
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

/// What --bind says, and the rows of the recipe's (micro) batch for the leading dimension.
compiler::Bindings bindings_of(const JobFlags& flags, const compiler::Recipe& recipe) {
  compiler::Bindings bindings;
  if (recipe.batch > 0) bindings["batch"] = recipe.batch / recipe.micro_batches;
  for (const auto& argument : flags.bind) {
    const auto equals = argument.find('=');
    std::int64_t size = 0;
    const char* const end = argument.data() + argument.size();
    if (equals == std::string::npos || equals == 0 ||
        std::from_chars(argument.data() + equals + 1, end, size).ptr != end || size < 1)
      throw Error(ExitCode::usage, fmt::format("--dim {}: not NAME=N with N of 1 or more", argument),
                  "write --dim batch=32");
    bindings[argument.substr(0, equals)] = size;
  }
  return bindings;
}

Job compile_model(const JobFlags& flags) {
  Job job;
  job.chip = load_chip(flags.chip.empty() ? kDefaultChip : flags.chip, flags.set);
  if (!flags.train.empty()) job.recipe = compiler::load_recipe(flags.train);
  if (flags.seed) job.recipe.seed = *flags.seed;
  job.forward = compiler::import_onnx(
      flags.input, {bindings_of(flags, job.recipe), {}, flags.weights.value_or(!job.recipe.data.empty())});
  const auto& shown = flags.print_after.empty() ? flags.stop_after : flags.print_after;
  compiler::Options options{resident_of(flags.resident), shown, flags.stop_after, flags.check_values};
  options.pinned_rows = flags.pinned_rows;
  options.shards = flags.shards;
  options.shard_by = shard_by_of(flags.shard_by);
  options.unroll = flags.unroll;
  job.step = compiler::training_step(*job.forward, job.recipe, options);
  if (flags.stop_after.empty())
    job.program = compiler::lower(*job.step, job.chip, job.recipe, options, tuning(flags.tune, job.chip));
  else
    compiler::primitives(*job.step, job.chip, options);
  return job;
}

}  // namespace

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
