// Baselines: each loads with sources, faults are named with file and line, the nearest row is the nearest.
#include "study/baseline.h"

#include <doctest/doctest.h>

#include "base/errors.h"
#include "tests/study/cause.h"

using namespace leto;
using namespace leto::study;

namespace {

std::string cause_of(const std::string& text) {
  return study::cause_of(text, [](const std::string& path) { load_baseline(path); });
}

constexpr auto kGood = R"(name = "x"
title = "X"
note = ""
[[figure]]
metric = "power"
value = 700.0
unit = "W"
precision = ""
kind = "vendor"
source = "data sheet"
reference = ""
date = "2024"
confidence = "document read"
note = ""
[[training]]
kind = "measured"
precision = "bf16"
of_peak = 100.0
source = "paper"
reference = ""
software = ""
date = "2024"
confidence = "recalled"
note = ""
rows = [{id = "1", workload = "w", parameters = 7e9, sequence = 2048, devices = 8, mfu = 40.0}]
)";

}  // namespace

TEST_CASE("the baselines are the seven that the command line names, each figure with a source") {
  CHECK(baseline_names() ==
        std::vector<std::string>{"a100-80", "b200", "h100-500w", "h100-sxm", "h200", "mi300x", "tpu-v5p"});
  for (const std::string& name : baseline_names()) {
    CAPTURE(name);
    const Baseline b = load_baseline(name);
    CHECK(b.name == name);
    for (const char* metric : {"peak_bf16", "memory_bandwidth", "memory_capacity"})
      CHECK(b.figure(metric) != nullptr);
    for (const Figure& f : b.figures) {
      CHECK_FALSE(f.from.reference.empty());
      CHECK_FALSE(f.from.date.empty());
      CHECK((f.metric.ends_with(f.precision) || f.metric.ends_with("_bandwidth")));
    }
  }
}

TEST_CASE("the two H100s are two parts") {
  CHECK(load_baseline("h100-sxm").figure("peak_bf16")->value == 989);
  CHECK(load_baseline("h100-sxm").figure("power")->value == 700);
  CHECK(load_baseline("h100-500w").figure("peak_bf16")->value == 780);
  CHECK(load_baseline("h100-500w").figure("power")->value == 500);
}

TEST_CASE("a fault in a baseline is named with file and line") {
  REQUIRE(cause_of(kGood) == "accepted");
  const std::tuple<const char*, const char*, const char*> faults[] = {
      {"metric = ", "metrik = ", ":5: unknown key metrik"},
      {"unit = \"W\"\n", "", "missing key unit in [[figure]]"},
      {"value = 700.0", "value = \"700\"", ":6: value must be a finite number"},
      {"value = 700.0", "value = -1", ":6: value must be a finite number"},
      {"value = 700.0", "value = 0", ":6: value must be above 0"},
      {"value = 700.0", "value = inf", ":6: value must be a finite number"},
      {"\"vendor\"", "\"rumour\"", ":9: unknown kind 'rumour'"},
      {"\"document read\"", "\"sure\"", ":13: unknown confidence"},
      {"\"data sheet\"", "\"\"", ":10: source is empty"},
      {"name = \"x\"\n", "", "missing key name"},
      {"title", "titel", "unknown key titel"},
      {"[[figure]]", "[figure]", "figure must be tables"},
      {"devices = 8", "devices = -8", "devices must not be negative"},
      {"devices = 8", "devices = 8.5", "devices must be a whole number"},
      {"rows = [{", "rows = [3, {", "a row must be a table"},
      {"mfu = 40.0", "mfu = 40.0, hfu = 50.0", "unknown key hfu"},
      {"kind = \"vendor\"", "kind = = 3", ":9:"},
  };
  for (const auto& [from, to, message] : faults) {
    CAPTURE(std::string(to));
    std::string bad = kGood;
    bad.replace(bad.find(from), std::string(from).size(), to);
    const std::string cause = cause_of(bad);
    CAPTURE(cause);
    CHECK(cause.find(message) != std::string::npos);
  }
  CHECK_THROWS_AS(load_baseline("h100"), Error);
}
