// The report: the same figures in three formats, baselines with source and kind, nothing loaded from
// elsewhere.
#include "study/report/report.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/errors.h"
#include "study/decide/inputs.h"
#include "study/record_keys.h"
#include "study/report/fold.h"
#include "study/report/format.h"
#include "study/report/sections.h"
#include "study/report/svg.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

RunFacts forward_gemm() {
  RunFacts run = sample_run();
  run.workload = "gemm";
  run.recipe = "";
  run.loss.clear();
  for (OperationFacts& op : run.operations)
    if (!op.dtype.empty()) op.dtype = "fp16";
  return run;
}

Report sample_report() {
  return build_report({build_record(sample_run())}, load_baselines());
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Every cell of the report, tiles included.
std::vector<Cell> cells_of(const Report& report) {
  std::vector<Cell> out;
  for (const Section& section : report.sections)
    for (const Block& block : section.blocks) {
      if (const auto* table = std::get_if<Table>(&block))
        for (const auto& row : table->rows) out.insert(out.end(), row.begin(), row.end());
      if (const auto* tiles = std::get_if<Tiles>(&block))
        for (const auto& tile : tiles->tiles) out.push_back(tile.value);
    }
  return out;
}

/// What Markdown escapes, put back.
std::string unescape(const std::string& markdown) {
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i)
    if (markdown[i] != '\\' || i + 1 == markdown.size()) out += markdown[i];
  return out;
}

const Table& table_named(const Report& report, const std::string& part) {
  for (const Section& section : report.sections)
    for (const Block& block : section.blocks)
      if (const auto* table = std::get_if<Table>(&block); table && has(table->caption, part)) return *table;
  throw std::runtime_error("no table " + part);
}

}  // namespace

TEST_CASE("HTML, Markdown and JSON hold the same cells") {
  const Report report = sample_report();
  const std::string html = to_html(report), markdown = unescape(to_markdown(report));
  const std::string json = Json::parse(to_json(report)).dump();
  const auto cells = cells_of(report);
  CHECK(cells.size() > 300);
  for (const Cell& cell : cells) {
    CAPTURE(cell.text);
    CHECK(has(html, fmt::format(">{}<", html_escape(cell.text))));
    CHECK(has(markdown, cell.text));
    CHECK(has(json, Json(cell.text).dump()));
    if (cell.number) CHECK(has(json, Json(*cell.number).dump()));
  }
}

TEST_CASE("rows are as wide as their table") {
  const Report report =
      build_report({build_record(sample_run()), build_record(forward_gemm())}, load_baselines());
  for (const Section& section : report.sections)
    for (const Block& block : section.blocks)
      if (const auto* table = std::get_if<Table>(&block))
        for (const auto& row : table->rows)
          CHECK_MESSAGE(row.size() == table->columns.size(), table->caption);
}

TEST_CASE("the headline is the record's") {
  const Record record = build_record(sample_run());
  const std::string html = to_html(build_report({record}, {}));
  CHECK(has(html, si(record.seconds / 3, "s")));
  CHECK(has(html, percent(record.mfu)));
  CHECK(has(html, "llama3-8b on pilot"));
  CHECK(has(html, record.config_hash));
  CHECK(has(html, "MTIA 300-style training chip: public figures, our reading"));
}

TEST_CASE("each baseline stands there with kinds and sources") {
  const auto baselines = load_baselines();
  const std::string html = to_html(build_report({build_record(sample_run())}, baselines));
  for (const Baseline& b : baselines) {
    CHECK(has(html, html_escape(b.title)));
    for (const Figure& f : b.figures) {
      CHECK(has(html, html_escape(f.from.source)));
      CHECK(has(html, fmt::format(">{}<", name_of(f.from.kind))));
    }
  }
  for (const char* word : {"H100", "500", "H200", "A100", "B200"}) CHECK(has(html, word));
}

