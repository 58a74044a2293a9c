// Sorting a step's lookups on the simulated chips: the same on a chip with a sort block and on one whose
// cores do it, dearer there, and affordable to simulate.
#include <fmt/format.h>
#include <sys/resource.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "model/simulation.h"
#include "tests/compiler/program_values.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// Sorts of `tables` lists of lookups.
compiler::Graph sorts(int tables, std::int64_t lookups, std::int64_t rows) {
  std::string text = "graph \"g\" tokens=0\n", outputs;
  for (int t = 0; t < tables; ++t) {
    text += fmt::format("%i{}: int32[{}] = input limit={}\n", t, lookups, rows);
    outputs += fmt::format("output %y{}\n", t);
  }
  for (int t = 0; t < tables; ++t)
    text += fmt::format(
        "%y{0}: int32[{1},2] = sort_lookups(%i{0}) {{dtype=\"int32\", rows={2}, share=1}} phase=forward "
        "name=\"y{0}\"\n",
        t, lookups, rows);
  return compiler::parse(text + outputs, "test");
}

std::vector<std::int32_t> drawn(std::int64_t count, std::int64_t rows, int table) {
  std::vector<std::int32_t> list(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i] = static_cast<std::int32_t>(
        uniform_below(1, static_cast<std::uint64_t>(table), i, static_cast<std::uint64_t>(rows)));
  return list;
}

/// Runs the sorts with values off and checks the rows' order; cycles.
std::uint64_t sort_on(const ChipConfig& chip, int tables, std::int64_t lookups, std::int64_t rows) {
  const auto program = compiler::lower(sorts(tables, lookups, rows), chip, {}, {});
  model::RunOptions options;
  options.values = false;
  model::Simulation simulation(program, chip, options);
  for (int t = 0; t < tables; ++t) {
    const auto list = drawn(lookups, rows, t);
    simulation.memory().write(program.find(fmt::format("i{}", t))->address,
                              reinterpret_cast<const std::byte*>(list.data()), list.size() * 4);
  }
  simulation.step();
  for (int t = 0; t < tables; ++t) {
    std::vector<std::int32_t> pairs(static_cast<std::size_t>(2 * lookups));
    simulation.memory().read(program.find(fmt::format("y{}", t))->address,
                             reinterpret_cast<std::byte*>(pairs.data()), pairs.size() * 4);
    std::int32_t last = -1;
    bool ascending = true;
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
      ascending = ascending && pairs[i] >= last;
      last = pairs[i];
    }
    CHECK(ascending);
    CHECK(last >= 0);
  }
  return simulation.statistics().cycles;
}

}  // namespace

TEST_CASE("sort: rows come out in order with values off") {
  sort_on(load_chip("pilot"), 3, 50000, 40000000);
}

TEST_CASE("sort: an update's sorts are in the record and cost more where the cores do them") {
  const Folder folder;
  must(folder, "zoo embedding --tables 2 --rows 100000 --dim 16 --batch 1024 --bag 16 -o e.onnx");
  write(folder / "r.toml", "optimizer = \"adagrad\"\nlr = 0.05\nloss = \"mse\"\n");
  const auto cycles = [&](const std::string& chip) {
    must(folder, "run e.onnx --train r.toml --values off --out o --chip " + chip);
    const auto record = nlohmann::json::parse(read(folder / "o" / "record.json"));
    std::int64_t sum = 0;
    for (const auto& op : record["ops"])
      if (op["kind"] == "sort") sum += op["cycles"].get<std::int64_t>();
    return sum;
  };
  const auto block = cycles("pilot"), software = cycles("pilot --set sort_block.records_per_cycle=0"),
             artemis = cycles("artemis");
  MESSAGE("cycles of sorts: block ", block, ", software ", software, ", artemis ", artemis);
  CHECK(block > 0);
  CHECK(software > 2 * block);
  CHECK(artemis > 2 * block);
}

TEST_SUITE("slow") {
  TEST_CASE("sort: 100 M lookups of a step in a minute and 2 GiB") {
    const std::clock_t begin = std::clock();
    const auto cycles = sort_on(load_chip("pilot"), 25, 4000000, 40000000);
    const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    MESSAGE(cycles, " cycles, ", seconds, " s, ", used.ru_maxrss / 1024, " MiB");
    CHECK(seconds < 60);
    CHECK(used.ru_maxrss < 2 << 20);
  }
}

}  // namespace leto::e2e
