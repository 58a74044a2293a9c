// Engines over time: every busy cycle of dated operations is drawn, nothing without dates.
#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "study/report/sections.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

/// The sample as one step; each operation begins when the one before is half done.
RunFacts dated_run() {
  RunFacts run = sample_run();
  run.steps = 1;
  std::uint64_t at = 1000;
  for (OperationFacts& op : run.operations) {
    op.first = at;
    op.last = at + 4'000'000;
    at += 2'000'000;
  }
  return run;
}

const Lanes::Lane* lane_of(const Lanes& chart, const std::string& engine) {
  for (const auto& lane : chart.lanes)
    if (lane.label == engine) return &lane;
  return nullptr;
}

}  // namespace

TEST_CASE("the engines' lanes hold every busy cycle of dated operations") {
  const Record record = build_record(dated_run());
  const auto blocks = engine_timeline(record);
  REQUIRE(blocks.size() == 2);
  const auto& chart = std::get<Lanes>(blocks[0]);
  const auto& table = std::get<Table>(blocks[1]);
  CHECK(chart.seconds == record.seconds);
  REQUIRE(table.rows.size() == chart.lanes.size());
  for (std::size_t i = 0; i < chart.lanes.size(); ++i) {
    const auto& lane = chart.lanes[i];
    double busy = 0, drawn = 0;
    for (const OperationRecord& op : record.ops)
      if (const auto found = op.busy.find(lane.label); found != op.busy.end()) busy += double(found->second);
    for (const double share : lane.shares) drawn += share / double(lane.shares.size());
    const double instances = double(record.stalls.at(lane.label).instances);
    CHECK(drawn == doctest::Approx(busy / instances / double(record.cycles)));
    CHECK(*table.rows[i][1].number == doctest::Approx(drawn));
  }
}

TEST_CASE("an engine is busy in the lanes when its operation runs and not before or after") {
  RunFacts run = dated_run();
  run.operations.resize(1);
  run.operations[0].first = run.cycles / 4;
  run.operations[0].last = run.cycles / 2;
  const auto blocks = engine_timeline(build_record(run));
  const auto* lane = lane_of(std::get<Lanes>(blocks.at(0)), "matrix_engine");
  REQUIRE(lane != nullptr);
  for (std::size_t i = 0; i < lane->shares.size(); ++i)
    CHECK((lane->shares[i] > 0) == (4 * i >= lane->shares.size() && 2 * i < lane->shares.size()));
  const auto& mark = std::get<Lanes>(blocks[0]).mark;
  CHECK(mark->from == doctest::Approx(std::get<Lanes>(blocks[0]).seconds / 4));
  CHECK(mark->to == doctest::Approx(std::get<Lanes>(blocks[0]).seconds / 2));
}

TEST_CASE("memory over time is what the operations say and what is pinned where none runs") {
  RunFacts run = dated_run();
  run.operations.resize(2);
  run.memory_fit =
      R"({"hbm_pinned":100,"hbm_peak":800,"hbm_capacity":1000,"sram_peak":0,"sram_capacity":50})";
  run.operations[0].first = run.cycles / 4;
  run.operations[0].last = run.cycles / 2;
  run.operations[0].live_hbm = 700;
  run.operations[1].first = run.cycles / 2;
  run.operations[1].last = run.cycles / 4 * 3;
  run.operations[1].live_hbm = 400;
  const auto blocks = memory_timeline(build_record(run));
  REQUIRE(blocks.size() == 2);
  const auto& chart = std::get<Lanes>(blocks[0]);
  REQUIRE(chart.lanes.size() == 1);  // nothing was ever in shared SRAM
  const auto& shares = chart.lanes[0].shares;
  for (std::size_t i = 0; i < shares.size(); ++i)
    CHECK(shares[i] * 700 == doctest::Approx(std::array{100, 700, 400, 100}[i * 4 / shares.size()]));
  const auto& row = std::get<Table>(blocks[1]).rows.at(0);
  CHECK(*row[1].number == 700);
  CHECK(*row[2].number == doctest::Approx(0.7));
  CHECK(*row[5].number == 100);  // the placement's peak is 800
  run.operations[0].last = run.operations[0].first;
  run.operations[1].last = run.operations[1].first;
  CHECK(memory_timeline(build_record(run)).empty());
}

TEST_CASE("only a run of one step has dates, and a record keeps them") {
  RunFacts run = dated_run();
  const Record record = build_record(run), again = record_from_json(to_json(record), "r.json");
  CHECK(again.ops == record.ops);
  CHECK(*again.ops[0].first == 1000);
  run.steps = 3;
  CHECK_FALSE(build_record(run).ops[0].first.has_value());
  CHECK(engine_timeline(build_record(run)).empty());
}

TEST_CASE("dates that no run could leave stay within the chart") {
  RunFacts run = dated_run();
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  run.operations[0].last = kMost;
  run.operations[1].first = kMost - 1;
  run.operations[1].last = kMost;
  run.operations[2].first = 9;
  run.operations[2].last = 3;
  Record record = build_record(run);
  for (const double seconds : {record.seconds, 1e-300, 1e308}) {
    record.seconds = seconds;
    const std::string html = to_html(build_report({record}, {}));
    CHECK(html.find("Engines over time") != std::string::npos);
    CHECK(html.find("nan") == std::string::npos);
    CHECK(html.size() < 1'000'000);
  }
}

TEST_CASE("HTML draws a path for each lane and JSON has its shares") {
  const Report report = build_report({build_record(dated_run())}, {});
  const std::string html = to_html(report);
  std::size_t paths = 0;
  for (auto at = html.find("class=\"lane\""); at != std::string::npos;
       at = html.find("class=\"lane\"", at + 1))
    ++paths;
  for (const Section& section : report.sections)
    for (const Block& block : section.blocks)
      if (const auto* chart = std::get_if<Lanes>(&block)) CHECK(paths == chart->lanes.size());
  CHECK(paths > 2);
  CHECK(to_json(report).find("\"lanes\"") != std::string::npos);
  CHECK(to_markdown(report).find("Busy on average") != std::string::npos);
}
