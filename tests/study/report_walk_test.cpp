// Every figure of report.json resolves to a key of the record, a row of a baseline or a table of facts; what
// rests on a part and on the run is of one precision; what rests on an estimate says so.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "study/fact_table.h"
#include "study/record_keys.h"
#include "study/report/format.h"
#include "study/report/report.h"
#include "study/report/sections.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(", ", at), list.size());
    out.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

/// What the walk of a report's JSON finds wrong.
class Walk {
 public:
  Walk(const Json& report, std::string precision, std::vector<Baseline> baselines)
      : precision_(std::move(precision)), baselines_(std::move(baselines)) {
    for (const RecordKey& key : record_keys()) keys_.insert(std::string(key.path));
    for (const Json& section : report.at("sections"))
      for (const Json& block : section.at("blocks")) {
        if (block.at("type") == "table") table(block);
        if (block.at("type") == "tiles")
          for (const Json& tile : block.at("tiles")) figure(tile.at("value"), "", tile.at("label"), "");
      }
  }
  std::vector<std::string> faults;
  int figures = 0, comparisons = 0;

 private:
  void table(const Json& table) {
    for (const Json& row : table.at("rows")) {
      std::string said = table.at("caption");  // all that marks a figure of this row
      for (const Json& cell : row) said += " | " + cell.at("text").get<std::string>();
      for (std::size_t i = 0; i < row.size(); ++i)
        figure(row[i], table.at("from").at(i), table.at("columns").at(i),
               said + " | " + table.at("columns").at(i).get<std::string>());
    }
  }

  void figure(const Json& cell, const std::string& of_column, const std::string& name,
              const std::string& said) {
    if (!cell.contains("number")) return;
    ++figures;
    const std::string from = cell.value("from", of_column),
                      what = name + " = " + cell.at("text").get<std::string>();
    if (from.empty()) faults.push_back("orphan: " + what);
    bool of_run = false, of_part = false;
    for (const std::string& origin : parts_of(from)) {
      of_run |= origin.starts_with("record:");
      of_part |= origin.starts_with("baseline:");
      resolve(origin, what, said);
    }
    if (of_run && of_part) compared(from, what, said);
  }

  void resolve(const std::string& origin, const std::string& what, const std::string& said) {
    const std::size_t colon = origin.find(':'), slash = origin.find('/');
    const std::string kind = origin.substr(0, colon);
    if (kind == "record") {
      if (!keys_.contains(origin.substr(colon + 1)))
        faults.push_back("no such key: " + origin + " of " + what);
    } else if (kind == "table") {
      if (load_facts(origin.substr(colon + 1)).facts().empty()) faults.push_back("empty table: " + origin);
      if (said.find("estimate") == std::string::npos) faults.push_back("unmarked estimate: " + what);
    } else if (kind == "baseline" && slash != std::string::npos) {
      const Provenance* from = source(origin.substr(colon + 1, slash - colon - 1), origin.substr(slash + 1));
      if (!from || from->source.empty()) return faults.push_back("no such row: " + origin + " of " + what);
      if (said.find(name_of(from->kind)) == std::string::npos && said.find("estimate") == std::string::npos)
        faults.push_back("kind not said: " + what);
      if (from->recalled() && said.find("recalled") == std::string::npos)
        faults.push_back("unmarked recalled figure: " + what);
    } else {
      faults.push_back("resolves to nothing: " + origin + " of " + what);
    }
  }

  /// A figure of the run and of a part.
  void compared(const std::string& from, const std::string& what, const std::string& said) {
    ++comparisons;
    if (said.find("estimate") == std::string::npos) faults.push_back("unmarked estimate: " + what);
    for (const std::string& origin : parts_of(from)) {
      if (!origin.starts_with("baseline:")) continue;
      const std::string of = precision_of_row(origin);
      if (!of.empty() && of != precision_) faults.push_back("across precisions: " + what);
    }
  }

  const Baseline* part(const std::string& name) const {
    const auto found = std::ranges::find(baselines_, name, &Baseline::name);
    return found == baselines_.end() ? nullptr : &*found;
  }
  const Provenance* source(const std::string& name, const std::string& row) const {
    const Baseline* b = part(name);
    if (!b) return nullptr;
    if (const Figure* f = b->figure(row)) return &f->from;
    const auto found = std::ranges::find(b->training, row, &TrainingRow::id);
    return found == b->training.end() ? nullptr : &found->from;
  }
  std::string precision_of_row(const std::string& origin) const {
    const std::size_t slash = origin.find('/');
    const Baseline* b = part(origin.substr(9, slash - 9));
    if (!b) return "";
    const std::string row = origin.substr(slash + 1);
    if (const Figure* f = b->figure(row)) return f->precision;
    const auto found = std::ranges::find(b->training, row, &TrainingRow::id);
    return found == b->training.end() ? "" : found->precision;
  }

  std::string precision_;
  std::vector<Baseline> baselines_;
  std::set<std::string> keys_;
};

RunFacts recommender() {
  RunFacts run = sample_run();
  run.workload = "dlrm";
  run.sequence = 0;
  return run;
}

}  // namespace

TEST_CASE(
    "every figure of a report resolves to a record's key or a baseline's row or a table with a source") {
  for (const RunFacts& run : {sample_run(), recommender()}) {
    const Record record = build_record(run);
    const Walk walk(Json::parse(to_json(build_report({record, record}, load_baselines()))),
                    precision_of(record), load_baselines());
    for (const std::string& fault : walk.faults) FAIL_CHECK(fault);
    CHECK(walk.figures > 500);
    CHECK(walk.comparisons >= 14);  // times of seven parts for two runs
  }
}

TEST_CASE("the walk of a report finds an orphan and a figure across precisions and an unmarked estimate") {
  const Record record = build_record(sample_run());
  const auto baselines = load_baselines();
  Report report;
  report.sections.resize(1);
  const auto faults_of = [&](const std::string& from, const std::string& text) {
    Table table{"", {{"What"}, {"Value", true, false, from}}, {}, ""};
    table.rows.push_back({cell(text), Cell{"1", 1.0}});
    report.sections[0].blocks.assign(1, table);
    return Walk(Json::parse(to_json(report)), precision_of(record), baselines).faults;
  };
  CHECK(faults_of("record:cycles", "").empty());
  CHECK(faults_of("", "").size() == 1);
  CHECK(faults_of("record:cicles", "").size() == 1);
  CHECK(faults_of("table:energy", "").size() == 1);
  CHECK(faults_of("table:energy", "estimate").empty());
  CHECK(faults_of("baseline:h100-sxm/peak_bf16", "").size() == 1);
  CHECK(faults_of("baseline:h100-sxm/peak_bf16", "vendor").empty());
  CHECK(faults_of("baseline:h100-sxm/peak_bf17", "vendor").size() == 1);
  CHECK(faults_of("record:flops, baseline:h100-sxm/peak_bf16", "vendor").size() == 1);
  CHECK(faults_of("record:flops, baseline:h100-sxm/peak_bf16", "estimate, vendor").empty());
  CHECK(faults_of("record:flops, baseline:h100-sxm/peak_fp8", "estimate, vendor").size() == 1);
}
