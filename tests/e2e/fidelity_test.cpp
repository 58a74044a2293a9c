// The coarser fidelities beside full detail, on small programs.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

using nlohmann::json;

json recorded(const Folder& folder, const std::string& options, const std::string& fidelity) {
  must(folder, "run g.onnx --values off " + options + " --fidelity " + fidelity + " --out o");
  return json::parse(read(folder / "o/record.json"));
}

// tiny has controllers and few channels, pilot ledgers and many.
TEST_CASE("fidelity: event does the same commands as full in nearly the same time and roofline is a bound") {
  const Folder folder;
  must(folder, "zoo gemm --m 512 --n 512 --k 512 -o g.onnx");
  for (const std::string chip : {"--chip tiny", "--chip pilot"}) {
    CAPTURE(chip);
    const json full = recorded(folder, chip, "full"), event = recorded(folder, chip, "event");
    const json roofline = recorded(folder, chip, "roofline");
    CHECK(event["fidelity"] == "event");
    CHECK(roofline["fidelity"] == "roofline");
    CHECK(event["macs"] == full["macs"]);
    CHECK(event["simulation"]["commands"] == full["simulation"]["commands"]);
    CHECK(event["bytes"]["ls"] == full["bytes"]["ls"]);
    CHECK(event["cycles"].get<double>() == doctest::Approx(full["cycles"].get<double>()).epsilon(0.15));
    CHECK(roofline["cycles"].get<double>() < full["cycles"].get<double>());
  }
}

TEST_CASE("fidelity: event finds the indices of lookups with values off") {
  const Folder folder;
  must(folder,
       "zoo gpt2-small --layers 1 --batch 1 --seq 64 --width 128 --heads 2 --vocabulary 256 -o g.onnx");
  write(folder / "r.toml", "optimizer = \"adamw\"\nprecision = \"bf16\"\n");
  const std::string options = "--chip pilot --train r.toml";
  const json full = recorded(folder, options, "full"), event = recorded(folder, options, "event");
  CHECK(event["bytes"]["ls"] == full["bytes"]["ls"]);
  CHECK(event["simulation"]["commands"] == full["simulation"]["commands"]);
}

}  // namespace
}  // namespace leto::e2e
