// The record: derived figures by hand, round trip, validation, comparison.
#include "study/record.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/errors.h"
#include "base/files.h"
#include "study/record_keys.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

std::string cause_of(const std::string& text) {
  try {
    record_from_json(text, "r.json");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::bad_input);
    CHECK_FALSE(error.remedy().empty());
    return error.what();
  }
  return "accepted";
}

/// One matmul of 2 x 10^12 useful FLOPs in a millisecond on the pilot.
RunFacts one_matmul() {
  RunFacts run;
  run.chip = load_chip("pilot");
  run.workload = "gemm";
  run.cycles = 1'900'000;
  run.engines = {{"matrix_engine", sample_engine(72, run.cycles, 0.9, {{"data", 0.1}})},
                 {"issue_core", sample_engine(144, run.cycles, 0.5, {})}};
  OperationFacts op;
  op.name = "mm";
  op.kind = "matmul";
  op.phase = "forward";
  op.dtype = "bf16";
  op.useful_macs = op.macs = 100'000'000'000;
  op.busy = {{"matrix_engine", 72 * 900'000}, {"issue_core", 144 * 300'000}};
  op.stalls = {{"matrix_engine.data", 72 * 600'000}, {"issue_core.queue", 144 * 800'000}};
  run.operations = {op};
  run.macs = op.macs;
  return run;
}

}  // namespace

