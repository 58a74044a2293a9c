// A small DLRM on the simulated chip: trained on clicks that follow a hidden law, it ranks clicks it has not
// seen, and both modes take the same cycles although indices decide where memory is read.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/hash.h"
#include "base/lookups.h"
#include "base/npy.h"
#include "base/reuse_distance.h"
#include "base/rng.h"
#include "compiler/reference/initial.h"
#include "compiler/row_plan.h"
#include "model/simulation.h"
#include "tests/compiler/program_values.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

constexpr std::int64_t kBatch = 128, kTables = 5, kRows = 60, kBag = 2, kDense = 13;
const std::string kModel =
    fmt::format("zoo dlrm --batch {} --tables {} --rows {} --dim 16 --bag {} --narrow 16 -o d.onnx", kBatch,
                kTables, kRows, kBag);

/// Sample `n` of the stream: rows of every table, dense features, and a click with the probability that
/// hidden weights of the rows and of one dense feature give.
class Clicks {
 public:
  compiler::Values batch(const compiler::Graph& step, std::int64_t number) const {
    compiler::Values out;
    std::vector<double> score(kBatch, 0);
    for (const auto& v : step.values)
      if (v.role == compiler::Role::input && v.limit > 0) {
        auto& rows = out[v.name];
        const auto bag = v.type.shape[1];
        for (std::int64_t i = 0; i < kBatch * bag; ++i) {
          const auto row = uniform_below(7, fnv1a(v.name), counter(number, i), std::uint64_t(v.limit));
          rows.push_back(float(row));
          score[std::size_t(i / bag)] += 1.5 * normal(8, fnv1a(v.name), row);
        }
      }
    auto& dense = out["dense"];
    for (std::int64_t i = 0; i < kBatch * kDense; ++i)
      dense.push_back(float(normal(9, 0, counter(number, i))));
    auto& clicks = out["clicks"];
    for (std::int64_t i = 0; i < kBatch; ++i) {
      const double logit = score[std::size_t(i)] + dense[std::size_t(i * kDense)];
      clicks.push_back(uniform(10, 0, counter(number, i)) < 1 / (1 + std::exp(-logit)) ? 1.0F : 0.0F);
    }
    plan(step, out);
    return out;
  }

 private:
  static std::uint64_t counter(std::int64_t batch, std::int64_t i) {
    return std::uint64_t(batch) << 32 | std::uint64_t(i);
  }
  static void plan(const compiler::Graph& step, compiler::Values& values) {
    for (const auto& v : step.values)
      if (const auto planned = compiler::planned_input(v.name); planned && v.role == compiler::Role::input) {
        const auto& index = values.at(planned->index_input);
        const auto part = planned->from(std::vector<std::int64_t>(index.begin(), index.end()));
        values[v.name].assign(part.begin(), part.end());
      }
  }
};

/// The chance that a click's score is above that of a sample without one.
double auc(const std::vector<float>& scores, const std::vector<float>& clicks) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] < scores[b]; });
  double above = 0, without = 0, with = 0;
  for (const auto i : order) {
    if (clicks[i] != 0) above += without;
    (clicks[i] != 0 ? with : without) += 1;
  }
  return above / (with * without);
}

void set_content(const isa::Tensor& t, const std::vector<float>& values, isa::Memory& memory) {
  std::vector<std::byte> bytes(values.size() * std::size_t(size_of(t.dtype)));
  store_elements(t.dtype, values.data(), bytes.data(), std::int64_t(values.size()));
  memory.write(t.address, bytes.data(), bytes.size());
}

std::vector<float> content_of(const isa::Tensor& t, const isa::Memory& memory) {
  std::vector<std::byte> bytes(std::size_t(isa::bytes(t)));
  memory.read(t.address, bytes.data(), bytes.size());
  std::vector<float> values(std::size_t(isa::elements(t)));
  load_elements(t.dtype, bytes.data(), values.data(), std::int64_t(values.size()));
  return values;
}

}  // namespace

