#include "study/decide/criteria.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "study/table_reader.h"

namespace leto::study {
namespace {

constexpr std::int64_t kMostDraws = 1'000'000;

void check_name(const TableReader& reader, std::string_view key, const std::vector<std::string>& names) {
  if (std::ranges::find(names, reader.text(key)) == names.end())
    reader.fail(key, fmt::format("unknown {} '{}'", key, reader.text(key)),
                fmt::format("{}", fmt::join(names, ", ")));
}

double share(const TableReader& reader, std::string_view key) {
  const double value = reader.positive(key);
  if (value > 1)
    reader.fail(key, fmt::format("{} must be a share, above 0 and at most 1", key), "0.9 is 90 %");
  return value;
}

Criterion read_criterion(const toml::table& row, const std::string& file) {
  const TableReader reader(row, file, "[[criterion]]",
                           {"name", "metric", "level", "workload", "baseline", "bound", "threshold"});
  check_name(reader, "metric", metric_names());
  check_name(reader, "bound", {"min", "max"});
  Criterion c{reader.text("name"),         reader.text("metric"),   reader.text("level"),
              reader.text("workload"),     reader.text("baseline"), reader.text("bound") == "min",
              reader.positive("threshold")};
  const bool per = c.metric.starts_with("perf_per_"), compares = per || c.metric == "speedup";
  if (per) check_name(reader, "level", level_names());
  if (!per && !c.level.empty()) reader.fail("level", c.metric + " has no level", "write level = \"\"");
  if (compares == c.baseline.empty())
    reader.fail("baseline", compares ? c.metric + " needs a baseline" : c.metric + " compares with none",
                compares ? "name one, as h100-sxm" : "write baseline = \"\"");
  if (c.workload.empty())
    reader.fail("workload", "workload is empty", "name the record's workload, as llama3-8b");
  return c;
}

}  // namespace

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"speedup", "perf_per_watt", "perf_per_dollar",
                                                 "mfu",     "memory_fit",    "validation_error"};
  return names;
}

const std::vector<std::string>& level_names() {
  static const std::vector<std::string> names = {"chip", "server", "datacentre"};
  return names;
}

Criteria load_criteria(const std::string& path) {
  const toml::table table = read_toml(path);
  toml::table head = table;
  head.erase("criterion");
  const TableReader reader(head, path, "the criteria",
                           {"title", "note", "seed", "draws", "confidence", "fleet_share", "workloads"});
  Criteria out;
  out.title = reader.text("title");
  out.note = reader.text("note");
  out.seed = static_cast<std::uint64_t>(reader.count("seed"));
  out.draws = reader.count("draws");
  if (out.draws < 1 || out.draws > kMostDraws)
    reader.fail("draws", fmt::format("draws must be 1 to {}", kMostDraws), "2000 is a good number");
  out.confidence = share(reader, "confidence");
  if (out.confidence <= 0.5) reader.fail("confidence", "confidence must be above 0.5", "0.9 is usual");
  out.fleet_share = share(reader, "fleet_share");
  for (const toml::node& node : reader.array("workloads")) {
    const auto name = node.value_exact<std::string>();
    if (!name) reader.fail("workloads", "workloads must be strings", "write [\"llama3-8b\"]");
    out.workloads.push_back(*name);
  }
  each_table(table, "criterion", path,
             [&](const toml::table& row) { out.criteria.push_back(read_criterion(row, path)); });
  if (out.criteria.empty())
    throw Error(ExitCode::bad_input, path + ":1: no [[criterion]]", "add what the review asks");
  return out;
}

}  // namespace leto::study
