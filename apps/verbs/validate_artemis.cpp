// Every operation of a training step that a real Artemis recorded, as a program of its own on the artemis
// chip. The recording is of a bring-up configuration (docs/artemis.md): its times are shown, never judged.
#include <algorithm>
#include <map>
#include <numeric>

#include "apps/host/child.h"
#include "apps/host/output.h"
#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "apps/zoo/device_operators.h"
#include "base/errors.h"
#include "study/rank_correlation.h"

namespace leto::verbs {
namespace {

constexpr double kMicro = 1e6;
constexpr double kMayMiss = -0.05;  // the share of the step, by launches and by time, that may be missing
const char* const kUpdate = "optimizer = \"adagrad\"\nprecision = \"fp32\"\n";

using zoo::DeviceOperation;

/// An operation beside its run.
struct Row {
  std::size_t number;
  const DeviceOperation* operation;
  double cycles = 0, seconds = 0;  // with operands in LPDDR
  double sram_cycles = 0, sram_seconds = 0;
  std::string refused{};  // why it did not run; empty: it did

  std::int64_t launches() const { return std::ssize(operation->device_us); }
  double device_us() const {
    return std::accumulate(operation->device_us.begin(), operation->device_us.end(), 0.0);
  }
};

host::Workload workload_of(std::size_t number, bool trains, const char* resident) {
  host::Workload workload{.name = "artemis-op",
                          .settings = {{"number", static_cast<std::int64_t>(number)}},
                          .chip = "artemis",
                          .resident = resident};
  if (trains) workload.recipe = kUpdate;
  return workload;
}

struct Time {
  double cycles, seconds;
};

Time simulated(std::size_t number, bool updates, const char* resident) {
  const auto record = host::record_of(workload_of(number, updates, resident));
  Time time{record["cycles"], record["seconds"]};
  if (!updates) return time;
  const auto forward = host::record_of(workload_of(number, false, resident));
  time.cycles -= forward["cycles"].get<double>();
  time.seconds -= forward["seconds"].get<double>();
  return time;
}

/// Both runs, or why there are none; a defect of Leto is no reason.
nlohmann::json simulated(std::size_t number, const DeviceOperation& operation) {
  const bool updates = zoo::device_operator(operation).updates;
  try {
    const Time lpddr = simulated(number, updates, "none"), sram = simulated(number, updates, "activations");
    return {{"cycles", lpddr.cycles},
            {"seconds", lpddr.seconds},
            {"sram_cycles", sram.cycles},
            {"sram_seconds", sram.seconds}};
  } catch (const Error& error) {
    if (error.code() == ExitCode::internal) throw;
    return {{"refused", error.what()}};
  }
}

std::vector<Row> run(int jobs, bool quick) {
  std::vector<Row> rows;
  std::vector<host::Work> works;
  std::map<std::string, int> seen;
  const auto& step = zoo::artemis_step();
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (quick && seen[step[i].kernel]++ > 0) continue;
    rows.push_back({i + 1, &step[i]});
    works.emplace_back([number = i + 1, &operation = step[i]] { return simulated(number, operation); });
  }
  host::Progress progress("artemis", std::ssize(works));
  const auto results = host::in_children(works, jobs, [&](std::size_t i, const nlohmann::json&) {
    progress.update(static_cast<std::int64_t>(i) + 1, rows[i].operation->kernel);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].refused = results[i].value("refused", "");
    rows[i].cycles = results[i].value("cycles", 0.0);
    rows[i].seconds = results[i].value("seconds", 0.0);
    rows[i].sram_cycles = results[i].value("sram_cycles", 0.0);
    rows[i].sram_seconds = results[i].value("sram_seconds", 0.0);
  }
  return rows;
}

/// Sums over rows, and the distribution of Artemis' time over Leto's, launch by launch.
struct Total {
  std::string becomes{}, note{}, refused{};
  std::int64_t launches = 0, shapes = 0, ran_launches = 0, ran_shapes = 0;
  double device_us = 0, ran_us = 0, leto_us = 0, sram_us = 0;
  std::int64_t doubles = 0, products = 0;  // launches that run, with doubles as fp32, operands as bf16
  std::vector<double> cycles{}, ratios{};