TEST_CASE("a part's time is the useful FLOPs at the rate that the decision takes, marked as an estimate") {
  const Record record = build_record(sample_run());
  const Baseline b = load_baseline("h100-sxm");
  const std::vector<Evidence> evidence = {{"r.json", record}};
  Sheet sheet(1, 100);
  fill(sheet, evidence, load_baselines());
  const Input* rate = sheet.find("rate.h100-sxm.llama3-8b");
  REQUIRE(rate != nullptr);
  const Table table = table_named(build_report({record}, {b}), "estimated time");
  REQUIRE(table.rows.size() == 3);  // the run, the rate, the best matmul
  CHECK(*table.rows[1][2].number == rate->value);
  CHECK(*table.rows[1][3].number == doctest::Approx(double(record.flops) / rate->value));
  CHECK(has(table.rows[1][3].text, si(double(record.flops) / rate->high, "s")));
  CHECK(has(table.rows[1][3].text, si(double(record.flops) / rate->low, "s")));
  CHECK(has(table.rows[1][4].text, "estimate"));
  CHECK(has(table.rows[1][5].text, rate->from.source));
}

TEST_CASE("no estimate crosses precisions") {
  const Table fp16 =
      table_named(build_report({build_record(forward_gemm())}, load_baselines()), "estimated time");
  for (std::size_t i = 1; i < fp16.rows.size(); ++i) {
    CHECK(has(fp16.rows[i][1].text, "no measured share of the peak in fp16"));
    CHECK_FALSE(fp16.rows[i][3].number.has_value());
  }
  RunFacts mixed = sample_run();
  mixed.operations[0].dtype = "fp8_e4m3";
  const Table none =
      table_named(build_report({build_record(mixed)}, {load_baseline("h100-sxm")}), "estimated time");
  CHECK(has(none.rows[1][1].text, "several precisions"));
}

TEST_CASE("a part without a row of its own rests on the rows of others and says so") {
  const Table table =
      table_named(build_report({build_record(sample_run())}, {load_baseline("tpu-v5p")}), "estimated time");
  CHECK(has(table.rows[1][1].text, "nearest measured rows"));
  CHECK(table.rows[1][4].text.starts_with("estimate"));
}

TEST_CASE("no part is held beside a what-if run") {
  RunFacts run = sample_run();
  run.what_if = "hbm";
  const Table table =
      table_named(build_report({build_record(run)}, {load_baseline("h100-sxm")}), "estimated time");
  REQUIRE(table.rows.size() == 2);
  CHECK(has(table.rows[1][1].text, "no chip is like this run"));
}

TEST_CASE("the page is self-contained and accessible") {
  const std::string html = to_html(sample_report());
  for (const char* loaded : {"<link", "<img", "<iframe", "src=", "href=", "@import", "url("})
    CHECK_FALSE(has(html, loaded));
  const auto count = [&](const std::string& part) {
    int n = 0;
    for (auto at = html.find(part); at != std::string::npos; at = html.find(part, at + 1)) ++n;
    return n;
  };
  CHECK(count("<table") == count("<caption>"));
  CHECK(count("<svg") == count("aria-label"));
  CHECK(count("<svg") == 5);
  CHECK(count("<h1>") == 1);
  CHECK(count("<script") == 1);
  CHECK(html.size() < 1'000'000);
  CHECK(has(html, "prefers-color-scheme:dark"));
  CHECK(has(html, "@media print"));
}

TEST_CASE("several runs stand in one report, numbered") {
  const std::string html =
      to_html(build_report({build_record(sample_run()), build_record(forward_gemm())}, load_baselines()));
  CHECK(has(html, "Run 1: llama3-8b on pilot"));
  CHECK(has(html, "Run 2: gemm on pilot"));
  CHECK(has(html, "Runs side by side"));
  CHECK(has(html, "none: forward only"));
}

TEST_CASE("runs on two chips name the keys of the chip file that differ and no other") {
  RunFacts other = sample_run();
  other.chip = load_chip("pilot", {"pe.clock_mhz=1200", "noc.buffer_bytes=4096"});
  const Record first = build_record(sample_run()), second = build_record(other);
  const Report report = build_report({first, second}, {});
  std::vector<std::string> keys;
  for (const auto& row : table_named(report, "not the first run's").rows)
    if (row[1].text.starts_with("config.")) {
      keys.push_back(row[1].text);
      CHECK(row[2].text == first.config.at(row[1].text.substr(7)));
      CHECK(row[3].text == second.config.at(row[1].text.substr(7)));
    }
  CHECK(keys == std::vector<std::string>{"config.noc.buffer_bytes", "config.pe.clock_mhz"});
  CHECK(second.config.at("pe.clock_mhz") == "1200");
  CHECK(record_from_json(to_json(second), "r.json").config == second.config);
}

