// Where the cycles between two runs went: the contributions add up, and name what was changed.
#include "study/cycle_difference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

/// A run of `cycles` on which two operations share a matrix engine of two instances.
RunFacts small_run(std::uint64_t cycles, std::uint64_t busy, std::uint64_t data, std::uint64_t second) {
  RunFacts run;
  run.chip = load_chip("tiny");
  run.workload = "small";
  run.cycles = cycles;
  run.engines["matrix_engine"] = {
      2, busy + second, 2 * cycles - busy - data - second - 100, {{"data", data}, {"launch", 100}}};
  OperationFacts op{"fc", "matmul", "forward", "bf16", {}, {}};
  op.busy["matrix_engine"] = busy;
  op.stalls["matrix_engine.data"] = data;
  run.operations = {op, {"fc", "matmul", "backward", "bf16", {{"matrix_engine", second}}, {}}};
  return run;
}

std::int64_t sum(const EngineDifference& engine) {
  std::int64_t total = 0;
  for (const Contribution& one : engine.contributions) total += one.difference();
  return total;
}

}  // namespace

TEST_CASE("cycle difference: what was changed comes first, in engine-cycles, and adds up") {
  const Record a = build_record(small_run(1000, 500, 300, 200)),
               b = build_record(small_run(900, 500, 20, 150));
  const auto all = cycle_differences(a, b);
  REQUIRE(all.size() == 1);
  const EngineDifference& engine = all[0];
  CHECK(engine.difference() == 2 * 900 - 2 * 1000);
  CHECK(sum(engine) == engine.difference());
  REQUIRE(engine.contributions.size() == 3);
  CHECK(engine.contributions[0].state == "data");
  CHECK(engine.contributions[0].operation == "fc");
  CHECK(engine.contributions[0].phase == "forward");
  CHECK(engine.contributions[0].difference() == -280);
  CHECK(engine.contributions[1].state == "idle");
  CHECK(engine.contributions[2].phase == "backward");
  CHECK(engine.contributions[2].difference() == -50);
}

TEST_CASE("cycle difference: engines and operations that one run lacks") {
  const Record a = build_record(sample_run());
  RunFacts other = sample_run();
  other.engines.erase("hbm_channel");
  other.engines["new_engine"] = sample_engine(3, other.cycles, 0.5, {});
  other.operations.pop_back();
  const auto all = cycle_differences(a, build_record(other));
  std::vector<std::string> names;
  for (const auto& engine : all) {
    names.push_back(engine.engine);
    CHECK(sum(engine) == engine.difference());
  }
  CHECK(std::ranges::count(names, "hbm_channel") == 1);
  CHECK(std::ranges::count(names, "new_engine") == 1);
  CHECK(std::ranges::count(names, "vector_engine") == 1);  // busy moved from the lost operation to none
}

TEST_CASE("cycle difference: equal runs have none") {
  const Record a = build_record(sample_run());
  CHECK(cycle_differences(a, a).empty());
}

TEST_CASE("cycle difference: a damaged record that bills more than there is still gets an answer") {
  const Record a = build_record(sample_run());
  Record b = a;
  for (OperationRecord& op : b.ops)
    for (auto& [engine, cycles] : op.busy) cycles = std::numeric_limits<std::uint64_t>::max() / 2;
  CHECK_FALSE(cycle_differences(a, b).empty());
  CHECK_FALSE(cycle_differences(b, a).empty());
}