  void add(const Row& row) {
    launches += row.launches();
    ++shapes;
    device_us += row.device_us();
    if (!row.refused.empty()) {
      refused = row.refused;
      return;
    }
    ran_launches += row.launches();
    ++ran_shapes;
    ran_us += row.device_us();
    leto_us += kMicro * row.seconds * static_cast<double>(row.launches());
    sram_us += kMicro * row.sram_seconds * static_cast<double>(row.launches());
    if (row.operation->types[0] == "double" || row.operation->kernel.find("Double") != std::string::npos)
      doubles += row.launches();
    if (zoo::device_operator(*row.operation).becomes.starts_with("MatMul")) products += row.launches();
    cycles.push_back(row.cycles);
    for (const double us : row.operation->device_us) ratios.push_back(us / (kMicro * row.seconds));
  }
};

/// The value below which the share `part` lies; 0 of none.
double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

/// Without the number of operands that is in it.
std::string kernel_of(const DeviceOperation& operation) {
  return operation.kernel.substr(0, operation.kernel.find("-extraKey_"));
}

std::string operators_table(const std::vector<Row>& rows) {
  std::map<std::string, Total> totals;
  Total all;
  for (const Row& row : rows) {
    Total& total = totals[kernel_of(*row.operation)];
    const auto& entry = zoo::device_operator(*row.operation);
    total.becomes = entry.becomes;
    total.note = entry.build == nullptr ? "" : entry.note;
    total.add(row);
    all.add(row);
  }
  std::vector<std::pair<std::string, Total>> sorted(totals.begin(), totals.end());
  std::ranges::stable_sort(sorted, std::greater{}, [](const auto& entry) { return entry.second.device_us; });
  std::string text =
      "| kernel | ONNX operators | launches | shapes | run | share of time | cycles | Artemis / Leto: "
      "quartiles "
      "| remarks |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const auto& [kernel, total] : sorted) {
    const bool ran = total.ran_shapes > 0;
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {:.3f} % | {} | {} | {} |\n", kernel, ran ? total.becomes : "-",
        total.launches, total.shapes, total.ran_shapes, 100 * total.device_us / all.device_us,
        ran ? fmt::format("{:.0f} to {:.0f}", std::ranges::min(total.cycles), std::ranges::max(total.cycles))
            : "-",
        ran ? fmt::format("{:.3g}, {:.3g}, {:.3g}", quantile(total.ratios, 0.25), quantile(total.ratios, 0.5),
                          quantile(total.ratios, 0.75))
            : "-",
        ran ? total.note : "not run: " + total.refused);
  }
  return text;
}

std::string shapes_table(const std::vector<Row>& rows) {
  std::string text =
      "| number | kernel | operands | launches | Artemis, us | cycles | us | cycles, SRAM |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows)
    text += fmt::format("| {} | {} | {} | {} | {:.1f} | {} |\n", row.number, row.operation->kernel,
                        row.operation->operands(), row.launches(), quantile(row.operation->device_us, 0.5),
                        row.refused.empty() ? fmt::format("{:.0f} | {:.2f} | {:.0f}", row.cycles,
                                                          kMicro * row.seconds, row.sram_cycles)
                                            : "not run | - | -");
  return text;
}

study::Check share(const char* name, double of, double is, bool judged) {
  study::Check check{name, "", of, is, kMayMiss, 0};
  check.judged = judged;
  return check;
}

study::Check shown(std::string name, const char* unit, double expected, double measured) {
  study::Check check{std::move(name), unit, expected, measured};
  check.judged = false;
  return check;
}

std::vector<study::Check> checks_of(const std::vector<Row>& rows, bool quick) {
  Total all;
  for (const Row& row : rows) all.add(row);
  std::vector<double> device, leto, host;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.operation->host_us.size(); ++i)
      host.push_back(row.operation->host_us[i] - row.operation->device_us[i]);
    if (!row.refused.empty()) continue;
    device.push_back(quantile(row.operation->device_us, 0.5));
    leto.push_back(row.seconds);
  }
  const auto count = [](std::int64_t n) { return static_cast<double>(n); };
  std::vector<study::Check> checks = {
      share("launches that run", count(all.launches), count(all.ran_launches), !quick),
      share("shapes that run", count(all.shapes), count(all.ran_shapes), !quick),
      share("share of Artemis' busy time that runs", 1, all.ran_us / all.device_us, !quick),
      shown("launches that run, doubles held as fp32", "", 0, count(all.doubles)),
      shown("launches that run, a product's operands rounded to bf16", "", 0, count(all.products)),
      shown("busy time of what runs", "ms", all.ran_us / 1000, all.leto_us / 1000),
      shown("busy time of what runs, operands in SRAM", "ms", all.ran_us / 1000, all.sram_us / 1000),
      shown("Kendall's tau-b of both times, over shapes", "", 1, study::kendall_tau_b(device, leto)),
      shown("shortest launch", "us", std::ranges::min(device), kMicro * std::ranges::min(leto)),
      shown("what the host adds to a launch, median", "us", quantile(host, 0.5), 0),
  };
  for (const double part : {0.05, 0.25, 0.5, 0.75, 0.95})
    checks.push_back(
        shown(fmt::format("Artemis' time over Leto's, {:.0f} % of launches are below", 100 * part), "", 1,
              quantile(all.ratios, part)));
  return checks;
}

}  // namespace

study::Suite validate_artemis(int jobs, bool quick) {
  const auto rows = run(jobs, quick);
  study::Suite suite{
      "artemis",
      "Each operation alone on the artemis chip, full detail, the launch included, its operands in LPDDR "
      "unless it says SRAM; expected is, where that is no count, what the recording has, of a bring-up "
      "configuration",
      checks_of(rows, quick)};
  suite.details =
      fmt::format("### By kernel\n\n{}\n### By shape\n\n{}", operators_table(rows), shapes_table(rows));
  return suite;
}

}  // namespace leto::verbs