TEST_CASE("beside a record without the chip's keys the hash alone differs") {
  RunFacts other = sample_run();
  other.chip = load_chip("pilot", {"pe.clock_mhz=1200"});
  const Record first = build_record(sample_run());
  Record old = build_record(other);
  old.config.clear();
  CHECK(record_from_json(to_json(old), "r.json").config.empty());
  const std::string page = unescape(to_markdown(build_report({first, old}, {})));
  CHECK(has(page, "identity.config_hash"));
  CHECK_FALSE(has(page, "config.pe"));
}

TEST_CASE("names from a model cannot break out of the page or the table") {
  RunFacts run = sample_run();
  run.workload = "<script>alert('x')</script>";
  run.operations[3].name = "a|b\n<b>\"&\x01 \xff";
  const Report report = build_report({build_record(run)}, {});
  CHECK_FALSE(has(to_html(report), "<script>alert"));
  CHECK_FALSE(has(to_html(report), "<b>"));
  CHECK_FALSE(has(to_markdown(report), "<script"));
  CHECK(has(to_markdown(report), "a\\|b &lt;b>"));
  CHECK_NOTHROW(Json::parse(to_json(report)));
}

TEST_CASE("a bare record makes a report, none makes an error") {
  RunFacts run;
  run.chip = load_chip("tiny");
  run.workload = "empty";
  CHECK(has(to_html(build_report({build_record(run)}, load_baselines())), "empty on tiny"));
  CHECK_THROWS_AS(build_report({}, {}), Error);
}

TEST_CASE("a loss that is not finite leaves a gap, not a number") {
  RunFacts run = sample_run();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& loss : {std::vector<double>{1, nan, 2}, {nan, nan}, {nan}, {3}, {2, 2}}) {
    run.loss = loss;
    const Report report = build_report({build_record(run)}, {});
    CHECK_FALSE(has(to_html(report), "nan"));
    CHECK_FALSE(has(to_markdown(report), "nan "));
  }
}

