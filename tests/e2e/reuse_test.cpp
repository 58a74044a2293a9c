// Runs that count layers in the place of simulating them, beside the same runs in full.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

using nlohmann::json;

json recorded(const Folder& folder, const std::string& options) {
  must(folder, "run g.onnx --chip pilot --train r.toml --values off --out o " + options);
  return json::parse(read(folder / "o/record.json"));
}

void make_model(const Folder& folder) {
  must(folder, "zoo gpt2-small --layers 12 --batch 1 --seq 256 -o g.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nprecision = \"bf16\"\n");
}

double share(const json& r, const std::string& engine, const std::string& cause) {
  const json& account = r["stalls"][engine];
  return account.value(cause, 0.0) / (account["instances"].get<double>() * r["cycles"].get<double>());
}

/// Every engine's share of time in every state is the full run's but for two points.
void check_shares(const json& full, const json& reuse) {
  for (const auto& [engine, account] : full["stalls"].items())
    for (const auto& [cause, cycles] : account.items())
      if (cause != "instances") {
        CAPTURE(engine + "." + cause);
        CHECK(std::abs(share(reuse, engine, cause) - share(full, engine, cause)) < 0.02);
      }
}

TEST_CASE(
    "reuse: a twelve-layer model takes the cycles of the full run but for a per cent, and says what it left "
    "out") {
  const Folder folder;
  make_model(folder);
  const json full = recorded(folder, ""), reuse = recorded(folder, "--fidelity reuse --verify-reuse 2");
  CHECK(reuse["fidelity"] == "reuse");
  CHECK(reuse["cycles"].get<double>() == doctest::Approx(full["cycles"].get<double>()).epsilon(0.01));
  CHECK(reuse["reuse"]["trips"].get<int>() >= 4);
  CHECK(reuse["reuse"]["verified"].get<int>() >= 1);
  CHECK(reuse["reuse"]["worst"].get<double>() <
        0.1);  // of one kernel: the smallest take some thousand cycles
  CHECK(!full.contains("reuse"));
  // What the program does is known to the last command, simulated or not.
  for (const char* key : {"macs", "flops"}) CHECK(reuse[key] == full[key]);
  CHECK(reuse["simulation"]["commands"] == full["simulation"]["commands"]);
  CHECK(reuse["bytes"]["ls"] == full["bytes"]["ls"]);
  for (std::size_t i = 0; i < full["ops"].size(); ++i) {
    CAPTURE(full["ops"][i]["name"]);
    CHECK(reuse["ops"][i]["commands"] == full["ops"][i]["commands"]);
    CHECK(reuse["ops"][i]["bytes"] == full["ops"][i]["bytes"]);
  }
  check_shares(full, reuse);
}

struct Pair {
  json full, reuse;
};

// g.onnx in full and with reuse, on pilot.
Pair both(const Folder& folder, const std::string& options = "") {
  must(folder, "run g.onnx --chip pilot --values off --out a " + options);
  must(folder, "run g.onnx --chip pilot --values off --fidelity reuse --out b " + options);
  return {json::parse(read(folder / "a/record.json")), json::parse(read(folder / "b/record.json"))};
}

// What the program does is known to the last command; traffic with device memory but for the order of PEs.
void check_alike(const json& reuse, const json& full, double tolerance) {
  CHECK(reuse["cycles"].get<double>() == doctest::Approx(full["cycles"].get<double>()).epsilon(tolerance));
  CHECK(reuse["macs"] == full["macs"]);
  CHECK(reuse["simulation"]["commands"] == full["simulation"]["commands"]);
  for (const char* memory : {"ls", "noc"}) CHECK(reuse["bytes"][memory] == full["bytes"][memory]);
  for (const char* way : {"read", "write"})
    CHECK(reuse["bytes"]["hbm"][way].get<double>() ==
          doctest::Approx(full["bytes"]["hbm"][way].get<double>()).epsilon(0.05));
}

