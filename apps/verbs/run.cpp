// leto run: compile, run on the simulated chip, report.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "apps/host/execute.h"
#include "apps/host/facts.h"
#include "apps/host/foreign_run.h"
#include "apps/host/output.h"
#include "apps/host/reporting.h"
#include "apps/host/values.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/staging.h"
#include "model/twin/replay.h"
#include "study/record.h"

namespace leto::verbs {
namespace {

struct RunFlags {
  host::JobFlags job;
  std::vector<std::string> inputs, twins, waves, what_if;
  std::string lookups = "uniform";
  std::string values, fidelity = "full", out;
  bool reference = false, trace = false, json = false;
  int verify_reuse = 0;
  double checkpoint = 0;
  bool resume = false;
};

// What only some runs leave.
constexpr std::string_view kOptional[] = {"loss.csv",  "values", "trace.pftrace",
                                          "waves.fst", "twins",  host::kCheckpoint};

void refuse_what_is_not_there(const RunFlags& flags) {
  if (flags.verify_reuse > 0 && flags.fidelity != "reuse")
    throw Error(ExitCode::usage, "--verify-reuse: nothing is reused", "add --fidelity reuse");
  if (flags.out.empty()) throw Error(ExitCode::usage, "run: no output folder", "add --out DIR");
}

/// Values are on when asked for, and by default when a data set trains the model.
bool values_on(const RunFlags& flags, const host::Job& job) {
  return flags.values.empty() ? !job.recipe.data.empty() : flags.values == "on";
}

/// Step, loss, and the fp32 reference's loss beside it.
std::string loss_csv(const host::Outcome& outcome) {
  std::string text = outcome.loss_reference.empty() ? "step,loss\n" : "step,loss,loss_reference\n";
  for (std::size_t i = 0; i < outcome.loss.size(); ++i) {
    text += fmt::format("{},{:.9g}", i, outcome.loss[i]);
    if (i < outcome.loss_reference.size()) text += fmt::format(",{:.9g}", outcome.loss_reference[i]);
    text += '\n';
  }
  return text;
}

void save(const host::Job& job, const host::Outcome& outcome, const study::Record& record,
          const std::filesystem::path& out) {
  make_folder(out);
  isa::save(job.program, out / "program.prog");
  write_atomically(out / "config.toml", to_toml(job.chip));
  if (!outcome.loss.empty()) write_atomically(out / "loss.csv", loss_csv(outcome));
  study::save(record, out / "record.json");
  const std::vector<std::filesystem::path> reports = {out / "report.html", out / "report.md",
                                                      out / "report.json"};
  host::write_reports({&record, 1}, host::kDefaultBaselines, reports);
}

void print_reference(const host::Outcome& outcome) {
  double sum = 0, most = 0;
  for (std::size_t i = 0; i < outcome.loss_reference.size(); ++i) {
    const auto difference = std::abs(outcome.loss[i] - outcome.loss_reference[i]);
    sum += difference;
    most = std::max(most, difference);
  }
  fmt::print("fp32 reference: loss {:.4f} at the end; |difference| mean {:.2e}, most {:.2e}\n",
             outcome.loss_reference.back(), sum / static_cast<double>(outcome.loss_reference.size()), most);
}

void print_loss(const host::Outcome& outcome) {
  if (outcome.loss.size() == 1) fmt::print("loss: {:.6g}\n", outcome.loss.front());
  if (outcome.loss.size() > 1)
    fmt::print("loss: {:.4f} -> {:.4f} in {} steps\n", outcome.loss.front(), outcome.loss.back(),
               outcome.loss.size());
  if (!outcome.loss_reference.empty()) print_reference(outcome);
  if (outcome.accuracy)
    fmt::print("test accuracy: {:.1f} % ({} samples, untimed interpreter)\n", 100.0 * *outcome.accuracy,
               outcome.tested);
}

void print_foreign(const study::Record& record) {
  for (const auto& [name, twin] : record.twins) {
    if (!twin.descriptor) continue;
    const std::string done = twin.mode == "rtl"
                                 ? fmt::format("the results of {} commands in the place of the model's",
                                               twin.commands_replaced.value_or(0))
                                 : fmt::format("{} commands and {} values compared", *twin.commands_compared,
                                               twin.values_compared);
    fmt::print("twin {}: {} at level {}, {}; {} commands left out that it does not offer\n", name,
               *twin.module, *twin.level, done, *twin.commands_left_out);
  }
}

void print_summary(const study::Record& record, const host::Outcome& outcome,
                   const std::filesystem::path& out) {
  fmt::print("{} on {}: {} cycles, {}, mfu {:.3f}", record.workload, record.chip, record.cycles,
             host::duration(record.seconds), record.mfu);
  if (record.tokens_per_s)
    fmt::print(", {}",
               host::engineering(*record.tokens_per_s, record.sequence > 0 ? "tokens/s" : "samples/s"));
  if (record.what_if) fmt::print(", WHAT IF unlimited {}: no real chip", *record.what_if);
  fmt::print("\n");
  print_loss(outcome);
  if (record.reuse)
    fmt::print(
        "reused: {} layers, {} kernels, {} segments; {:.1f} % of the cycles, which may be off by {:.2g} % of "
        "all\n",
        record.reuse->trips, record.reuse->kernels, record.reuse->segments,
        100.0 * static_cast<double>(record.reuse->cycles) / static_cast<double>(record.cycles),
        100 * record.reuse->bound);
  print_foreign(record);
  fmt::print("simulated in {:.1f} s, {}\n", record.simulation.wall_s,
             host::engineering(record.simulation.macs_per_s, "MAC/s"));
  fmt::print("report: {}\n", (out / "report.html").string());
}

host::ExecuteOptions options(const RunFlags& flags, const ChipConfig& chip, bool values,
                             const std::map<std::string, NpyArray>& given, const std::filesystem::path& out) {
  host::ExecuteOptions options;
  options.values = values;
  options.reference = flags.reference;
  options.given = given;
  options.signals = flags.waves;
  options.what_if = flags.what_if;
  options.event = flags.fidelity == "event";
  options.roofline = flags.fidelity == "roofline";
  options.reuse = flags.fidelity == "reuse";
  options.verify_reuse = flags.verify_reuse;
  options.lookups = parse_lookup_law(flags.lookups, host::lookup_histogram());
  for (const std::string& twin : flags.twins) options.twins.push_back(model::parse_twin(twin));
  host::plug_in(options.twins, chip, {std::filesystem::path(flags.out) / host::kBlocks, out / host::kBlocks});
  if (values) options.save_values = out / "values";
  if (flags.trace) options.trace = out / "trace.pftrace";
  if (!flags.waves.empty()) options.waves = out / "waves.fst";
  options.checkpoint_s = flags.checkpoint;
  options.resume = flags.resume;
  options.folder = flags.out;
  return options;
}

/// Of a deadlock the recordings stay, of a twin's mismatch what it found, and nothing else: no record of an
/// earlier run stands beside them.
host::Outcome simulate(const host::Job& job, const host::ExecuteOptions& options,
                       const std::filesystem::path& out, Staging& staging) {
  const bool records = !options.trace.empty() || !options.waves.empty();
  if (records) make_folder(staging.path());
  try {
    return host::execute(job, options);
  } catch (const model::TwinMismatch& mismatch) {
    const Error finding = model::leave(*mismatch.log(), staging.path() / "twins", (out / "twins").string());
    staging.commit(host::kResults);
    throw finding;
  } catch (const Error& error) {
    if (records && error.code() == ExitCode::deadlock) staging.commit(host::kResults);
    throw;
  }
}

void run(const RunFlags& flags) {
  refuse_what_is_not_there(flags);
  const std::filesystem::path out = flags.out;
  const auto given = host::load_given(flags.inputs);
  auto job_flags = flags.job;
  job_flags.weights = flags.values.empty() ? std::nullopt : std::optional(flags.values == "on");
  const auto job = host::make_job(job_flags);
  const bool values = values_on(flags, job);
  if (flags.resume) Staging::clear_up(out);
  Staging staging(out);
  const auto outcome = simulate(job, options(flags, job.chip, values, given, staging.path()), out, staging);
  const auto record = study::build_record(host::facts_of(job, outcome, values));
  save(job, outcome, record, staging.path());
  staging.commit(kOptional);
  for (const auto& note : outcome.notes) fmt::print(stderr, "leto: note: {}\n", note);
  if (flags.json)
    fmt::print("{}", study::to_json(record));
  else
    print_summary(record, outcome, out);
}

}  // namespace

void add_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  auto* verb = app.add_subcommand("run", "compile, run on the simulated chip and report, in one go");
  flags->job.add_model(*verb);
  flags->job.add_chip(*verb);
  flags->job.add_seed(*verb);
  verb->add_option("--values", flags->values,
                   "compute values too, not only time: off or on (default: on when the recipe has data)")
      ->check(CLI::IsMember({"off", "on"}));
  verb->add_option("--inputs", flags->inputs, "NAME=F.npy: the content of a tensor; may be repeated")
      ->allow_extra_args(false);
  verb->add_option(
      "--lookups", flags->lookups,
      "how index inputs that are not given are drawn: uniform, zipf=EXPONENT, or production (rows "
      "are reused as in traces/embeddings)");
  verb->add_option("--fidelity", flags->fidelity,
                   "full (default): everything; reuse: kernels, loops in them and layers that do what others "
                   "did are counted once "
                   "their time is known; event: command by command, memory and network as bandwidths; "
                   "roofline: work and bytes "
                   "over peak rates. All but full with values off")
      ->check(CLI::IsMember({"full", "reuse", "event", "roofline"}));
  verb->add_option("--verify-reuse", flags->verify_reuse,
                   "with --fidelity reuse: simulate so many of the layers, and of the kernels, that were to "
                   "be counted all "
                   "the same, drawn by the seed, and record their error")
      ->check(CLI::Range(0, 1000));
  verb->add_option(
          "--twin", flags->twins,
          "INSTANCE=model|rtl|check: RTL in the place of an engine, or checked against it every cycle; needs "
          "values. INSTANCE is a name with * and ? such as pe[3].matrix_engine, reduction_engine or "
          "buffer_manager, load_address_generator, store_address_generator and vector_lookup (the last four "
          "check only), or sram.bank[3] or noc.router[5] (check only); pe[seed] is a PE "
          "that the seed chooses. check compares what slows "
          "the "
          "run by less than half; :every=N takes one of N sequences of commands, every=1 all, "
          ":inject=SIGNAL@CYCLE plants a fault; :block=FILE.toml, also behind rtl, takes a block that others "
          "wrote in "
          "the place of ours (docs/foreign.md). A difference ends the run with exit code 8 and leaves "
          "OUT/twins, for leto twin replay")
      ->allow_extra_args(false);
  verb->add_flag("--trace", flags->trace, "leave trace.pftrace, for ui.perfetto.dev");
  verb->add_option(
          "--waves", flags->waves,
          "leave waves.fst with these signals: names with * and ?, such as 'pe[0].*.state'; a name that "
          "fits nothing is answered with the names there are")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option(
          "--what-if", flags->what_if,
          "take resources as unlimited, to bound what they cost: hbm, noc, ls (local store bandwidth), "
          "issue; several with commas. The record says so")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(host::kWhatIf));
  verb->add_option(
          "--checkpoint", flags->checkpoint,
          "about every so many seconds, leave in --out what a killed run goes on from, and a record that "
          "is marked incomplete; no result depends on it")
      ->check(CLI::Range(0.01, 1e6));
  verb->add_flag("--resume", flags->resume,
                 "go on from the checkpoint in --out, if there is one; all other flags as they were");
  verb->add_flag("--reference", flags->reference,
                 "train in fp32 on the graph interpreter too, and compare the loss curves");
  verb->add_option(
      "--out", flags->out,
      "folder for record.json, report.*, program.prog, config.toml, values/, trace.pftrace, waves.fst");
  verb->add_flag("--json", flags->json, "print the record as one JSON document");
  verb->footer(
      "example:\n  leto run gpt2.onnx --chip pilot --train recipe.toml --values off --out out/gpt2\n"
      "  leto run gemm.onnx --chip tiny --trace --waves 'pe[0].*' --out out/gemm\n"
      "  leto run gemm.onnx --chip tiny --what-if hbm,noc --out out/bound\n"
      "  leto run gpt2.onnx --chip pilot --checkpoint 60 --out out/long   # and after a crash, with --resume "
      "too\n"
      "  leto run gemm.onnx --chip tiny --values on --twin 'pe[1].matrix_engine=check' --out out/twin\n"
      "  leto run gemm.onnx --chip tiny --values on --twin "
      "'pe[1].reduction_engine=check:block=my_reducer.toml' --out "
      "out/theirs");
  verb->callback([flags] { run(*flags); });
}

}  // namespace leto::verbs
