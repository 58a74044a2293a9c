// Energy: it is conserved, follows its events and the DVFS point, and each row of its table has a source.
#include "study/energy.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/study/cause.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

double sum(const std::map<std::string, double>& items) {
  return std::accumulate(items.begin(), items.end(), 0.0,
                         [](double s, const auto& i) { return s + i.second; });
}

EnergyRecord energy(const RunFacts& run) {
  return energy_of(run, load_facts("energy"));
}

}  // namespace

TEST_CASE("energy by block and by operation are the total") {
  RunFacts run = sample_run();
  run.bytes["noc"] = {400'000'000'000, 0};
  const EnergyRecord e = energy(run);
  CHECK(e.total > 0);
  CHECK(sum(e.by_block) == doctest::Approx(e.total).epsilon(1e-12));
  CHECK(sum(e.by_operation) == doctest::Approx(e.total).epsilon(1e-9));
  CHECK(e.by_block.size() == 9);
  CHECK(e.low < e.total);
  CHECK(e.total < e.high);
}

TEST_CASE("what no operation caused is billed to none") {
  RunFacts run = sample_run();
  run.operations.clear();
  const EnergyRecord e = energy(run);
  REQUIRE(e.by_operation.size() == 1);
  CHECK(e.by_operation.at(std::string(kAlwaysOn)) == doctest::Approx(e.total));
}

TEST_CASE("each block follows its own events") {
  const RunFacts run = sample_run();
  const EnergyRecord before = energy(run);
  const auto doubled = [&](const std::string& block, auto&& change) {
    RunFacts more = run;
    change(more);
    const EnergyRecord after = energy(more);
    for (const auto& [name, joules] : before.by_block)
      CHECK_MESSAGE(after.by_block.at(name) == doctest::Approx(joules * (name == block ? 2 : 1)), name);
  };
  doubled("hbm", [](RunFacts& r) { r.bytes["hbm"] = {2 * r.bytes["hbm"].read, 2 * r.bytes["hbm"].write}; });
  doubled("sram", [](RunFacts& r) {
    r.bytes["sram"] = {2 * r.bytes["sram"].read, 2 * r.bytes["sram"].write};
  });
  doubled("vector_engine", [](RunFacts& r) { r.engines["vector_engine"].busy *= 2; });
  doubled("command_processor", [](RunFacts& r) { r.commands *= 2; });
  doubled("matrix_engine", [](RunFacts& r) {
    for (auto& op : r.operations) op.macs *= 2;
  });
}

TEST_CASE("a matmul of narrower operands costs less") {
  RunFacts run = sample_run();
  const double wide = energy(run).by_block.at("matrix_engine");
  for (auto& op : run.operations)
    if (!op.dtype.empty()) op.dtype = "fp8_e4m3";
  CHECK(energy(run).by_block.at("matrix_engine") == doctest::Approx(wide * 0.25 / 0.59));
}

TEST_CASE("a slower clock lowers the voltage of the chip and not of its memory") {
  RunFacts run = sample_run();
  const EnergyRecord fast = energy(run);
  run.chip = load_chip("pilot", {"pe.clock_mhz=1425"});  // three quarters: 1 - 0.5/4 = 0.875 of the voltage
  const EnergyRecord slow = energy(run);
  CHECK(slow.by_block.at("matrix_engine") ==
        doctest::Approx(fast.by_block.at("matrix_engine") * 0.875 * 0.875));
  CHECK(slow.by_block.at("hbm") == doctest::Approx(fast.by_block.at("hbm")));
  CHECK(slow.by_block.at("leakage") == doctest::Approx(fast.by_block.at("leakage") * 0.875 / 0.75));
  CHECK(dvfs_point(1, load_facts("energy"), Corner::value).voltage == doctest::Approx(0.65));
}

TEST_CASE("every preset has the row of its memory") {
  for (const std::string& name : chip_names()) {
    RunFacts run = sample_run();
    run.chip = load_chip(name);
    CHECK_MESSAGE(energy(run).by_block.at("hbm") > 0, name);
  }
}

TEST_CASE("every fact has a source and names its scaling factor") {
  for (const char* name : {"energy", "cost", "fleet"}) {
    const FactTable table = load_facts(name);
    CHECK(table.facts().size() > 10);
    for (const Fact& fact : table.facts()) {
      CHECK_FALSE(fact.from.source.empty());
      if (!fact.scale.empty()) CHECK(table.find(fact.scale) != nullptr);
    }
  }
}

TEST_CASE("faults of a fact table are named with file and line") {
  const std::string source =
      "[[source]]\nid = \"s\"\nsource = \"paper\"\nreference = \"\"\ndate = \"\"\nconfidence = "
      "\"recalled\"\n";
  const auto row = [](const std::string& key, const std::string& low, const std::string& from) {
    return "{key = \"" + key + "\", value = 1.0, low = " + low +
           ", high = 2.0, unit = \"\", node = \"\", scale = \"\", kind = \"estimate\", from = \"" + from +
           "\", note = \"\"}";
  };
  const auto cause_of = [](const std::string& text) {
    return study::cause_of(text, [](const std::string& path) { load_facts(path); });
  };
  CHECK(cause_of("facts = [" + row("a", "0.5", "s") + "]\n" + source) == "accepted");
  CHECK(cause_of("facts = [" + row("a", "1.5", "s") + "]\n" + source).find("not between") !=
        std::string::npos);
  CHECK(cause_of("facts = [" + row("a", "0.5", "x") + "]\n" + source).find("no source 'x'") !=
        std::string::npos);
  CHECK(cause_of("facts = [" + row("a", "0.5", "s") + "," + row("a", "0.5", "s") + "]\n" + source)
            .find("twice") != std::string::npos);
  CHECK(cause_of(source).find("no facts") != std::string::npos);
}