TEST_CASE("reuse: tiles of one matrix product are left out, within a per cent") {
  const Folder folder;
  must(folder, "zoo gemm --m 4096 --n 8192 --k 1024 -o g.onnx");
  const auto [full, reuse] = both(folder);
  CHECK(reuse["reuse"]["segments"].get<int>() >= 8);
  check_alike(reuse, full, 0.01);
  for (const char* engine : {"matrix_engine", "vector_engine", "issue_core"})
    CHECK(std::abs(share(reuse, engine, "busy") - share(full, engine, "busy")) < 0.02);
}

TEST_CASE("reuse: an add that memory binds is left out in runs, within two per cent") {
  const Folder folder;
  must(folder, "zoo add --m 8192 --n 16384 --dtype bf16 -o g.onnx");
  const auto [full, reuse] = both(folder);
  check_alike(reuse, full, 0.02);
}

TEST_CASE("reuse: kernels of layers that share no loop are reused by what they do") {
  const Folder folder;
  must(folder, "zoo gpt2-small --layers 3 --batch 1 --seq 128 -o g.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nprecision = \"bf16\"\n");
  const auto [full, reuse] = both(folder, "--train r.toml --unroll");
  CHECK(reuse["reuse"]["trips"] == 0);
  CHECK(reuse["reuse"]["kernels"].get<int>() >= 20);
  check_alike(reuse, full, 0.01);
}

TEST_CASE("reuse: a run in full of layers that are all unlike is the same run") {
  const Folder folder;
  must(folder, "zoo gemm --m 256 --n 256 --k 256 -o g.onnx");
  const auto [a, b] = both(folder);
  CHECK(b["reuse"]["trips"] == 0);
  for (const char* key : {"cycles", "stalls", "bytes", "ops"}) CHECK(a[key] == b[key]);
}

TEST_CASE("reuse: is refused where values or traces are asked for") {
  const Folder folder;
  must(folder, "zoo gemm --m 64 --n 64 --k 64 -o g.onnx");
  check_refused(leto(folder, "run g.onnx --chip tiny --values on --fidelity reuse --out a"), 2, "values");
  check_refused(leto(folder, "run g.onnx --chip tiny --values off --trace --fidelity reuse --out a"), 2,
                "traces");
  check_refused(leto(folder, "run g.onnx --chip tiny --values off --verify-reuse 2 --out a"), 2,
                "--verify-reuse");
}

TEST_SUITE("slow") {
  TEST_CASE("reuse: a net of unequal layers takes the cycles and the shares of the full run") {
    const Folder folder;
    make_model(folder);
    must(folder, "zoo resnet50 --batch 8 -o g.onnx");
    const auto [full, reuse] = both(folder, "--train r.toml");
    CHECK(reuse["reuse"]["kernels"].get<int>() > 100);
    CHECK(reuse["cycles"].get<double>() == doctest::Approx(full["cycles"].get<double>()).epsilon(0.01));
    check_shares(full, reuse);
  }

  TEST_CASE("reuse: an optimizer of layers with few tokens takes the cycles of the full run") {
    const Folder folder;
    make_model(folder);
    must(folder, "zoo llama3-8b --layers 2 --batch 1 --seq 128 -o g.onnx");
    const auto [full, reuse] = both(folder, "--train r.toml");
    CHECK(reuse["reuse"]["segments"].get<int>() > 1000);
    check_alike(reuse, full, 0.01);
  }

  TEST_CASE("reuse: streams that flush the cache take the cycles of the full run") {
    const Folder folder;
    must(folder, "zoo add --m 16384 --n 32768 --dtype bf16 -o g.onnx");
    const auto [full, reuse] = both(folder);
    CHECK(reuse["reuse"]["segments"].get<int>() > 0);
    CHECK(reuse["cycles"].get<double>() == doctest::Approx(full["cycles"].get<double>()).epsilon(0.01));
  }
}

}  // namespace
}  // namespace leto::e2e
