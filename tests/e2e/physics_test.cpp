// Nothing is decoration: the numbers of a run follow the numbers of the chip and the closed forms of the
// model.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

nlohmann::json recorded(const Folder& folder, const std::string& model, const std::string& chip,
                        const std::string& options = "") {
  must(folder, "run " + model + " --chip " + chip + " --values off " + options + " --out o");
  return nlohmann::json::parse(read(folder / "o/record.json"));
}

void accounts_close(const nlohmann::json& r) {
  for (const auto& [engine, account] : r["stalls"].items()) {
    CAPTURE(engine);
    std::uint64_t sum = 0;
    for (const auto& [cause, cycles] : account.items())
      if (cause != "instances") sum += cycles.get<std::uint64_t>();
    CHECK(sum == account["instances"].get<std::uint64_t>() * r["cycles"].get<std::uint64_t>());
  }
}

TEST_CASE("physics: the cost of issuing a command word shows in a small gemm") {
  const Folder folder;
  must(folder, "zoo gemm --m 64 --n 64 --k 64 -o g.onnx");
  const auto free = recorded(folder, "g.onnx", "tiny", "--set command_processor.issue_cycles=0");
  const auto paid = recorded(folder, "g.onnx", "tiny", "--set command_processor.issue_cycles=16");
  CHECK(paid["cycles"].get<int>() > free["cycles"].get<int>() + 16);
  CHECK(paid["macs"] == 64 * 64 * 64);
  CHECK(free["macs"] == 64 * 64 * 64);
  accounts_close(paid);
}

TEST_CASE("physics: half the memory channels, twice the time of a large add") {
  const Folder folder;
  must(folder, "zoo add --m 16384 --n 16384 -o a.onnx");
  const auto whole = recorded(folder, "a.onnx", "pilot"),
             half = recorded(folder, "a.onnx", "pilot", "--set hbm.channels=96");
  const double ratio = half["cycles"].get<double>() / whole["cycles"].get<double>();
  CHECK(ratio > 1.8);
  CHECK(ratio < 2.2);
  CHECK(whole["bytes"]["hbm"]["read"] == 2ll * 16384 * 16384 * 2);
  CHECK(whole["bytes"]["hbm"]["write"] == 16384ll * 16384 * 2);
  CHECK(whole["simulation"]["bursts"].get<std::int64_t>() * 32 == 3ll * 16384 * 16384 * 2);
  accounts_close(whole);
}

// Memory-bound, where the two ways to simulate a channel could differ most; compute-bound, where they must
// not.
TEST_CASE("physics: channels as ledgers take the time of those whose every burst is scheduled") {
  const Folder folder;
  must(folder, "zoo add --m 4096 --n 8192 -o add.onnx");
  must(folder, "zoo gemm --m 2048 --n 2048 --k 2048 -o gemm.onnx");
  for (const auto& [model, bound] : {std::pair{"add.onnx", 0.03}, {"gemm.onnx", 0.01}}) {
    const auto ledger = recorded(folder, model, "pilot", "--set hbm.model=ledger"),
               controller = recorded(folder, model, "pilot", "--set hbm.model=controller");
    CAPTURE(model);
    CHECK(ledger["cycles"].get<double>() ==
          doctest::Approx(controller["cycles"].get<double>()).epsilon(bound));
    CHECK(ledger["simulation"]["bursts"].get<double>() ==
          doctest::Approx(controller["simulation"]["bursts"].get<double>()).epsilon(0.01));
  }
}

TEST_CASE("physics: operands of 8 bits multiply 1.8 times as fast as those of 16") {
  const Folder folder;
  const std::string cube = "zoo gemm --m 4096 --n 4096 --k 4096 --dtype ";
  must(folder, cube + "bf16 -o wide.onnx");
  must(folder, cube + "fp8 -o narrow.onnx");
  const auto wide = recorded(folder, "wide.onnx", "pilot"), narrow = recorded(folder, "narrow.onnx", "pilot");
  CHECK(wide["cycles"].get<double>() > 1.8 * narrow["cycles"].get<double>());
  CHECK(narrow["bytes"]["hbm"]["read"].get<double>() < 0.55 * wide["bytes"]["hbm"]["read"].get<double>());
  CHECK(narrow["flops"] == wide["flops"]);
  CHECK(narrow["mfu"].get<double>() > 0.85);
  accounts_close(narrow);

  // The gradient of a weight: neither operand has k adjacent.
  must(folder, cube + "bf16 --trans-a -o wide_turned.onnx");
  must(folder, cube + "fp8 --trans-a -o narrow_turned.onnx");
  const auto turned = recorded(folder, "narrow_turned.onnx", "pilot");
  CHECK(recorded(folder, "wide_turned.onnx", "pilot")["cycles"].get<double>() >
        1.8 * turned["cycles"].get<double>());
  accounts_close(turned);
}

TEST_CASE("physics: GPT-2's training step executes the multiply-accumulates of its closed form") {
  const Folder folder;
  must(folder, "zoo gpt2-small --layers 2 --batch 2 --seq 64 -o g.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nprecision = \"bf16\"\n");
  const auto r = recorded(folder, "g.onnx", "pilot", "--train r.toml");
  const std::int64_t t = 2 * 64, s = 64, d = 768, vocabulary = 50257, layers = 2;
  // A layer: qkv 3d, projection d, mlp 4d + 4d wide, scores and context s each; then the head; backward is
  // twice that.
  const std::int64_t forward = layers * (12 * t * d * d + 2 * t * s * d) + t * d * vocabulary;
  // … but for the scores, which the backward pass makes once more.
  CHECK(r["macs"].get<std::int64_t>() == 3 * forward + layers * t * s * d);
  // Useful: of the s x s scores of a head, the causal mask leaves s (s + 1) / 2.
  const std::int64_t masked = layers * 2 * t * (s - 1) / 2 * d;
  CHECK(r["flops"].get<std::int64_t>() == 2 * 3 * (forward - masked));
  accounts_close(r);
}

}  // namespace
}  // namespace leto::e2e
