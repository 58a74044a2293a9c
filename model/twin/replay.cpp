#include "model/twin/replay.h"

#include "base/files.h"
#include "base/staging.h"
#include "model/twin/stream_commands.h"
#include "model/waves/fst_file.h"

namespace leto::model {
namespace {

using OtherBlock = std::unique_ptr<rtl::Block>;

// `f`, on the checker that left a log.
template <class F>
void with_checker(const MatrixChecker::Log&, const TwinLog& log, OtherBlock block, F f) {
  f(*matrix_commands(log.chip, log.spec, log.finding.instance, log.finding.seed, std::move(block)));
}
template <class F>
void with_checker(const ReductionChecker::Log&, const TwinLog& log, OtherBlock block, F f) {
  f(*reduction_commands(log.chip, log.spec, log.finding.instance, log.finding.seed, std::move(block)));
}
template <class F>
void with_checker(const AddressChecker::Log&, const TwinLog& log, OtherBlock block, F f) {
  AddressChecker checker(log.chip, log.block, log.spec, log.finding.instance, log.finding.seed,
                         std::move(block));
  f(checker);
}
template <class F>
void with_checker(const LookupChecker::Log&, const TwinLog& log, OtherBlock block, F f) {
  f(*lookup_commands(log.chip, log.spec, log.finding.instance, log.finding.seed, std::move(block)));
}
template <class F>
void with_checker(const SramBankChecker::Log&, const TwinLog& log, OtherBlock block, F f) {
  SramBankChecker checker(log.chip, log.spec, log.finding.instance, log.finding.seed, std::move(block));
  f(checker);
}
template <class F>
void with_checker(const RouterChecker::Log& kept, const TwinLog& log, OtherBlock block, F f) {
  RouterChecker checker(log.chip, kept.router, log.spec, log.finding.instance, log.finding.seed,
                        std::move(block));
  f(checker);
}
template <class F>
void with_checker(const BufferTwin::Log&, const TwinLog& log, OtherBlock block, F f) {
  static const isa::Program kNone;
  f(*buffer_twin(log.chip, log.spec, log.finding.instance, log.finding.seed, kNone, std::move(block)));
}

std::string json_text(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    if (static_cast<unsigned char>(c) < ' ')
      all += fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      all += c;
  }
  return all + '"';
}

}  // namespace

std::optional<Finding> replay(const TwinLog& log, TwinWindow* window, std::unique_ptr<rtl::Block> block) {
  std::optional<Finding> found;
  const auto run = [&](const auto& kept) {
    with_checker(kept, log, block ? std::move(block) : block_in_lock_step(log.spec), [&](auto& checker) {
      checker.comparison().show(window);
      try {
        checker.replay(kept);
      } catch (const TwinMismatch& mismatch) {
        found = mismatch.finding();
      }
    });
  };
  std::visit(run, log.commands);
  return found;
}

std::string to_json(const Finding& finding, const TwinLog& log) {
  std::string text = "{\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    text += fmt::format("{}  {}: {}", text.size() > 2 ? ",\n" : "", json_text(key), value);
  };
  add("instance", json_text(finding.instance));
  add("cycle", std::to_string(finding.cycle));
  add("microseconds", fmt::format("{:.6f}", log.microseconds(finding)));
  add("compared_cycle", std::to_string(finding.compared_cycle));
  add("signal", json_text(finding.signal));
  add("model", json_text(finding.model));
  add("rtl", json_text(finding.rtl));
  add("command", json_text(finding.story.command));
  add("operation", json_text(finding.story.operation));
  add("doing", json_text(finding.story.doing));
  add("last_inputs", json_text(finding.story.inputs));
  add("planted", finding.planted ? "true" : "false");
  add("seed", std::to_string(finding.seed));
  add("chip", json_text(log.chip.name));
  add("config_hash", fmt::format("\"{:016x}\"", config_hash(log.chip)));
  add("program_hash", fmt::format("\"{:016x}\"", log.program_hash));
  add("rtl_hash", fmt::format("\"{:016x}\"", log.rtl_hash));
  if (!log.spec.block.empty()) add("descriptor", json_text(log.spec.block));
  add("logged_commands", std::to_string(log.count()));
  return text + "\n}\n";
}

Error leave(const TwinLog& log, const std::filesystem::path& folder, std::string_view shown_as) {
  const Finding& finding = log.finding;
  make_folder(folder);
  write_atomically(folder / (finding.instance + ".json"), to_json(finding, log));
  const std::string cause = fmt::format("{}; {:.3f} us", finding.text(), log.microseconds(finding));
  if (log.lost())
    return Error(ExitCode::mismatch, cause,
                 fmt::format("{}/{}.json has it again; no log, since it would hold more than {} MiB of "
                             "commands: take a shorter program",
                             shown_as, finding.instance, kLogMost >> 20));
  write_atomically(folder / (finding.instance + ".twin"), to_bytes(log));
  if (FstFile::supported()) {
    TwinWindow window(finding.cycle);
    if (replay(log, &window))
      window.write(folder / (finding.instance + ".fst"), finding.instance, "leto run --twin");
  }
  return Error(
      ExitCode::mismatch, cause,
      fmt::format("{}see it alone: leto twin replay '{}/{}.twin'",
                  finding.planted ? "the fault was planted by inject; " : "", shown_as, finding.instance));
}

}  // namespace leto::model
