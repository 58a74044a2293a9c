// The decision: every figure resolves to a source, thresholds work in one direction, the same seed gives the
// same bytes, and what is missing is named.
#include "study/decide/decide.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/errors.h"
#include "base/files.h"
#include "base/rng.h"
#include "study/decide/economics.h"
#include "tests/study/cause.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;
using Document = nlohmann::json;

namespace {

std::vector<Evidence> sample_records() {
  return {{"sample", build_record(sample_run())}};
}

Criterion criterion(const std::string& metric, double threshold, const std::string& level = "",
                    const std::string& baseline = "h100-sxm") {
  const bool compares = metric == "speedup" || metric.starts_with("perf");
  return {metric + level,
          metric,
          level,
          "llama3-8b",
          compares ? baseline : "",
          metric != "memory_fit" && metric != "validation_error",
          threshold};
}

Criteria criteria_of(std::vector<Criterion> list, std::vector<std::string> workloads = {}) {
  return {"test", "", 7, 500, 0.9, 0.1, std::move(workloads), std::move(list)};
}

std::vector<Criterion> one_of_each() {
  std::vector<Criterion> list = {criterion("speedup", 0.5), criterion("speedup", 0.5, "", "h100-500w"),
                                 criterion("mfu", 0.2), criterion("memory_fit", 0.9),
                                 criterion("validation_error", 0.2)};
  for (const std::string& level : level_names())
    for (const char* metric : {"perf_per_watt", "perf_per_dollar"})
      list.push_back(criterion(metric, 0.5, level));
  return list;
}

/// A sheet with one certain input an id.
Sheet sheet_of(const std::map<std::string, double>& values) {
  Sheet sheet(1, 10);
  for (const auto& [id, value] : values) sheet.add({id, "", "", value, value, value, "published", {}});
  return sheet;
}

/// What the walk of a decision's JSON finds wrong.
class Walk {
 public:
  explicit Walk(const Document& decision) {
    for (const Document& input : decision.at("inputs")) {
      inputs_[input.at("id")] = input;
      if (input.at("source").get<std::string>().empty())
        faults.push_back("no source: " + input.at("id").get<std::string>());
    }
    visit(decision);
  }
  std::vector<std::string> faults;
  int figures = 0, ratios = 0;

 private:
  void visit(const Document& node) {
    if (node.is_object() && node.contains("value") && !node.contains("id")) figure(node);
    if (node.is_object() && node.contains("ratio")) ratio(node.at("ratio"));
    if (node.is_object() && node.contains("input") && !inputs_.contains(node.at("input")))
      faults.push_back("orphan swing");
    if (node.is_structured())
      for (const Document& child : node) visit(child);
  }
  void figure(const Document& node) {
    ++figures;
    const std::string text = node.at("text");
    if (node.at("from").empty()) faults.push_back("orphan: " + text);
    bool estimate = false, recalled = false;
    for (const std::string id : node.at("from")) {
      if (!inputs_.contains(id)) {
        faults.push_back("orphan: " + text + " rests on " + id);
        continue;
      }
      const Document& input = inputs_[id];
      estimate |= input.at("kind") == "estimate" || input.at("kind") == "simulated";
      recalled |= input.at("confidence") == "recalled";
    }
    if (estimate && (node.at("kind") != "estimate" || text.find("estimate") == std::string::npos))
      faults.push_back("unmarked estimate: " + text);
    if (recalled && text.find("recalled") == std::string::npos)
      faults.push_back("unmarked recalled figure: " + text);
  }
  void ratio(const Document& node) {
    ++ratios;
    const Document &above = inputs_[node.at("above")], &below = inputs_[node.at("below")];
    if (above.at("precision") != below.at("precision") || above.at("precision") == "")
      faults.push_back("ratio across precisions");
  }
  std::map<std::string, Document> inputs_;
};

Decision worked_example(const std::vector<std::string>& names) {
  const std::filesystem::path example = std::filesystem::path(LETO_SOURCE_DIR) / "study/examples/pilot";
  std::vector<Evidence> records;
  for (const std::string& name : names)
    records.emplace_back(name, load_record(example / "records" / (name + ".json")));
  return decide(load_criteria((example / "criteria.toml").string()), records, load_baselines());
}

}  // namespace

TEST_CASE("every figure of a decision resolves to an input with a source") {
  const Document decision =
      Document::parse(to_json(decide(criteria_of(one_of_each()), sample_records(), load_baselines())));
  const Walk walk(decision);
  for (const std::string& fault : walk.faults) FAIL_CHECK(fault);
  CHECK(walk.figures > 30);
  CHECK(walk.ratios == 8);
}