TEST_CASE("utilisation is useful FLOPs over the peak of their precision") {
  const Record r = build_record(one_matmul());
  CHECK(r.seconds == doctest::Approx(1e-3));
  CHECK(r.flops == 200'000'000'000);
  CHECK(r.mfu == doctest::Approx(2e11 / 560.3328e12 / 1e-3));
}

TEST_CASE("each precision counts against its own peak") {
  for (const auto& [dtype, peak] : {std::pair{"fp8_e4m3", 2.0}, {"bf16", 1.0}, {"fp32", 1.0 / 3}}) {
    RunFacts run = one_matmul();
    run.operations[0].dtype = dtype;
    CHECK(build_record(run).mfu == doctest::Approx(2e11 / (560.3328e12 * peak) / 1e-3));
  }
  RunFacts run = one_matmul();
  run.operations.push_back(run.operations[0]);
  run.operations[1].dtype = "fp8_e5m2";
  CHECK(build_record(run).mfu == doctest::Approx(2e11 * 1.5 / 560.3328e12 / 1e-3));
}

TEST_CASE("an operation's cycles are those of the engine that it holds most, per instance") {
  const Record r = build_record(one_matmul());
  CHECK(r.ops[0].cycles == 1'500'000);  // matrix engine: 900,000 busy + 600,000 stalled
  CHECK(r.ops[0].share == doctest::Approx(1.5 / 1.9));
  CHECK(r.ops[0].bound_by == "matrix_engine");
}

TEST_CASE("an operation that keeps no engine busy is bound by its largest stall") {
  RunFacts run = one_matmul();
  run.operations[0].busy = {{"matrix_engine", 72 * 100'000}};
  CHECK(build_record(run).ops[0].bound_by == "issue_core.queue");
}

TEST_CASE("throughput counts all steps, and stands only where tokens mean something") {
  RunFacts run = one_matmul();
  CHECK_FALSE(build_record(run).tokens_per_s.has_value());
  run.tokens_per_step = 100;
  run.steps = 2;
  CHECK(*build_record(run).tokens_per_s == doctest::Approx(200 / 1e-3));
}

TEST_CASE("an operation of an unknown type is an internal error") {
  RunFacts run = one_matmul();
  run.operations[0].dtype = "bf17";
  CHECK_THROWS_AS(build_record(run), Error);
}

TEST_CASE("a record reads back as it was written") {
  RunFacts run = sample_run();
  run.accuracy = 0.96;
  run.loss = {1.5, std::numeric_limits<double>::quiet_NaN(), 1.0};
  run.twins = {{"pe[0].matrix_engine", {"check", 1000, 32768, 0}}};
  const Record record = build_record(run);
  const Record again = record_from_json(to_json(record), "r.json");
  CHECK(to_json(again) == to_json(record));
  CHECK(diff_records(record, again).empty());
  CHECK(again.ops == record.ops);
  CHECK(again.stalls == record.stalls);
  CHECK(again.chip_figures == record.chip_figures);
  CHECK(again.twins == record.twins);
  CHECK(std::isnan(again.loss[1]));
}

TEST_CASE("a record is loaded from its file or from the folder of its run") {
  const auto folder = std::filesystem::temp_directory_path() / "leto_study_record";
  std::filesystem::create_directories(folder);
  const Record record = build_record(sample_run());
  save(record, folder / "record.json");
  CHECK(to_json(load_record(folder)) == to_json(record));
  CHECK(to_json(load_record(folder / "record.json")) == to_json(record));
  std::filesystem::remove_all(folder);
  CHECK_THROWS_AS(load_record(folder), Error);
}

TEST_CASE("the comparison names what differs and leaves out the host") {
  const Record a = build_record(sample_run());
  Record b = a;
  b.simulation.wall_s = 1;
  CHECK(diff_records(a, b).empty());
  b.cycles += 1;
  b.ops[1].commands += 1;
  b.stalls["matrix_engine"].causes["new"] = 5;
  b.loss.pop_back();
  std::vector<std::string> keys;
  for (const Difference& d : diff_records(a, b)) keys.push_back(d.key);
  CHECK(keys == std::vector<std::string>{"cycles", "loss[000002]", "ops[000001].commands",
                                         "stalls.matrix_engine.new"});
  CHECK(diff_records(a, b)[1].b == "(absent)");
}

TEST_CASE("a damaged record names the key") {
  const std::string good = to_json(build_record(sample_run()));
  REQUIRE(cause_of(good) == "accepted");
  const std::tuple<const char*, const char*, const char*> faults[] = {
      {"\"cycles\": 120000000", "\"cycles\": -1", "cycles: must be a whole number from 0"},
      {"\"cycles\": 120000000", "\"cycles\": 1.5", "cycles: must be a whole number"},
      {"\"cycles\": 120000000,", "", "cycles: missing key"},
      {"\"cycles\": 120000000", "\"cyclez\": 120000000", "cyclez: unknown key"},
      {"\"seconds\": ", "\"seconds\": \"x\", \"mfux\": ", "seconds: must be a finite number"},
      {"\"seconds\": ", "\"seconds\": 1e999, \"x\": ", "not JSON"},
      {"\"commit\": \"e7e451d\",", "", "identity.commit: missing key"},
      {"\"commit\": \"e7e451d\"", "\"commit\": 3", "identity.commit: must be a string"},
      {"\"values\": true", "\"values\": 1", "values: must be true or false"},
      {"\"version\": 1", "\"version\": 2", "version: 2 is not 1"},
      {"\"busy\": 4060800000,", "", "stalls.fabric_load.busy: missing key"},
      {"\"memory\": 1382400000", "\"memory\": \"much\"", "stalls.fabric_load.memory: must be"},
      {"\"loss\": [", "\"loss\": [\"low\",", "loss[0]: must be a number or null"},
      {"\"kind\": \"matmul\",", "", "ops[0].kind: missing key"},
      {"\"phase\": \"forward\"", "\"phase\": \"forward\", \"mood\": 1", "ops[0].mood: unknown key"},
      {"\"memory_fit\": {", "\"memory_fit\": 3, \"x\": {", "memory_fit: must be an object"},
      {"\"ops\": [", "\"ops\": {}, \"y\": [", "ops: must be an array"},
  };
  for (const auto& [from, to, message] : faults) {
    CAPTURE(std::string(to));
    std::string bad = good;
    const auto at = bad.find(from);
    REQUIRE(at != std::string::npos);
    bad.replace(at, std::string(from).size(), to);
    const std::string cause = cause_of(bad);
    CAPTURE(cause);
    CHECK(cause.find("r.json") == 0);
    CHECK(cause.find(message) != std::string::npos);
  }
}

TEST_CASE("text that is no record is refused, whatever it is") {
  for (const std::string& text : {std::string(), std::string("null"), std::string("[]"), std::string("{"),
                                  std::string(1'000'000, '['), std::string("\"\xff\""), std::string("{}")})
    CHECK(cause_of(text) != "accepted");
}

TEST_CASE("a key is found by its path, with names and indices in place of wildcards") {
  CHECK(find_record_key("mfu")->unit.empty());
  CHECK(find_record_key("stalls.matrix_engine.busy")->required);
  CHECK(find_record_key("stalls.matrix_engine.data")->path == "stalls.<engine>.data");
  CHECK(find_record_key("stalls.matrix_engine.other")->path == "stalls.<engine>.<cause>");
  CHECK(find_record_key("identity.what_if") != nullptr);
  for (const RecordKey& key : record_keys()) CHECK_MESSAGE(find_record_key(key.path) == &key, key.path);
  CHECK(find_record_key("bytes.hbm.read") != nullptr);
  CHECK(find_record_key("ops[].bound_by") != nullptr);
  CHECK(find_record_key("nothing") == nullptr);
  CHECK(find_record_key("stalls") == nullptr);
}

TEST_CASE("docs/counters.md is fresh") {
  const std::filesystem::path file = std::filesystem::path(LETO_SOURCE_DIR) / "docs" / "counters.md";
  if (std::getenv("LETO_RENEW_DOCS")) write_atomically(file, counters_markdown());
  REQUIRE_MESSAGE(std::filesystem::exists(file), "run test_study with LETO_RENEW_DOCS=1");
  CHECK_MESSAGE(read_text(file) == counters_markdown(), "run test_study with LETO_RENEW_DOCS=1 to renew it");
}
