// What every verb owes its user: help with an example, JSON that parses as one document, quiet pipes.
#include <regex>
#include <set>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// Names below "Subcommands:" of a help page.
std::set<std::string> subcommands(const std::string& help) {
  std::set<std::string> names;
  static const std::regex kLine(R"re(\n  ([a-z][a-z0-9-]*) )re");
  const auto below = help.substr(std::min(help.find("Subcommands:"), help.size()));
  for (std::sregex_iterator it(below.begin(), below.end(), kLine), end; it != end; ++it)
    names.insert((*it)[1]);
  names.erase("leto");
  return names;
}

TEST_CASE("command line: every verb's help ends with an example") {
  const Folder folder;
  const auto top = leto(folder, "--help");
  CHECK(top.code == 0);
  const auto verbs = subcommands(top.out);
  CHECK(verbs.size() >= 15);
  for (const auto& verb : verbs) {
    const auto help = leto(folder, verb + " --help");
    CHECK_MESSAGE(help.code == 0, verb);
    CHECK_MESSAGE(help.out.find("example:\n  leto " + verb) != std::string::npos, verb);
  }
  for (const auto& workload : subcommands(leto(folder, "zoo --help").out))
    CHECK_MESSAGE(leto(folder, "zoo " + workload + " --help").out.find("example:\n  leto zoo " + workload) !=
                      std::string::npos,
                  workload);
}

TEST_CASE("command line: --check-values computes around every pass and changes no program") {
  const Folder folder;
  must(folder, "zoo mlp -o m.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nloss = \"cross_entropy\"\nbatch = 4\n");
  const std::string compile = "compile m.onnx --chip tiny --train r.toml";
  must(folder, compile + " -o plain.prog");
  const auto done = leto(folder, compile + " --check-values -o checked.prog");
  CHECK(done.code == 0);
  for (const char* pass : {"match_attention", "differentiate", "narrow", "decompose", "sink_transposes"})
    CHECK_MESSAGE(done.err.find("// after " + std::string(pass) + ": ") != std::string::npos, done.err);
  CHECK(read(folder / "plain.prog") == read(folder / "checked.prog"));
}

TEST_CASE("command line: --version names version and commit") {
  const Folder folder;
  const auto done = leto(folder, "--version");
  CHECK(done.code == 0);
  CHECK(std::regex_search(
      done.out, std::regex(R"(leto \d+\.\d+\.\d+ \([0-9a-f]{7,}\+?\)|leto \d+\.\d+\.\d+ \(unknown\))")));
}

TEST_CASE("command line: presets and data are found from any folder") {
  const Folder folder;
  const auto done = leto(folder, "doctor");
  CHECK_MESSAGE(done.code == 0, done.out);
  CHECK(done.out.find("BAD") == std::string::npos);
  CHECK(done.out.find("1797 samples") != std::string::npos);
}

TEST_CASE("command line: --json is one document") {
  const Folder folder;
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  for (const std::string command :
       {"zoo --list --json", "chips --json", "chips pilot --json", "doctor --json", "explain mfu --json",
        "compile g.onnx --chip tiny -o p.prog --json", "disasm p.prog --json", "interp p.prog --json",
        "run g.onnx --chip tiny --out o --json", "diff o o --json", "report o -o r.html --json"}) {
    const auto done = leto(folder, command);
    CHECK_MESSAGE(done.code == 0, command, "\n", done.err);
    CHECK_MESSAGE((done.out.starts_with("{") || done.out.starts_with("[")), command);
    CHECK_MESSAGE((done.out.ends_with("}\n") || done.out.ends_with("]\n")), command);
    CHECK_MESSAGE(done.err.empty(), command, "\n", done.err);
  }
}

TEST_CASE("command line: a reader that leaves early is no error") {
  const Folder folder;
  const auto done = shell(folder, "bash -o pipefail -c 'leto chips pilot | true'");
  CHECK_MESSAGE(done.code == 0, done.err);
}

TEST_CASE("command line: a chip printed is the chip read") {
  const Folder folder;
  write(folder / "mine.toml", leto(folder, "chips artemis").out);
  CHECK(leto(folder, "chips mine.toml").out == read(folder / "mine.toml"));
  CHECK(leto(folder, "chips tiny --set pe.rows=3").out.find("rows = 3") != std::string::npos);
}

}  // namespace
}  // namespace leto::e2e