TEST_CASE("a loss that differs in its last bits only has an axis that ends") {
  LineChart chart{"loss", "step", "loss", {}};
  chart.y = {1e17, 1e17 + 16};
  CHECK(to_svg(chart).size() < 10'000);
}

TEST_CASE("the reference loss curve stands beside the run's") {
  RunFacts run = sample_run();
  run.loss = {3, 2, 1};
  CHECK_FALSE(has(to_html(build_report({build_record(run)}, {})), "fp32 reference"));
  run.loss_reference = std::vector<double>{3.25, 2.25, 0.75};
  const Report report = build_report({build_record(run)}, {});
  const std::string page = to_html(report);
  CHECK(has(page, "class=\"curve reference\""));
  CHECK(has(page, "dashed: fp32 on the graph interpreter"));
  for (const char* number : {"3.25", "0.75"}) CHECK(has(to_markdown(report), number));
  CHECK(has(to_json(report), "\"reference\""));
}

TEST_CASE("a chip without peak, memory or time leaves a chart within the numbers there are") {
  for (const double peak : {0.0, 1e15})
    for (const double memory : {0.0, 1e12})
      for (const double flops : {0.0, 1e12, std::numeric_limits<double>::infinity()}) {
        const Roofline chart{"", peak, {{"device memory", memory}}, {{"1", 10, flops}}};
        CHECK(to_svg(chart).find("nan") == std::string::npos);
      }
}

TEST_CASE("stacked bars sum to the whole") {
  const auto blocks = engine_stalls(build_record(sample_run()));
  for (const auto& bar : std::get<StackedBars>(blocks[0]).bars) {
    double sum = 0;
    for (const double part : bar.parts) sum += part;
    CHECK(sum == doctest::Approx(1.0));
  }
}

TEST_CASE("each operation stands under its roof, the rest as one") {
  const Record run = build_record(sample_run()), record = folded(run);
  const Table table = table_named(build_report({run}, {}), "under their roof");
  REQUIRE(table.rows.size() == 1 + 12 + 1);  // the run, the largest, the rest
  CHECK(table.rows.back()[1].text == fmt::format("the other {}", record.ops.size() - 12));
  const OperationRecord& op = *by_cycles(record).front();  // a matmul
  const double seconds = double(op.cycles) / (record.chip_figures.clock_mhz * 1e6);
  CHECK(table.rows[1][1].text == op.name);
  CHECK(*table.rows[1][4].number == doctest::Approx(double(op.flops) / double(op.bytes)));
  CHECK(*table.rows[1][5].number == doctest::Approx(double(op.flops) / seconds));
  CHECK(*table.rows[1][6].number <= record.chip_figures.peak_flops_16bit);
  CHECK(table.rows[1][8].text == op.bound_by);
}

TEST_CASE("layers that do the same work stand in one row whose sums are theirs") {
  CHECK(structure_of("layers.12.mlp.up") == "layers.*.mlp.up");
  CHECK(structure_of("h3.attn.2.proj") == "h*.attn.*.proj");
  CHECK(structure_of("table.7") == "table.7");  // the last number is no layer's
  CHECK(structure_of("wte.weight.bf16") == "wte.weight.bf16");
  const Record record = build_record(sample_run());
  const Record fold = folded(record);
  CHECK(std::ranges::count(fold.ops, "layers.*.mlp.up (x 2)", &OperationRecord::name) == 2);  // both phases
  const auto sums = [](const Record& r) {
    std::array<double, 4> sum{};
    for (const OperationRecord& op : r.ops) {
      const std::array<double, 4> one = {double(op.cycles), double(op.flops), double(op.bytes),
                                         double(op.macs)};
      for (std::size_t i = 0; i < one.size(); ++i) sum[i] += one[i];
    }
    return sum;
  };
  CHECK(sums(fold) == sums(record));
  double joules = 0;
  for (const auto& [name, energy] : fold.energy_j->by_operation) joules += energy;
  CHECK(joules == doctest::Approx(record.energy_j->total));
}

TEST_CASE("two layers of other work stay two rows") {
  RunFacts run = sample_run();
  run.operations[0].useful_macs += 1;
  const Record fold = folded(build_record(run));
  CHECK(std::ranges::count(fold.ops, "layers.0.attention.qkv", &OperationRecord::name) > 0);
}

TEST_CASE("the energies of the long table add up to the run's but for what no operation caused") {
  const Record record = build_record(sample_run());
  const auto blocks = every_operation(record);
  double joules = record.energy_j->by_operation.at("(always on)");
  for (const auto& row : std::get<Table>(blocks.at(0)).rows)
    if (row.back().number) joules += *row.back().number;
  CHECK(joules == doctest::Approx(record.energy_j->total));
}

TEST_CASE("a report of 32 layers is as long as one of two") {
  RunFacts deep = sample_run();
  deep.operations.clear();
  const RunFacts two = sample_run();
  for (int layer = 0; layer < 32; ++layer)
    for (OperationFacts op : two.operations) {
      if (!op.name.starts_with("layers.0")) continue;
      op.name.replace(0, 8, fmt::format("layers.{}", layer));
      deep.operations.push_back(op);
    }
  const auto bytes = [](const RunFacts& run) {
    return to_html(build_report({build_record(run)}, load_baselines())).size();
  };
  CHECK(bytes(deep) < bytes(two) * 11 / 10);
  CHECK(bytes(deep) < 1'000'000);
}

TEST_CASE("an operation that only moves bytes stands under the memory's roof") {
  RunFacts run = sample_run();
  run.operations.push_back(sample_operation("embed", "gather", "forward", 90'000'000, 0));
  const Record record = build_record(run);
  const Table table = table_named(build_report({record}, {}), "under their roof");
  const auto& row = table.rows[1];  // the largest
  CHECK(row[1].text == "embed");
  CHECK(row[0].text == none_cell().text);  // no point in the chart
  CHECK_FALSE(row[4].number.has_value());
  const OperationRecord& op = record.ops.back();
  CHECK(*row[5].number ==
        doctest::Approx(double(op.bytes) / double(op.cycles) * record.chip_figures.clock_mhz * 1e6));
  CHECK(*row[6].number == record.chip_figures.hbm_bytes_per_s);
}

TEST_CASE("the stall stack of an operation adds up to its cycles, the rest is summed") {
  const Record record = build_record(sample_run());
  const auto blocks = operation_stalls(record);
  const auto& table = std::get<Table>(blocks[1]);
  REQUIRE(table.rows.size() == 12 + 1);
  for (const auto& row : table.rows) {
    double sum = 0;
    for (std::size_t i = 5; i < row.size(); ++i) sum += row[i].number.value_or(0);
    CHECK(sum == doctest::Approx(1.0));
  }
  double cycles = 0, all = 0;
  for (const auto& row : table.rows) cycles += *row[4].number;
  for (const OperationRecord& op : record.ops) all += double(op.cycles);
  CHECK(cycles == doctest::Approx(all).epsilon(1e-6));
  for (const auto& bar : std::get<StackedBars>(blocks[0]).bars) {
    double sum = 0;
    for (const double part : bar.parts) sum += part;
    CHECK(sum == doctest::Approx(1.0));
  }
}

TEST_CASE("the memory's holders and what is free are its capacity") {
  RunFacts run = sample_run();
  run.memory_fit =
      R"({"hbm_pinned":60,"hbm_peak":90,"hbm_capacity":200,"held_parameter":20,"held_state":36})";
  const auto blocks = memory_fit(build_record(run));
  const auto& bars = std::get<StackedBars>(blocks.at(0));
  CHECK(bars.legend == std::vector<std::string>{"parameter", "state", "held, of no role",
                                                "activations and gradients", "free"});
  const std::vector<double> shares = {0.1, 0.18, 0.02, 0.15, 0.55};
  REQUIRE(bars.bars[0].parts.size() == shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) CHECK(bars.bars[0].parts[i] == doctest::Approx(shares[i]));
  run.memory_fit = R"({"hbm_pinned":60,"hbm_peak":90,"hbm_capacity":20})";
  CHECK(memory_fit(build_record(run)).size() == 1);  // nothing that could be drawn
}

TEST_CASE("a what-if run says so wherever it is named") {
  RunFacts run = sample_run();
  run.what_if = "hbm,noc";
  const std::string html = to_html(build_report({build_record(run)}, load_baselines()));
  CHECK(has(html, "llama3-8b on pilot, WHAT IF unlimited hbm,noc"));
  CHECK(has(html, "no chip is like that"));
}

TEST_CASE("figures print with four digits and a prefix") {
  CHECK(si(0, "s") == "0 s");
  CHECK(si(0.00123, "s") == "1.23 ms");
  CHECK(si(999.96e9, "B/s") == "1 TB/s");
  CHECK(si(560.3328e12, "FLOP/s") == "560.3 TFLOP/s");
  CHECK(si(12e-12, "s") == "0.012 ns");
  CHECK(percent(0.4567) == "45.7 %");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-123456) == "-123,456");
}

