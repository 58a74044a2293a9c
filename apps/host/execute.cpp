#include "apps/host/execute.h"

#include <algorithm>
#include <chrono>

#include "apps/host/output.h"
#include "apps/host/training.h"
#include "apps/host/values.h"
#include "base/errors.h"
#include "compiler/reference/trainer.h"
#include "model/event/roofline.h"

namespace leto::host {
namespace {

/// The fp32 twin of a training run: the same recipe and batches on the graph interpreter.
class Reference {
 public:
  explicit Reference(const Job& job)
      : graph_(compiler::training_step(*job.forward, in_fp32(job.recipe))), trainer_(graph_, job.seed()) {}

  double step(const BatchTensors& tensors, const Samples& batch) {
    const compiler::Values inputs = {{tensors.inputs->name, batch.inputs},
                                     {tensors.labels->name, {batch.labels.begin(), batch.labels.end()}}};
    return static_cast<double>(trainer_.step(inputs).at(graph_.value(graph_.loss).name).front());
  }

 private:
  static compiler::Recipe in_fp32(compiler::Recipe recipe) {
    recipe.precision = compiler::Precision::fp32;
    return recipe;
  }

  compiler::Graph graph_;
  compiler::Trainer trainer_;
};

/// Everything a run on a data set needs beside the simulation.
struct Feed {
  Feed(const Job& job, bool reference)
      : data(load_data_set(job.recipe.data, job.seed(), sequence(job.program))),
        tensors(batch_tensors(job, data.train)),
        batches(data.train, tensors.batch, job.recipe.data, job.seed()) {
    if (reference) fp32.emplace(job);
  }
  DataSet data;
  BatchTensors tensors;
  Batches batches;
  std::optional<Reference> fp32;
};

void check(const Job& job, const ExecuteOptions& options) {
  const bool data = !job.recipe.data.empty();
  if (data && !options.values)
    throw Error(ExitCode::usage, "a recipe with data needs values",
                "run with --values on, or leave data out of the recipe");
  if (options.reference && !data)
    throw Error(ExitCode::usage, "--reference compares loss curves, and this run has no data set",
                "add data = \"digits\", \"mnist\" or \"names\" to the recipe");
}

class Execution {
 public:
  Execution(const Job& job, const ExecuteOptions& options)
      : job_(job),
        options_(options),
        progress_(job.recipe.steps > 1 ? "training" : "simulating",
                  job.recipe.steps > 1 ? job.recipe.steps : 0),
        simulation_(job.program, job.chip, run_options()),
        loss_(options.values ? first_of(job.program, isa::Role::loss) : nullptr) {
    if (!job.recipe.data.empty()) feed_.emplace(job, options.reference);
    prepare(job.program,
            {options.given, job.step ? &*job.step : nullptr, job.seed(), options.values, options.lookups},
            simulation_.memory());
  }

  Outcome run() {
    for (outcome_.steps = 0; outcome_.steps < job_.recipe.steps; ++outcome_.steps) step();
    outcome_.statistics = simulation_.statistics();
    outcome_.what_if = what_if();
    outcome_.fidelity = options_.event ? "event" : options_.reuse ? "reuse" : "full";
    outcome_.notes = simulation_.publish();
    if (feed_ && feed_->data.test.count() > 0) test();
    if (!options_.save_values.empty()) save_values(job_.program, simulation_.memory(), options_.save_values);
    return std::move(outcome_);
  }

 private:
  model::RunOptions run_options() {
    model::RunOptions run;
    run.values = options_.values;
    run.trace = options_.trace;
    run.waves = options_.waves;
    run.signals = options_.signals;
    run.twins = options_.twins;
    run.seed = job_.seed();
    run.detail = options_.event ? model::Detail::event : model::Detail::full;
    run.reuse = options_.reuse;
    run.verify_reuse = options_.verify_reuse;
    run.construction_seed = options_.construction_seed;
    run.what_if = {unlimited("hbm"), unlimited("noc"), unlimited("ls"), unlimited("issue")};
    run.progress = [this](std::uint64_t cycles, std::int64_t commands) {
      if (job_.recipe.steps == 1)
        progress_.update(0, fmt::format("{}, {}", engineering(static_cast<double>(cycles), "cycles"),
                                        engineering(static_cast<double>(commands), "commands")));
    };
    return run;
  }

  bool unlimited(const std::string& resource) const {
    return std::find(options_.what_if.begin(), options_.what_if.end(), resource) != options_.what_if.end();
  }

  /// As the record names it: always in the same order.
  std::string what_if() const {
    std::vector<std::string> named;
    std::copy_if(kWhatIf.begin(), kWhatIf.end(), std::back_inserter(named),
                 [this](const std::string& resource) { return unlimited(resource); });
    return fmt::format("{}", fmt::join(named, ","));
  }

  void feed() {
    if (!feed_) return;
    const auto batch = feed_->batches.at(outcome_.steps);
    write(*feed_->tensors.inputs, batch.inputs, simulation_.memory());
    write(*feed_->tensors.labels, batch.labels, simulation_.memory());
    plan_lookups(job_.program, simulation_.memory());
    if (feed_->fp32) outcome_.loss_reference.push_back(feed_->fp32->step(feed_->tensors, batch));
  }

  void test() {
    const auto& samples = feed_->data.test;
    outcome_.accuracy = test_accuracy(job_, samples, simulation_.memory());
    outcome_.tested = samples.count();
  }

  void step() {
    feed();
    const auto begin = std::chrono::steady_clock::now();
    simulation_.step();
    outcome_.wall_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (loss_ != nullptr)
      outcome_.loss.push_back(static_cast<double>(read(*loss_, simulation_.memory()).front()));
    if (job_.recipe.steps > 1)
      progress_.update(outcome_.steps + 1,
                       outcome_.loss.empty() ? "" : fmt::format("loss {:.4f}", outcome_.loss.back()));
  }

  const Job& job_;
  const ExecuteOptions& options_;
  Progress progress_;
  model::Simulation simulation_;
  const isa::Tensor* loss_;
  std::optional<Feed> feed_;
  Outcome outcome_;
};

}  // namespace

namespace {

Outcome roofline_of(const Job& job, const ExecuteOptions& options) {
  const bool more = options.values || !options.trace.empty() || !options.waves.empty() ||
                    !options.twins.empty() || !options.what_if.empty();
  if (more)
    throw Error(ExitCode::usage, "a roofline has no values, traces, waves, twins or what-if",
                "leave them out, or simulate in full");
  const auto begin = std::chrono::steady_clock::now();
  Outcome outcome;
  outcome.fidelity = "roofline";
  outcome.steps = job.recipe.steps;
  outcome.statistics = model::roofline(job.program, job.chip, outcome.steps);
  outcome.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

}  // namespace

Outcome execute(const Job& job, const ExecuteOptions& options) {
  check(job, options);
  if (options.roofline) return roofline_of(job, options);
  return Execution(job, options).run();
}

}  // namespace leto::host
