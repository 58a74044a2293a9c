// leto twin: what RTL twins leave, looked at again.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "apps/host/foreign.h"
#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/staging.h"
#include "model/twin/reduction_programs.h"
#include "model/twin/replay.h"
#include "model/waves/fst_file.h"
#include "rtl/pins.h"

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
  const bool other_rtl = log.rtl_hash != rtl::rtl_hash();
  fmt::print("{}: {} commands of {}, rtl/ {} the run\n", log.finding.instance, log.count(), log.chip.name,
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
  const model::TwinLog log = model::log_from_bytes(read_bytes(flags.file), flags.file);
  const std::optional<model::Finding> found = model::replay(log);
  if (!flags.waves.empty()) write_waves(log, found ? *found : log.finding, flags.waves);
  if (flags.json)
    fmt::print("{}", found ? model::to_json(*found, log) : "{}\n");
  else
    print(log, found);
  if (!found) return;
  throw Error(ExitCode::mismatch, fmt::format("{}; {:.3f} us", found->text(), log.microseconds(*found)),
              found->planted ? "the fault was planted by inject: leave it out"
                             : "the model, rtl/ or Verilator is wrong; docs/why/013-rtl-twins.md says how to tell");
}

struct ImportFlags {
  std::string file, chip = "tiny", build, waves;
  std::uint64_t seed = 1;
  int commands = 1000;
  bool json = false;
};

/// What random commands showed of a foreign block.
struct Judged {
  std::optional<model::Finding> finding;
  int given = 0, left_out = 0;
  model::TwinCount count;
  std::int64_t least = 0, most = 0;  // window: cycles more than the model's
};

class Candidate {
 public:
  explicit Candidate(const ImportFlags& flags)
      : flags_(flags),
        chip_(load_chip(flags.chip)),
        block_(host::read_foreign(flags.file, chip_)),
        scratch_(std::filesystem::temp_directory_path() / "leto-twin") {
    const std::filesystem::path folder = flags.build.empty() ? scratch_.path() : std::filesystem::path(flags.build);
    rtl::check_foreign(host::verilate_foreign(block_, folder), block_.map, pins());
    library_ = host::compile_foreign(block_, folder);
  }

  Judged judge(model::TwinWindow* window) const {
    return block_.stream.level == model::CompareLevel::cycle ? by_cycle(window) : by_stream(window);
  }
  const host::ForeignDescriptor& block() const { return block_; }

 private:
  std::vector<rtl::ForeignPort> pins() const {
    if (block_.stream.level != model::CompareLevel::cycle) return model::StreamChecker::pins();
    std::vector<rtl::ForeignPort> all;
    for (const rtl::Port& port : rtl::pins_of("reduction_engine", chip_))
      all.push_back({port, 0, true});
    return all;
  }
  static model::TwinSpec spec() { return {"", model::TwinMode::check, 1, {}, false}; }

  template <class Add>
  void give(Judged& judged, Add add) const {
    model::ReductionPrograms programs(chip_, flags_.seed);
    try {
      for (; judged.given < flags_.commands; ++judged.given)
        while (!add(programs.next())) ++judged.left_out;
    } catch (const model::TwinMismatch& mismatch) {
      judged.finding = mismatch.finding();
    }
  }

  Judged by_cycle(model::TwinWindow* window) const {
    auto block = rtl::load_foreign(library_, block_.map, pins());
    block->reset();
    model::ReductionChecker checker(chip_, spec(), block_.module, flags_.seed, std::move(block));
    checker.comparison().show(window);
    Judged judged;
    give(judged, [&](model::ReductionRun run) {
      checker.add(std::move(run));
      if (judged.given + 1 == flags_.commands) checker.flush();
      return true;
    });
    judged.count = checker.comparison().count();
    return judged;
  }

  Judged by_stream(model::TwinWindow* window) const {
    model::StreamChecker checker(rtl::load_foreign(library_, block_.map, pins()), block_.stream,
                                 spec(), block_.module, flags_.seed);
    checker.comparison().show(window);
    Judged judged;
    give(judged, [&](const model::ReductionRun& run) { return checker.add(run); });
    judged.count = checker.comparison().count();
    judged.least = checker.least_seen;
    judged.most = checker.most_seen;
    return judged;
  }

  const ImportFlags& flags_;
  ChipConfig chip_;
  host::ForeignDescriptor block_;
  Staging scratch_;
  std::filesystem::path library_;
};