TEST_CASE("the walk finds an orphan and a ratio across precisions and an unmarked estimate") {
  const Document good =
      Document::parse(to_json(decide(criteria_of(one_of_each()), sample_records(), load_baselines())));
  const auto faults_with = [&](auto&& damage) {
    Document bad = good;
    damage(bad);
    return Walk(bad).faults.size();
  };
  CHECK(faults_with([](Document& d) { d["criteria"][0]["figure"]["from"] = {"nowhere"}; }) > 0);
  CHECK(faults_with([](Document& d) { d["criteria"][0]["figure"]["from"] = Document::array(); }) > 0);
  CHECK(faults_with([](Document& d) { d["criteria"][0]["figure"]["kind"] = "derived"; }) > 0);
  CHECK(faults_with([](Document& d) { d["inputs"][0]["source"] = ""; }) > 0);
  CHECK(faults_with([&](Document& d) {
          for (Document& input : d["inputs"])
            if (input["id"] == good["criteria"][0]["ratio"]["below"]) input["precision"] = "fp8";
        }) > 0);
}

TEST_CASE("rates of different precisions are never divided") {
  Sheet sheet(1, 1);
  sheet.add({"a", "FLOP/s", "bf16", 1, 1, 1, "simulated", {}});
  sheet.add({"b", "FLOP/s", "fp8", 1, 1, 1, "measured", {}});
  CHECK_THROWS_AS(sheet.evaluate("x", [](const Values& v) { return v.ratio("a", "b"); }), Error);
}

TEST_CASE("the same seed gives the same bytes and another seed other draws") {
  const auto json = [](std::uint64_t seed) {
    Criteria criteria = criteria_of(one_of_each());
    criteria.seed = seed;
    return to_json(decide(criteria, sample_records(), load_baselines()));
  };
  CHECK(json(7) == json(7));
  CHECK(json(7) != json(8));
}

TEST_CASE("tightening a threshold never turns NO-GO into GO nor raises a verdict") {
  const auto records = sample_records();
  const auto baselines = load_baselines();
  for (std::uint64_t trial = 0; trial < 12; ++trial) {
    Criteria loose = criteria_of({criterion("speedup", 0.1 + 2 * uniform(1, trial, 0)),
                                  criterion("perf_per_dollar", 0.1 + 3 * uniform(1, trial, 1), "datacentre"),
                                  criterion("validation_error", 0.02 + 0.1 * uniform(1, trial, 2))});
    loose.draws = 100;
    Criteria tight = loose;
    for (std::size_t i = 0; i < tight.criteria.size(); ++i) {
      const double step = 1 + uniform(1, trial, 3 + i);
      tight.criteria[i].threshold *= tight.criteria[i].at_least ? step : 1 / step;
    }
    const Decision before = decide(loose, records, baselines), after = decide(tight, records, baselines);
    CHECK(after.verdict >= before.verdict);  // go < conditional < no-go
    for (std::size_t i = 0; i < before.judged.size(); ++i)
      CHECK(after.judged[i].probability <= before.judged[i].probability);
  }
}

TEST_CASE("a criterion at its edge is conditional and says its probability") {
  const auto records = sample_records();
  const auto baselines = load_baselines();
  Decision d = decide(criteria_of({criterion("speedup", 0.001)}), records, baselines);
  CHECK(d.verdict == Verdict::go);
  const double middle = d.judged[0].shown.quantity.value;
  d = decide(criteria_of({criterion("speedup", middle)}), records, baselines);
  CHECK(d.verdict == Verdict::conditional);
  CHECK(d.judged[0].outcome == Outcome::edge);
  CHECK(d.reasons[0].find("probability of") != std::string::npos);
  d = decide(criteria_of({criterion("speedup", middle * 10)}), records, baselines);
  CHECK(d.verdict == Verdict::no_go);
}

TEST_CASE("what is missing is named and never assumed") {
  const auto records = sample_records();
  const auto baselines = load_baselines();
  Decision d = decide(criteria_of({criterion("speedup", 0.001)}, {"dlrm"}), records, baselines);
  CHECK(d.verdict == Verdict::conditional);
  CHECK(d.reasons[0].find("dlrm") != std::string::npos);
  d = decide(criteria_of({criterion("perf_per_dollar", 0.1, "chip", "b200")}), records, baselines);
  CHECK(d.judged[0].missing == "the input b200.chip_usd");
  CHECK(d.verdict == Verdict::conditional);

  RunFacts changed = sample_run();
  changed.chip = load_chip("pilot", {"pe.clock_mhz=1800"});  // its power and price are not the preset's
  d = decide(criteria_of({criterion("perf_per_watt", 0.1, "chip")}), {{"changed", build_record(changed)}},
             baselines);
  CHECK(d.judged[0].outcome == Outcome::missing);

  RunFacts part = sample_run();
  part.parameters = 1'000'000'000;
  d = decide(criteria_of({criterion("memory_fit", 0.9)}), {{"part", build_record(part)}}, baselines);
  CHECK(d.judged[0].missing.find("whole llama3-8b") != std::string::npos);

  RunFacts bound = sample_run();
  bound.what_if = "hbm";
  d = decide(criteria_of({criterion("mfu", 0.1)}), {{"bound", build_record(bound)}}, baselines);
  CHECK(d.judged[0].outcome == Outcome::missing);
}

