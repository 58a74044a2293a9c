// leto twin: what RTL twins leave, looked at again.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "apps/host/foreign_run.h"
#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/staging.h"
#include "model/twin/foreign_trial.h"
#include "model/twin/replay.h"
#include "model/waves/fst_file.h"
#include "rtl/block.h"
#include "rtl/evaluation_limit.h"

namespace leto::verbs {
namespace {

struct ReplayFlags {
  std::string file, waves;
  bool json = false;
};

bool same(const model::Finding& a, const model::Finding& b) {
  return a.cycle == b.cycle && a.compared_cycle == b.compared_cycle && a.signal == b.signal &&
         a.model == b.model && a.rtl == b.rtl;
}

/// Both sides around `at`.
void write_waves(const model::TwinLog& log, const model::Finding& at, const std::string& path) {
  model::TwinWindow window(at.cycle);
  model::replay(log, &window);
  window.write(path, at.instance, "leto twin replay");
}

void print(const model::TwinLog& log, const std::optional<model::Finding>& found) {
  const auto& foreign = log.spec.foreign;
  const bool other_rtl = log.rtl_hash != (foreign ? foreign->hash() : rtl::rtl_hash());
  fmt::print("{}: {} commands of {}, {} {} the run\n", log.finding.instance, log.count(), log.chip.name,
             foreign ? foreign->descriptor() + " with its files" : "rtl/",
             other_rtl ? "has changed since" : "is that of");
  if (!found)
    fmt::print("no difference; the run had: {}\n", log.finding.text());
  else if (!same(*found, log.finding))
    fmt::print("another difference than the run's: {}\n", log.finding.text());
  else
    fmt::print("the run's difference again, at the same cycle\n");
}

void replay(const ReplayFlags& flags) {
  if (!flags.waves.empty() && !model::FstFile::supported())
    throw Error(ExitCode::unsupported, "--waves: this build has no FST library",
                "install Debian's verilator package, which brings its sources, and build again");
  model::TwinLog log = model::log_from_bytes(read_bytes(flags.file), flags.file);
  host::plug_in(log, flags.file);
  const std::optional<model::Finding> found = model::replay(log);
  if (!flags.waves.empty()) write_waves(log, found ? *found : log.finding, flags.waves);
  if (flags.json)
    fmt::print("{}", found ? model::to_json(*found, log) : "{}\n");
  else
    print(log, found);
  if (!found) return;
  throw Error(ExitCode::mismatch, fmt::format("{}; {:.3f} us", found->text(), log.microseconds(*found)),
              found->planted ? "the fault was planted by inject: leave it out"
              : log.spec.foreign
                  ? "the block, its descriptor or the model is wrong; docs/foreign.md says what is compared"
                  : "the model, rtl/ or Verilator is wrong; docs/why/013-rtl-twins.md says how to tell");
}

struct ImportFlags {
  std::string file, chip = "tiny", build, waves;
  std::uint64_t seed = 1;
  int commands = 1000, evaluation_seconds = 60;
  bool json = false;
};

/// Null: none.
nlohmann::json to_json(const std::optional<model::Finding>& finding) {
  if (!finding) return nullptr;
  const model::Story& story = finding->story;
  nlohmann::json inputs = nlohmann::json::array(), element;
  if (story.element) element = *story.element;
  for (const model::Story::Input& input : story.made_from)
    inputs.push_back({{"channel", input.channel},
                      {"elements", input.elements},
                      {"beats", input.beats},
                      {"values", input.values}});
  return {{"command", story.command},    {"channel", story.channel},
          {"signal", finding->signal},   {"element", element},
          {"expected", finding->model},  {"found", finding->rtl},
          {"cycle", finding->cycle},     {"compared_cycle", finding->compared_cycle},
          {"doing", story.doing},        {"inputs", inputs},
          {"inputs_text", story.inputs}, {"seed", finding->seed}};
}

void print(const ImportFlags& flags, const host::ForeignDescriptor& block,
           const model::ForeignTrial::Result& seen) {
  const std::string_view level = name_of(block.stream.level);
  if (flags.json)
    return host::print_json({{"module", block.module},
                             {"block", block.block},
                             {"level", level},
                             {"commands", seen.given},
                             {"left_out", seen.left_out},
                             {"cycles_compared", seen.count.cycles_compared},
                             {"values_compared", seen.count.values_compared},
                             {"difference", seen.finding ? seen.finding->text() : ""},
                             {"finding", to_json(seen.finding)},
                             {"least_more_cycles", seen.least},
                             {"most_more_cycles", seen.most}});
  fmt::print("{}: {} of {} at level {}: {} commands, {} cycles, {} values compared\n", block.module,
             block.block, flags.chip, level, seen.given, seen.count.cycles_compared,
             seen.count.values_compared);
  if (seen.left_out > 0)
    fmt::print("{} commands left out: operations, types or sizes that the descriptor does not name\n",
               seen.left_out);
  if (block.stream.level == model::CompareLevel::window)
    fmt::print("commands took {:+} to {:+} cycles{}\n", seen.least, seen.most,
               block.stream.from_model ? " against the model" : "");
}

void import_block(const ImportFlags& flags) {
  rtl::set_evaluation_limit(flags.evaluation_seconds);
  const ChipConfig chip = load_chip(flags.chip);
  const host::ForeignDescriptor block = host::read_foreign(flags.file, chip);
  const auto pins = model::ForeignTrial::pins(block.stream, chip);
  const Staging scratch(std::filesystem::temp_directory_path() / "leto-twin");
  const std::filesystem::path folder =
      flags.build.empty() ? scratch.path() : std::filesystem::path(flags.build);
  host::verilate_foreign(block, pins, folder);
  const std::filesystem::path library = host::compile_foreign(block, folder);
  model::ForeignTrial trial(block.stream, chip, block.module, flags.seed,
                            [&] { return rtl::load_foreign(library, block.map, pins); });
  const model::ForeignTrial::Result seen = trial.run(flags.commands);
  print(flags, block, seen);
  if (!seen.finding) return;
  if (!flags.waves.empty()) {
    model::TwinWindow window(seen.finding->cycle);
    trial.show(window);
    window.write(flags.waves, seen.finding->instance, "leto twin import");
  }
  throw Error(
      ExitCode::mismatch, seen.finding->text(),
      fmt::format(
          "the same again: --seed {}; --waves F.fst shows both sides; is the descriptor right? "
          "docs/foreign.md. (The cycle is the model's time; the compared cycle counts the block's clocks)",
          flags.seed));
}

void add_import(CLI::App& verb) {
  auto flags = std::make_shared<ImportFlags>();
  auto* import_verb = verb.add_subcommand(
      "import",
      "build a block that others wrote (matrix_engine, reduction_engine, vector_lookup, buffer_manager, "
      "address_generator, sram_bank or router), described by a file (docs/foreign.md), and check it against "
      "the model with random commands; exit with code 8 if they differ. Needs Verilator and a C++ compiler");
  import_verb->add_option("file", flags->file, "the descriptor")->required();
  import_verb->add_option("--chip", flags->chip, "the chip that it is for (default tiny)");
  import_verb->add_option("--commands", flags->commands, "how many (default 1000)")
      ->check(CLI::Range(1, 10000000));
  import_verb->add_option("--seed", flags->seed, "of the commands and stalls (default 1)");
  import_verb
      ->add_option("--evaluation-seconds", flags->evaluation_seconds,
                   "end a block of which one evaluation takes so much of the processor's time (default 60)")
      ->check(CLI::Range(1, 1000000));
  import_verb->add_option("--build", flags->build,
                          "keep what Verilator and the compiler make in this folder");
  import_verb->add_option("--waves", flags->waves, "write both sides around a difference as waves");
  import_verb->add_flag("--json", flags->json, "one JSON document on stdout");
  import_verb->footer("example:\n  leto twin import my_reducer.toml --chip tiny --commands 1000");
  import_verb->callback([flags] { import_block(*flags); });
}

}  // namespace

void add_twin(CLI::App& app) {
  auto* verb =
      app.add_subcommand("twin", "look again at what an RTL twin found; check RTL that others wrote");
  verb->require_subcommand(1);
  verb->footer(
      "example:\n  leto twin replay 'out/x/twins/pe[1].matrix_engine.twin' --waves window.fst\n"
      "  leto twin import my_reducer.toml --chip tiny");
  auto flags = std::make_shared<ReplayFlags>();
  auto* again = verb->add_subcommand("replay",
                                     "run a block alone, model and RTL, from the log that a mismatch left; "
                                     "exit with code 8 if they differ, 0 "
                                     "if they do not any more (RTL or model corrected and built again)");
  again->add_option("file", flags->file, "OUT/twins/INSTANCE.twin of the run")->required();
  again->add_option("--waves", flags->waves,
                    fmt::format("write both sides as waves, {} cycles before the difference and {} after it",
                                model::TwinWindow::kBefore, model::TwinWindow::kAfter));
  again->add_flag("--json", flags->json,
                  "the difference as one JSON document on stdout; {} if there is none");
  again->footer("example:\n  leto twin replay 'out/x/twins/pe[1].matrix_engine.twin' --waves window.fst");
  again->callback([flags] { replay(*flags); });
  add_import(*verb);
}

}  // namespace leto::verbs