void print(const ImportFlags& flags, const Candidate& candidate, const Judged& judged) {
  constexpr std::array<const char*, 3> kLevels = {"cycle", "window", "data"};
  const char* level = kLevels[static_cast<std::size_t>(candidate.block().stream.level)];
  if (flags.json)
    return host::print_json({{"module", candidate.block().module},
                             {"level", level},
                             {"commands", judged.given},
                             {"left_out", judged.left_out},
                             {"cycles_compared", judged.count.cycles_compared},
                             {"values_compared", judged.count.values_compared},
                             {"difference", judged.finding ? judged.finding->text() : ""},
                             {"least_more_cycles", judged.least},
                             {"most_more_cycles", judged.most}});
  fmt::print("{}: {} of {} at level {}: {} commands, {} cycles, {} values compared\n", candidate.block().module,
             candidate.block().block, flags.chip, level, judged.given, judged.count.cycles_compared,
             judged.count.values_compared);
  if (judged.left_out > 0)
    fmt::print("{} commands left out: operations or types that the descriptor does not name\n", judged.left_out);
  if (candidate.block().stream.level == model::CompareLevel::window)
    fmt::print("commands took {:+} to {:+} cycles against the model\n", judged.least, judged.most);
}

void import_block(const ImportFlags& flags) {
  const Candidate candidate(flags);
  const Judged judged = candidate.judge(nullptr);
  print(flags, candidate, judged);
  if (!judged.finding) return;
  if (!flags.waves.empty()) {
    model::TwinWindow window(judged.finding->cycle);
    candidate.judge(&window);
    window.write(flags.waves, judged.finding->instance, "leto twin import");
  }
  throw Error(ExitCode::mismatch, judged.finding->text(),
              fmt::format("the same again: --seed {}; --waves F.fst shows both sides; is the descriptor right? "
                          "docs/foreign.md",
                          flags.seed));
}

void add_import(CLI::App& verb) {
  auto flags = std::make_shared<ImportFlags>();
  auto* import_verb = verb.add_subcommand(
      "import",
      "build a block that others wrote, described by a file (docs/foreign.md), and check it against the model with "
      "random commands; exit with code 8 if they differ. Needs Verilator and a C++ compiler");
  import_verb->add_option("file", flags->file, "the descriptor")->required();
  import_verb->add_option("--chip", flags->chip, "the chip that it is for (default tiny)");
  import_verb->add_option("--commands", flags->commands, "how many (default 1000)")->check(CLI::Range(1, 10000000));
  import_verb->add_option("--seed", flags->seed, "of the commands and stalls (default 1)");
  import_verb->add_option("--build", flags->build, "keep what Verilator and the compiler make in this folder");
  import_verb->add_option("--waves", flags->waves, "write both sides around a difference as waves");
  import_verb->add_flag("--json", flags->json, "one JSON document on stdout");
  import_verb->footer("example:\n  leto twin import my_reducer.toml --chip tiny --commands 1000");
  import_verb->callback([flags] { import_block(*flags); });
}

}  // namespace

void add_twin(CLI::App& app) {
  auto* verb = app.add_subcommand("twin", "look again at what an RTL twin found; check RTL that others wrote");
  verb->require_subcommand(1);
  verb->footer(
      "example:\n  leto twin replay 'out/x/twins/pe[1].matrix_engine.twin' --waves window.fst\n"
      "  leto twin import my_reducer.toml --chip tiny");
  auto flags = std::make_shared<ReplayFlags>();
  auto* again = verb->add_subcommand(
      "replay",
      "run a block alone, model and RTL, from the log that a mismatch left; exit with code 8 if they differ, 0 "
      "if they do not any more (RTL or model corrected and built again)");
  again->add_option("file", flags->file, "OUT/twins/INSTANCE.twin of the run")->required();
  again->add_option("--waves", flags->waves,
                    fmt::format("write both sides as waves, {} cycles before the difference and {} after it",
                                model::TwinWindow::kBefore, model::TwinWindow::kAfter));
  again->add_flag("--json", flags->json, "the difference as one JSON document on stdout; {} if there is none");
  again->footer("example:\n  leto twin replay 'out/x/twins/pe[1].matrix_engine.twin' --waves window.fst");
  again->callback([flags] { replay(*flags); });
  add_import(*verb);
}

}  // namespace leto::verbs
