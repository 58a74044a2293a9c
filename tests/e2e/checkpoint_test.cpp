// Runs that are killed and go on, beside the same runs undisturbed.
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

using nlohmann::json;

/// `run` (flags of leto run) as it is into whole/, and into killed/ with kills: each behind another
/// checkpoint by up to `share` of the time that whole/ took on this host, that many times or until the run
/// ends. Says how often it was killed.
int run_both(const Folder& folder, const std::string& run, int kills, double share, unsigned seed) {
  const auto begin = std::chrono::steady_clock::now();
  must(folder, "run " + run + " --out whole");
  const double seconds =
      share * std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::srand(seed);
  int killed = 0;
  for (int i = 0; i < kills; ++i) {
    const auto done =
        shell(folder,
              "before=$(stat -c %y killed/checkpoint 2>/dev/null)\n"
              "leto run " +
                  run +
                  " --checkpoint 0.01 --resume --out killed &\n"
                  "run=$!\n"
                  "for i in $(seq 12000); do\n"
                  "  [ \"$(stat -c %y killed/checkpoint 2>/dev/null)\" != \"$before\" ] && break\n"
                  "  sleep 0.005\n"
                  "done\n"
                  "sleep " +
                  std::to_string(seconds * (std::rand() % 1000) / 1000) +
                  "\n"
                  "kill -9 $run 2>/dev/null\n"
                  "wait $run\n"
                  "[ $? = 137 ]");
    if (done.code != 0) break;
    ++killed;
    const json partial = json::parse(read(folder / "killed/record.json"));
    CHECK(partial["incomplete"] == true);
    CHECK(partial["cycles"].get<double>() > 0);
    for (const auto& [engine, account] : partial["stalls"].items()) {
      CAPTURE(engine);
      double sum = 0;
      for (const auto& [state, cycles] : account.items())
        if (state != "instances") sum += cycles.get<double>();
      CHECK(sum == account["instances"].get<double>() * partial["cycles"].get<double>());
    }
  }
  must(folder, "run " + run + " --resume --out killed");
  return killed;
}

void check_same(const Folder& folder) {
  const auto differences = leto(folder, "diff whole killed --exact");
  CHECK_MESSAGE(differences.code == 0, differences.out);
  CHECK(shell(folder, "cd whole && find . -type f ! -name 'report.*' ! -name record.json | sort > ../files")
            .code == 0);
  const auto bytes = shell(folder, "while read f; do cmp whole/$f killed/$f || exit 1; done < files");
  CHECK_MESSAGE(bytes.code == 0, bytes.out, bytes.err);
  CHECK(shell(folder, "[ \"$(ls -A whole)\" = \"$(ls -A killed)\" ]").code == 0);
}

void make_training(const Folder& folder, int steps, const std::string& more = "") {
  must(folder, "zoo mlp --batch 64 -o mlp.onnx");
  write(folder / "r.toml",
        "optimizer = \"adamw\"\nlr = 0.005\nloss = \"cross_entropy\"\nprecision = \"bf16\"\n"
        "data = \"digits\"\nbatch = 64\nsteps = " +
            std::to_string(steps) + "\n" + more);
}

/// Narrow unless `sizes` says otherwise: killed runs are compiled each time.
void make_gpt2(const Folder& folder, int layers, int sequence,
               const std::string& sizes = "--width 384 --heads 6 --vocabulary 2000") {
  must(folder, "zoo gpt2-small --batch 1 --layers " + std::to_string(layers) + " --seq " +
                   std::to_string(sequence) + " " + sizes + " -o g.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nprecision = \"bf16\"\n");
}

TEST_CASE("checkpoint: a training that is killed twice ends in the same record and the same values") {
  const Folder folder;
  make_training(folder, 200);
  CHECK(run_both(folder, "mlp.onnx --chip tiny --train r.toml --reference", 2, 0.2, 1) > 0);
  check_same(folder);
}

TEST_CASE("checkpoint: a step that is killed goes on where it was") {
  const Folder folder;
  make_gpt2(folder, 2, 128);
  CHECK(run_both(folder, "g.onnx --chip pilot --train r.toml --values off", 2, 0.2, 2) > 0);
  check_same(folder);
}

TEST_CASE("checkpoint: a run with reuse that is killed goes on where it was") {
  const Folder folder;
  make_gpt2(folder, 3, 256);
  CHECK(run_both(folder, "g.onnx --chip pilot --train r.toml --values off --fidelity reuse --verify-reuse 2",
                 2, 0.2, 3) > 0);
  check_same(folder);
}

TEST_CASE("checkpoint: a run that leaves checkpoints and is not killed is the same run") {
  const Folder folder;
  make_gpt2(folder, 1, 64);
  const std::string run = "run g.onnx --chip pilot --train r.toml --values on ";
  must(folder, run + "--out whole");
  must(folder, run + "--checkpoint 0.01 --out killed");
  check_same(folder);
}