TEST_CASE("a missed criterion decides whatever else is missing") {
  using enum Outcome;
  CHECK(verdict_of({met, met}) == Verdict::go);
  CHECK(verdict_of({met, edge}) == Verdict::conditional);
  CHECK(verdict_of({met, missing}) == Verdict::conditional);
  CHECK(verdict_of({met, missing, missed}) == Verdict::no_go);
}

TEST_CASE("cost a year adds up and follows electricity and price") {
  const std::map<std::string, double> facts = {{"p.chip_usd", 30000},
                                               {"p.host_usd", 80000},
                                               {"p.server_devices", 8},
                                               {"p.server_power", 8000},
                                               {"p.power", 700},
                                               {"years", 4},
                                               {"facility_years", 15},
                                               {"facility_usd_per_w", 10},
                                               {"pue", 1.1},
                                               {"load", 0.8},
                                               {"electricity_usd_per_kwh", 0.08}};
  const auto year = [](const std::map<std::string, double>& values) {
    return sheet_of(values).evaluate("", [](const Values& v) { return dollars(v, "p", "datacentre"); }).value;
  };
  const double electricity = 1.1 * 0.8 * 8766 * 0.08;
  CHECK(year(facts) == doctest::Approx(30000 / 4.0 + 10000 / 4.0 + 1100 * 10 / 15.0 + electricity));
  auto other = facts;
  other["electricity_usd_per_kwh"] = 0.04;
  CHECK(year(facts) - year(other) == doctest::Approx(electricity / 2));
  other = facts;
  other["p.chip_usd"] = 60000;
  CHECK(year(other) - year(facts) == doctest::Approx(30000 / 4.0));
  const auto power = [&](const std::string& level) {
    return sheet_of(facts).evaluate("", [&](const Values& v) { return watts(v, "p", level); }).value;
  };
  CHECK(power("chip") == 700);
  CHECK(power("server") == 1000);
  CHECK(power("datacentre") == doctest::Approx(1100));
}

TEST_CASE("draws stay inside an input's interval and swings are its ends") {
  Sheet sheet(3, 1000);
  sheet.add({"x", "", "", 2, 1, 5, "estimate", {}});
  const Formula twice = [](const Values& v) { return 2 * v("x"); };
  const Quantity q = sheet.evaluate("", twice);
  for (const double draw : q.draws) CHECK((draw >= 2 && draw <= 10));
  CHECK(q.value == 4);
  CHECK(q.low < q.value);
  CHECK(q.high > q.value);
  const auto swings = sheet.tornado(twice, q);
  REQUIRE(swings.size() == 1);
  CHECK(swings[0].low == 2);
  CHECK(swings[0].high == 10);
}

TEST_CASE("faults of criteria are named with file and line") {
  const std::string head =
      "title = \"t\"\nnote = \"\"\nseed = 1\ndraws = 10\nconfidence = 0.9\nfleet_share = 0.1\nworkloads = "
      "[]\n";
  const auto row = [](const std::string& metric, const std::string& level, const std::string& baseline) {
    return "[[criterion]]\nname = \"n\"\nmetric = \"" + metric + "\"\nlevel = \"" + level +
           "\"\nworkload = \"w\"\nbaseline = \"" + baseline + "\"\nbound = \"min\"\nthreshold = 1.0\n";
  };
  const auto cause_of = [](const std::string& text) {
    return study::cause_of(text, [](const std::string& path) { load_criteria(path); });
  };
  CHECK(cause_of(head + row("speedup", "", "h100-sxm")) == "accepted");
  CHECK(cause_of(head + row("speed", "", "h100-sxm")).find("unknown metric") != std::string::npos);
  CHECK(cause_of(head + row("speedup", "chip", "h100-sxm")).find("no level") != std::string::npos);
  CHECK(cause_of(head + row("perf_per_watt", "rack", "h100-sxm")).find("unknown level") != std::string::npos);
  CHECK(cause_of(head + row("speedup", "", "")).find("needs a baseline") != std::string::npos);
  CHECK(cause_of(head + row("mfu", "", "h100-sxm")).find("compares with none") != std::string::npos);
  CHECK(cause_of(head).find("no [[criterion]]") != std::string::npos);
  CHECK(cause_of("seed = -1\n" + head.substr(0, 20)).find(":") != std::string::npos);
}