TEST_CASE("dlrm: learns to rank clicks it has not seen on the simulated chip") {
  const Folder folder;
  must(folder, kModel);
  compiler::Recipe recipe;
  recipe.optimizer = compiler::Optimizer::adagrad;
  recipe.lr = 0.05;
  const auto forward = compiler::import_onnx(folder / "d.onnx");
  const auto step = compiler::training_step(forward, recipe);
  const auto chip = load_chip("tiny");
  const auto program = compiler::lower(step, chip, recipe, {});
  model::Simulation simulation(program, chip, {});
  for (const auto& v : step.values)
    if (const auto* t = program.find(v.name); t != nullptr && v.role != compiler::Role::input)
      set_content(*t, compiler::initial_content(v, 1), simulation.memory());
  constexpr std::int64_t kSteps = 80, kTested = 10;
  std::vector<float> scores, clicks;
  for (std::int64_t n = 0; n < kSteps; ++n) {
    const auto batch = Clicks().batch(step, n);
    for (const auto& [name, values] : batch)
      if (const auto* t = program.find(name)) set_content(*t, values, simulation.memory());
    simulation.step();
    if (n < kSteps - kTested) continue;  // scores come before the batch's own update
    const auto got = content_of(*program.find(step.value(step.outputs[0]).name), simulation.memory());
    scores.insert(scores.end(), got.begin(), got.end());
    clicks.insert(clicks.end(), batch.at("clicks").begin(), batch.at("clicks").end());
  }
  const double reached = auc(scores, clicks);
  MESSAGE("AUC ", reached);
  CHECK(reached > 0.75);
}

TEST_CASE("dlrm: a step takes the same cycles with values on and off, with either interaction") {
  for (const char* interaction : {"", " --dot"}) {
    const Folder folder;
    must(folder, kModel + interaction);
    write(folder / "r.toml", "optimizer = \"adagrad\"\nlr = 0.05\n");
    must(folder, "run d.onnx --train r.toml --chip tiny --values on --lookups zipf=1.1 --out on");
    must(folder, "run d.onnx --train r.toml --chip tiny --values off --lookups zipf=1.1 --out off");
    const auto diff = leto(folder, "diff on off");
    CHECK_MESSAGE(diff.out.find("3 of the keys differ") != std::string::npos, diff.out);
    const auto record = nlohmann::json::parse(read(folder / "off" / "record.json"));
    CHECK(record["sequence"] == 0);  // bags of lookups are no tokens of a text
  }
}

TEST_CASE(
    "embedding: uniform lookups of 256-byte rows reach 60 % of the pilot's memory, whatever the table") {
  const Folder folder;
  must(folder, "zoo embedding --rows 40000000 --batch 16384 --bag 32 -o e.onnx");
  must(folder, "run e.onnx --chip pilot --values off --out e");
  const auto record = nlohmann::json::parse(read(folder / "e" / "record.json"));
  const double bytes = 16384.0 * 32 * 256, peak = 6.144e12;
  CHECK(bytes / record["seconds"].get<double>() > 0.6 * peak);
  must(folder, "zoo embedding --rows 2147483648 --dim 16 --batch 512 --bag 4 -o long.onnx");
  must(folder, "run long.onnx --chip pilot --values off --out long");
}

TEST_CASE("embedding: popular rows apart take away the wait for one bank of the SRAM") {
  const Folder folder;
  must(folder, "zoo embedding --rows 40000000 --batch 16384 --bag 32 -o e.onnx");
  const auto seconds = [&](const std::string& flags) {
    must(folder, "run e.onnx --chip pilot --values off --out e --lookups " + flags);
    return nlohmann::json::parse(read(folder / "e" / "record.json"))["seconds"].get<double>();
  };
  CHECK(seconds("production") > 2.5 * seconds("production --pin-rows 64"));
}