TEST_CASE("checkpoint: recommender lookups by index go on where they were") {
  const Folder folder;
  must(folder, "zoo embedding --batch 2048 --rows 50000 --bag 8 -o e.onnx");
  write(folder / "r.toml", "optimizer = \"adagrad\"\nloss = \"sum\"\nprecision = \"bf16\"\n");
  CHECK(run_both(folder, "e.onnx --chip pilot --train r.toml --values off", 2, 0.1, 4) > 0);
  check_same(folder);
}

/// A run of `mlp` on tiny that was killed behind its first checkpoint.
void leave_checkpoint(const Folder& folder) {
  make_training(folder, 4000);
  REQUIRE(shell(folder,
                "leto run mlp.onnx --chip tiny --train r.toml --checkpoint 0.05 --out o & run=$!\n"
                "for i in $(seq 3000); do [ -e o/checkpoint ] && break; sleep 0.02; done\n"
                "kill -9 $run; wait $run; [ -e o/checkpoint ]")
              .code == 0);
}

TEST_CASE("checkpoint: one of another chip or recipe or of other flags is refused by name") {
  const Folder folder;
  leave_checkpoint(folder);
  const std::string run = "run mlp.onnx --train r.toml --resume --out o --chip tiny ";
  check_refused(leto(folder, run + "--set noc.hop_cycles=9"), 3,
                "o/checkpoint: a checkpoint of another chip");
  check_refused(leto(folder, run + "--seed 7"), 3, "another seed");
  check_refused(leto(folder, run + "--reference"), 3, "another --reference");
  check_refused(leto(folder, run + "--what-if hbm"), 3, "another --what-if");
  make_training(folder, 3999);
  check_refused(leto(folder, run), 3, "another recipe");
}

TEST_CASE("checkpoint: a damaged one is refused and nothing of the folder changes") {
  const Folder folder;
  leave_checkpoint(folder);
  const std::string whole = read(folder / "o/checkpoint"), record = read(folder / "o/record.json");
  const std::string run = "run mlp.onnx --train r.toml --resume --out o --chip tiny";
  const auto refused = [&](const std::string& bytes, const std::string& cause) {
    write(folder / "o/checkpoint", bytes);
    check_refused(leto(folder, run), 3, cause);
    CHECK(read(folder / "o/checkpoint") == bytes);
    CHECK(read(folder / "o/record.json") == record);
  };
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  refused(flipped, "o/checkpoint: damaged");
  refused(whole.substr(0, whole.size() / 2), "damaged");
  refused("", "too short");
  refused(std::string(100, 'x'), "damaged");
}

TEST_CASE("checkpoint: the record of a killed run says so in reports and is no evidence") {
  const Folder folder;
  leave_checkpoint(folder);
  CHECK(json::parse(read(folder / "o/record.json"))["incomplete"] == true);
  must(folder, "report o -o r.md");
  CHECK(read(folder / "r.md").find("INCOMPLETE") != std::string::npos);
  must(folder, "run mlp.onnx --chip tiny --set pe.rows=1 --out other");
  CHECK(leto(folder, "diff o other").code == 0);
  CHECK(leto(folder, "diff o other --exact").code == 8);
}

TEST_CASE(
    "checkpoint: runs that cannot be resumed say why and a first run with --resume starts at its begin") {
  const Folder folder;
  make_training(folder, 2);
  const std::string run = "run mlp.onnx --train r.toml --chip tiny --out o ";
  check_refused(leto(folder, run + "--checkpoint 1 --trace"), 4, "cannot be resumed");
  check_refused(leto(folder, run + "--resume --waves 'pe[0].*'"), 4, "cannot be resumed");
  check_refused(leto(folder, "run mlp.onnx --chip tiny --values off --fidelity event --checkpoint 1 --out o"),
                4, "fidelity event");
  check_refused(leto(folder, run + "--checkpoint 0"), 2, "checkpoint");
  CHECK_FALSE(fs::exists(folder / "o"));
  const auto first = leto(folder, run + "--resume");
  CHECK(first.code == 0);
  CHECK(first.err.find("no checkpoint") != std::string::npos);
}

TEST_SUITE("slow") {
  TEST_CASE("checkpoint: ten kills of a long full run") {
    const Folder folder;
    make_gpt2(folder, 4, 1024, "");
    CHECK(run_both(folder, "g.onnx --chip pilot --train r.toml --values off", 10, 0.15, 5) >= 5);
    check_same(folder);
  }

  TEST_CASE("checkpoint: ten kills of a long training") {
    const Folder folder;
    make_training(folder, 3000);
    CHECK(run_both(folder, "mlp.onnx --chip tiny --train r.toml", 10, 0.15, 6) >= 5);
    check_same(folder);
  }
}

}  // namespace
}  // namespace leto::e2e