TEST_CASE("times beside other parts are drawn with their intervals and are those of the table") {
  const Record record = build_record(sample_run());
  const auto blocks = beside_baselines({record}, {load_baseline("h100-sxm")});
  const IntervalBars* chart = nullptr;
  const Table* table = nullptr;
  for (const Block& block : blocks) {
    if (const auto* bars = std::get_if<IntervalBars>(&block)) chart = bars;
    if (const auto* t = std::get_if<Table>(&block); t && chart && !table) table = t;
  }
  REQUIRE(chart);
  REQUIRE(table);
  REQUIRE(chart->bars.size() == 2);
  CHECK_FALSE(chart->bars[0].estimate);
  CHECK(chart->bars[0].value == record.seconds);
  CHECK(chart->bars[1].estimate);
  CHECK(chart->bars[1].low < chart->bars[1].value);
  CHECK(chart->bars[1].value < chart->bars[1].high);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(*table->rows[i][3].number == doctest::Approx(chart->bars[i].value));
  const std::string svg = to_svg(*chart);
  CHECK(svg.find("whisker") != std::string::npos);
  CHECK(svg.find("(estimate)") != std::string::npos);
  CHECK(to_svg(IntervalBars{"none", "s", {{"a", 0, 0, 0, false}}}).empty());
}