TEST_CASE("embedding: the LLC hits what an LRU cache of its size hits of the same stream") {
  // A row a line. The PEs go through the list side by side, so the order is not the list's, which Che's
  // approximation does not ask about; and the LLC is set associative.
  constexpr std::int64_t kLookups = 4096 * 32, kTable = 20000, kLines = 1024;
  const Folder folder;
  must(folder, fmt::format("zoo embedding --rows {} --dim 512 --batch 4096 --bag 32 -o e.onnx", kTable));
  for (const char* law : {"zipf=0.6", "zipf=1.05"}) {
    must(folder, fmt::format("run e.onnx --chip pilot --values off --out e --lookups {} --set sram.bytes={} "
                             "--set sram.banks=4 --set sram.scratch_fraction=0.5",
                             law, 2 * kLines * 1024));
    const auto record = nlohmann::json::parse(read(folder / "e" / "record.json"));
    const double misses = record["counters"]["llc_misses"].get<double>();
    const auto stream = draw_lookups(parse_lookup_law(law, ""), kLookups, kTable, 1, "index.0");
    const double measured = 1 - misses / double(kLookups);
    MESSAGE(std::string(law), ": measured ", measured, ", LRU ", lru_hit_rate(stream, kLines), ", Che ",
            che_hit_rate(stream, kLines));
    CHECK(std::abs(measured - che_hit_rate(stream, kLines)) < 0.03);
    CHECK(std::abs(measured - lru_hit_rate(stream, kLines)) < 0.02);
  }
}

TEST_CASE("embedding: bags may be ragged and empty and an index beyond the table is refused by name") {
  const Folder folder;
  must(folder, "zoo embedding --rows 50 --dim 16 --batch 3 --bag 2 -o e.onnx");
  const auto given = [&](std::vector<std::int64_t> rows) {
    std::vector<std::byte> data(rows.size() * 8);
    std::copy_n(reinterpret_cast<const std::byte*>(rows.data()), data.size(), data.begin());
    save_npy({NpyType::i8, {3, 2}, data}, folder / "i.npy");
    return leto(folder, "run e.onnx --chip tiny --values off --inputs index.0=i.npy --out o");
  };
  CHECK(given({0, 49, 7, 7, 7, 0}).code == 0);
  CHECK(given({0, 49, 7, -1, -1, -1}).code == 0);
  CHECK(given({0, 49, 7, -2, 7, 0}).code == 3);
  const auto refused = given({0, 50, 7, 7, 7, 0});
  CHECK(refused.code == 3);
  CHECK(refused.err.find("index.0") != std::string::npos);
  CHECK(refused.err.find("50") != std::string::npos);
}

TEST_CASE("sharded tables: the record says what is exchanged and the step takes the links' time for it") {
  const Folder folder;
  must(folder, kModel);
  write(folder / "r.toml", "optimizer = \"adagrad\"\nlr = 0.05\n");
  for (const std::string by : {"table", "row", "column"}) {
    const auto record = [&](const std::string& flags) {
      must(folder, "run d.onnx --train r.toml --chip tiny --shards 4 --shard-by " + by + " --out o " + flags);
      return nlohmann::json::parse(read(folder / "o" / "record.json"));
    };
    const auto usual = record("--values off"), on = record("--values on");
    const auto slow = record("--values off --set network.scale_up_gbps=4");
    CHECK(usual["cycles"] == on["cycles"]);
    const auto& sharding = usual["sharding"];
    CHECK(sharding["by"] == by);
    CHECK(sharding["chips"] == 4);
    CHECK(sharding["exchanges"] == 2);
    CHECK(sharding["source"] == "estimate");
    const double bytes = sharding["bytes"].get<double>(),
                 clock = 1e6 * usual["chip_figures"]["clock_mhz"].get<double>();
    CHECK(sharding["seconds"].get<double>() == doctest::Approx(bytes / 16e9 + 2 * 1e-6));
    const double longer = (slow["cycles"].get<double>() - usual["cycles"].get<double>()) / clock;
    CHECK(longer == doctest::Approx(bytes / 4e9 - bytes / 16e9).epsilon(0.02));
    const auto event = record("--values off --fidelity event");
    CHECK(event["seconds"].get<double>() > sharding["seconds"].get<double>());
  }
}

TEST_CASE("sharded tables: one that does not fit a chip is refused with the number of chips that it fits") {
  const Folder folder;
  must(folder, "zoo embedding --rows 2147483648 --dim 128 --batch 64 --bag 4 -o e.onnx");
  const auto whole = leto(folder, "compile e.onnx --chip pilot -o e.prog");
  CHECK(whole.code == 5);
  CHECK_MESSAGE(whole.err.find("--shards 3 ") != std::string::npos, whole.err);
  for (const std::string by : {"row", "column"})
    must(folder, "compile e.onnx --chip pilot --shards 3 -o e.prog --shard-by " + by);
  CHECK(leto(folder, "run e.prog --shards 3 --out o").code == 2);
}

}  // namespace leto::e2e
