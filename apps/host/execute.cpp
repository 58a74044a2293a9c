#include "apps/host/execute.h"

#include <algorithm>
#include <chrono>

#include "apps/host/checkpoint.h"
#include "apps/host/child.h"
#include "apps/host/facts.h"
#include "apps/host/output.h"
#include "apps/host/training.h"
#include "apps/host/values.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/staging.h"
#include "compiler/reference/trainer.h"
#include "model/event/roofline.h"
#include "study/record.h"

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
  void state(Snapshot& s) { s(trainer_); }

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

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string fidelity_of(const ExecuteOptions& options) {
  return options.roofline ? "roofline" : options.event ? "event" : options.reuse ? "reuse" : "full";
}

void check_checkpoints(const ExecuteOptions& options) {
  if (options.checkpoint_s == 0 && !options.resume) return;
  if (options.event || options.roofline)
    throw Error(ExitCode::unsupported,
                fmt::format("a run of fidelity {} cannot be resumed", fidelity_of(options)),
                "leave out --checkpoint and --resume: such a run takes seconds");
  if (!options.trace.empty() || !options.waves.empty() || !options.twins.empty())
    throw Error(
        ExitCode::unsupported,
        "a run with a trace, waves or RTL twins cannot be resumed: part of their state is not the chip's",
        "leave out --checkpoint and --resume, or the recording and the twins");
}

void check(const Job& job, const ExecuteOptions& options) {
  check_checkpoints(options);
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
    if (options.checkpoint_s > 0 || options.resume) identity_ = identity();
    if (options.resume && resumed()) return;
    prepare(job.program,
            {options.given, job.step ? &*job.step : nullptr, job.seed(), options.values, options.lookups},
            simulation_.memory());
  }

  Outcome run() {
    due_ = after(options_.checkpoint_s);
    for (; outcome_.steps < job_.recipe.steps; ++outcome_.steps) step();
    outcome_.statistics = simulation_.statistics();
    outcome_.what_if = what_if();
    outcome_.fidelity = fidelity_of(options_);
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
    if (options_.checkpoint_s > 0)
      run.at_rest = [this] {
        if (Clock::now() >= due_) checkpoint();
      };
    return run;
  }

  /// All that decides what the run computes, from its first cycle on.
  Identity identity() const {
    const auto hash = [](std::uint64_t value) { return fmt::format("{:016x}", value); };
    const LookupLaw& law = options_.lookups;
    Identity all = {{"build of leto", binary_hash()},
                    {"chip configuration", hash(config_hash(job_.chip))},
                    {"recipe", hash(fnv1a(job_.recipe.text))},
                    {"number of steps", std::to_string(job_.recipe.steps)},
                    {"seed", std::to_string(job_.seed())},
                    {"--values", options_.values ? "on" : "off"},
                    {"--reference", options_.reference ? "on" : "off"},
                    {"--fidelity", fidelity_of(options_)},
                    {"--verify-reuse", std::to_string(options_.verify_reuse)},
                    {"--what-if", what_if()},
                    {"--lookups", fmt::format("{} {}", static_cast<int>(law.kind), law.exponent)},
                    {"order of construction", std::to_string(options_.construction_seed)},
                    {"program", hash(fnv1a(isa::to_bytes(job_.program)))}};
    for (const auto& [name, array] : options_.given)
      all.emplace_back("--inputs " + name, hash(fnv1a(array.data)));
    return all;
  }

  void state(Snapshot& s) {
    double wall_s = outcome_.wall_s;
    if (!s.loads() && simulation_.within_step()) wall_s += seconds_since(step_began_);
    s(outcome_.steps, outcome_.loss, outcome_.loss_reference, wall_s);
    if (s.loads()) outcome_.wall_s = wall_s;
    simulation_.state(s);
    if (feed_ && feed_->fp32) s(*feed_->fp32);
  }

  bool resumed() {
    const auto file = options_.folder / kCheckpoint;
    if (!std::filesystem::exists(file)) {
      fmt::print(stderr, "leto: note: {} has no checkpoint: the run starts at its begin\n",
                 options_.folder.string());
      return false;
    }
    load_checkpoint(file, identity_, [this](Snapshot& s) { state(s); });
    return true;
  }

  /// Leaves the state, and the record as it would be if the run ended here, which a child process works out:
  /// closing the books is the end of a simulation. The run itself goes on untouched. A disk that has no room
  /// is no reason to lose the run.
  void checkpoint() {
    constexpr double kOthers = 9;  // at most a tenth of the time is spent here
    const auto begin = Clock::now();
    try {
      Staging staging(options_.folder);
      make_folder(staging.path());
      save_checkpoint(staging.path() / kCheckpoint, identity_, [this](Snapshot& s) { state(s); });
      in_child([&] {
        save_partial_record(staging.path() / "record.json");
        return nlohmann::json{};
      });
      staging.commit(kResults);
    } catch (const Error& error) {
      if (error.code() != ExitCode::resource) throw;
      fmt::print(stderr, "leto: note: no checkpoint: {}\n", error.what());
    }
    due_ = after(std::max(options_.checkpoint_s, kOthers * seconds_since(begin)));
  }

  void save_partial_record(const std::filesystem::path& path) {
    Outcome so_far = outcome_;
    so_far.wall_s += seconds_since(step_began_);
    so_far.statistics = simulation_.break_off();
    so_far.what_if = what_if();
    so_far.fidelity = fidelity_of(options_);
    so_far.incomplete = true;
    study::save(study::build_record(facts_of(job_, so_far, options_.values)), path);
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
    if (!simulation_.within_step()) feed();
    step_began_ = Clock::now();
    simulation_.step();
    outcome_.wall_s += seconds_since(step_began_);
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
  Identity identity_;  // if there are checkpoints
  Outcome outcome_;
  Clock::time_point step_began_ = Clock::now(),
                    due_ = after(options_.checkpoint_s);  // due_: the next checkpoint
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
