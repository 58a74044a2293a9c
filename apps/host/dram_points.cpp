#include "apps/host/dram_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "base/errors.h"
#include "base/files.h"
#include "model/hbm/patterns.h"

namespace leto::host {
namespace {

using nlohmann::json;

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == separator)
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

json value_of(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return text;
}

class Rows {
 public:
  explicit Rows(const std::filesystem::path& csv) : name_(csv.string()), in_(read_text(csv, kMostBytes)) {
    std::string header;
    if (!std::getline(in_, header))
      throw Error(ExitCode::bad_input, fmt::format("{}: is empty", name_),
                  "give a CSV file with a line of column names");
    columns_ = split(header, ',');
  }

  bool next(json& row) {
    std::string line;
    do {
      if (!std::getline(in_, line)) return false;
      ++line_;
    } while (line.empty());
    const auto fields = split(line, ',');
    if (fields.size() != columns_.size())
      fail(fmt::format("{} fields, the header has {}", fields.size(), columns_.size()), "one field a column");
    row = json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) row[columns_[i]] = value_of(fields[i]);
    return true;
  }

  double number(const json& row, const char* column) const {
    const double value = row.contains(column) && row[column].is_number() ? row[column].get<double>() : 0;
    if (!(value > 0 && value <= kMost))
      fail(fmt::format("no number above 0 and up to {} in column {}", kMost, column), "every point has one");
    return value;
  }
  std::string text(const json& row, const char* column) const {
    if (!row.contains(column) || !row[column].is_string())
      fail(fmt::format("no text in column {}", column), "every point has one");
    return row[column].get<std::string>();
  }
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw Error(ExitCode::bad_input, fmt::format("{}:{}: {}", name_, line_, what), remedy);
  }

 private:
  static constexpr std::uint64_t kMostBytes = 64u << 20;
  static constexpr double kMost = 1e9;  // ticks from the first request to the last then fit 64 bits

  std::string name_;
  std::istringstream in_;
  std::vector<std::string> columns_;
  int line_ = 1;
};

/// What `config` says after the grade.
struct Configuration {
  std::string grade;
  int pseudo_channels = 1;
  HbmConfig policy;
};

Configuration configuration(const std::string& config, const Rows& rows) {
  const std::size_t at = config.rfind("_pc");
  if (at == std::string::npos)
    rows.fail(fmt::format("config '{}' has no _pc1 or _pc2", config), "<grade>_pc1_ref");
  Configuration c;
  c.grade = config.substr(0, at);
  c.policy.read_queue = c.policy.write_queue = 32;
  c.policy.write_high = 0.8;
  c.policy.write_low = 0.2;
  c.policy.refresh = "all_bank";
  c.policy.address_map = "linear";
  c.policy.row_policy = "open";
  for (const std::string& word : split(config.substr(at + 1), '_')) {
    if (word == "pc1" || word == "pc2")
      c.pseudo_channels = word.back() - '0';
    else if (word == "noref")
      c.policy.refresh = "none";
    else if (word == "mop")
      c.policy.address_map = "interleaved";
    else if (word != "ref")
      rows.fail(fmt::format("config '{}': '{}' is not known", config, word), "pc1, pc2, ref, noref or mop");
  }
  return c;
}

void compare(json& row, const Rows& rows, const DramTiming& grade, const Configuration& c) {
  const model::ControllerSpec spec(grade, c.policy, c.pseudo_channels);
  const double tick_ns = rows.number(row, "tck_ns"), bytes = rows.number(row, "tx_bytes");
  constexpr double kSameTick = 0.01;  // references round their ticks to picoseconds
  if (std::abs(tick_ns / spec.timing.tick_ns - 1) > kSameTick || bytes != grade.burst_bytes)
    rows.fail(fmt::format("{} ns a tick and {} B a burst, the grade has {} and {}", tick_ns, bytes,
                          spec.timing.tick_ns, grade.burst_bytes),
              "compare with the table that the points were made for");
  const model::PatternLoad load{model::pattern_of(rows.text(row, "pattern")),
                                model::issue_of(rows.text(row, "mode")), rows.number(row, "param"),
                                static_cast<std::uint64_t>(rows.number(row, "n"))};
  if (load.issue == model::Issue::dep && load.parameter < 1)
    rows.fail(fmt::format("{} reads under way", load.parameter), "param is 1 or more where mode is dep");
  const model::PatternResult result = model::run_pattern(spec, grade.burst_bytes, load);
  // In the reference's nanoseconds a tick, so that only ticks are compared.
  const double gbps = rows.number(row, "n") * bytes / (static_cast<double>(result.end) * tick_ns);
  row["bandwidth_gbps"] = gbps;
  row["read_latency_ticks"] = result.read_latency;
  row["bandwidth_error"] = gbps / rows.number(row, "GBps") - 1;
  row["latency_error"] = result.read_latency / rows.number(row, "rlat_avg") - 1;
}

double mean_of(const json& points, const char* key, const std::string& mode) {
  double sum = 0;
  int count = 0;
  for (const json& point : points) {
    if (!mode.empty() && point["mode"] != mode) continue;
    sum += std::abs(point[key].get<double>());
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

json summary(const json& points, int skipped) {
  double worst = 0;
  for (const json& point : points)
    worst = std::max({worst, std::abs(point["bandwidth_error"].get<double>()),
                      std::abs(point["latency_error"].get<double>())});
  return {{"points", points.size()},
          {"skipped", skipped},
          {"saturated_bandwidth_error", mean_of(points, "bandwidth_error", "sat")},
          {"latency_error", mean_of(points, "latency_error", "")},
          {"worst_error", worst}};
}

}  // namespace

json compare_dram_points(const std::filesystem::path& csv, const DramTiming& grade) {
  Rows rows(csv);
  json points = json::array(), row;
  int skipped = 0;
  while (rows.next(row)) {
    const Configuration c = configuration(rows.text(row, "config"), rows);
    if (c.grade != grade.name) {
      ++skipped;
      continue;
    }
    compare(row, rows, grade, c);
    points.push_back(row);
  }
  return {{"points", points}, {"summary", summary(points, skipped)}};
}

}  // namespace leto::host