TEST_CASE("two records of one workload and a baseline that nobody has are refused") {
  const auto baselines = load_baselines();
  auto records = sample_records();
  CHECK_THROWS_AS(decide(criteria_of({criterion("speedup", 1, "", "x9000")}), records, baselines), Error);
  records.push_back(records[0]);
  CHECK_THROWS_AS(decide(criteria_of({criterion("speedup", 1)}), records, baselines), Error);
}

namespace {

/// Rows of a suite's table in docs/validation.md.
std::vector<std::string> rows_of(const std::string& suite) {
  const std::string page = read_text(std::filesystem::path(LETO_SOURCE_DIR) / "docs/validation.md");
  const std::size_t begin = page.find("<!-- leto validate " + suite + " -->");
  std::istringstream lines(page.substr(begin, page.find("<!-- end -->", begin) - begin));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    if (line.ends_with(" |")) rows.push_back(line);
  return rows;
}

}  // namespace

TEST_CASE("a coarser fidelity's rate is full's times what docs/validation.md measured of its times") {
  const FactTable fleet = load_facts("fleet");
  const Fact& full = fleet.get("full.rate");
  for (const std::string fidelity : {"event", "roofline"}) {
    CAPTURE(fidelity);
    double least = 1e9, most = 0;
    for (const std::string& row : rows_of("fidelity")) {
      if (row.find(": " + fidelity + ", time over full's") == std::string::npos) continue;
      const std::size_t bar = row.find("| 1  | ");
      REQUIRE(bar != std::string::npos);
      const double ratio = std::stod(row.substr(bar + 7));
      least = std::min(least, ratio);
      most = std::max(most, ratio);
    }
    REQUIRE(least <= most);
    const Fact& rate = fleet.get(fidelity + ".rate");
    CHECK(rate.low == doctest::Approx(full.low * least).epsilon(0.005));
    CHECK(rate.high == doctest::Approx(full.high * most).epsilon(0.005));
    CHECK(rate.value > rate.low);
    CHECK(rate.value < rate.high);
  }
}

TEST_CASE(
    "a fidelity's rate covers the errors that docs/validation.md measured and no more than a point beyond") {
  double least = 1, most = -1;  // of simulated over published, less one
  for (const std::string& row : rows_of("published")) {
    const std::size_t percent = row.rfind(" % |"), bar = row.rfind("| ", percent);
    // The row with other queues is of a chip that is not the preset.
    if (!row.ends_with(" % |") || row.find("queues of") != std::string::npos) continue;
    const double error = std::stod(row.substr(bar + 2, percent - bar - 2)) / 100;
    least = std::min(least, error);
    most = std::max(most, error);
  }
  REQUIRE(least < most);
  const FactTable fleet = load_facts("fleet");
  const Fact& full = fleet.get("full.rate");
  CHECK(full.low <= 1 / (1 + most) + 0.0005);
  CHECK(full.high >= 1 / (1 + least) - 0.0005);
  CHECK(full.low > 1 / (1 + most) - 0.01);
  CHECK(full.high < 1 / (1 + least) + 0.01);
  const Fact& reuse = fleet.get("reuse.rate");
  CHECK(reuse.low <= full.low - 0.005);
  CHECK(reuse.high >= full.high + 0.005);
}

TEST_CASE("the worked example without its record of DLRM is conditional at best and says why") {
  const Decision d = worked_example({"llama3-8b", "gpt2-small"});
  CHECK(d.verdict != Verdict::go);
  const std::string page = to_markdown(to_report(d));
  CHECK(page.find("no record of dlrm: without it the best verdict is CONDITIONAL") != std::string::npos);
  const Walk walk(Document::parse(to_json(d)));
  for (const std::string& fault : walk.faults) FAIL_CHECK(fault);
}

TEST_CASE("the worked example with all its records lacks none and DLRM's baseline knows its memory traffic") {
  const Decision d = worked_example({"dlrm", "llama3-8b", "gpt2-small"});
  for (const std::string& reason : d.reasons) CHECK(reason.find("no record of") == std::string::npos);
  const auto rate = std::ranges::find(d.inputs, "rate.h100-500w.dlrm", &Input::id);
  REQUIRE(rate != d.inputs.end());
  CHECK(rate->from.source.find("operation by operation, bound by") != std::string::npos);
  CHECK(rate->from.note.find("it needs several devices") != std::string::npos);
  const Walk walk(Document::parse(to_json(d)));
  for (const std::string& fault : walk.faults) FAIL_CHECK(fault);
}
