// What was published about the chips that the presets are styled after. Of what a chip file says, pilot's
// hbm.read_queue and hbm.write_queue are chosen by one of these figures, the add's; nothing else is.
#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

/// A model without a loss that the silicon has may come out above; so far that is said in the table.
constexpr double kRemark = 0.03;

struct Point {
  const char* name;
  host::Workload workload;
  std::map<std::string, std::int64_t, std::less<>> quick;  // settings of the smaller one; empty: it is small
  double published;
  double (*figure)(const nlohmann::json& record, const host::Workload& workload);
  double lowest, highest;
  const char* modelled;
  const char* not_modelled;
  bool judged = true;
};

double mfu(const nlohmann::json& record, const host::Workload&) {
  return record["mfu"];
}

double bytes(const host::Workload& w, std::initializer_list<const char*> extents, double times) {
  double product = 2 * times;  // 16-bit elements
  for (const char* extent : extents) product *= static_cast<double>(w.settings.find(extent)->second);
  return product;
}

double share_of_memory(const nlohmann::json& record, const host::Workload& workload, double moved) {
  return moved / record["seconds"].get<double>() / hbm_bytes_per_second(load_chip(workload.chip));
}

double weights(const nlohmann::json& record, const host::Workload& workload) {
  return share_of_memory(record, workload, bytes(workload, {"k", "n"}, 1));
}

double operands(const nlohmann::json& record, const host::Workload& workload) {
  return share_of_memory(record, workload, bytes(workload, {"m", "n"}, 3));
}

Point add(const char* name, std::vector<std::string> set) {
  return {name,
          {.name = "add",
           .settings = {{"m", 16384}, {"n", 32768}},
           .dtype = "bf16",
           .chip = "pilot",
           .set = std::move(set)},
          {{"m", 2048}, {"n", 4096}},
          0.913,
          operands,
          -0.03,
          0.03,
          "refresh, rows, turning the bus, launch",
          "ECC, other users of memory"};
}

/// Shown beside the point, and not expected to come out.
Point plain(Point point) {
  point.judged = false;
  return point;
}

std::vector<Point> points() {
  return {
      {"artemis GEMM 2048^3 fp16 in SRAM: share of peak, 2i paper above 92 %",
       {"gemm", {{"m", 2048}, {"n", 2048}, {"k", 2048}}, "fp16", "artemis", {}, "all"},
       {},
       0.92,
       mfu,
       -0.01,
       0.08,
       "issue, links, banks, fill and drain",
       "the real kernel's schedule, clock and power limits"},
      {"artemis GEMM 512x26592x2048 fp16, weights in LPDDR: share of its bandwidth, 2i paper above 95 %",
       {"gemm", {{"m", 512}, {"k", 26592}, {"n", 2048}}, "fp16", "artemis", {}, "activations"},
       {{"m", 512}, {"k", 4096}, {"n", 2048}},
       0.95,
       weights,
       -0.01,
       0.05,
       "refresh, rows, queues, first tile and last",
       "ECC, prefetch by software"},
      add("pilot add 16384x32768 bf16: share of HBM's bandwidth, 300 paper 5.57 TB/s", {}),
      add("the same, every burst scheduled", {"hbm.model=controller"}),
      plain(add("the same, queues of 32 and 32 bursts, all-bank refresh",
                {"hbm.model=controller", "hbm.read_queue=32", "hbm.write_queue=32", "hbm.refresh=all_bank"})),
      {"pilot GEMM 8192^3 bf16: share of peak, for want of a figure of the 300 the 2i's",
       {"gemm", {{"m", 8192}, {"n", 8192}, {"k", 8192}}, "bf16", "pilot"},
       {{"m", 2048}, {"n", 2048}, {"k", 2048}},
       0.92,
       mfu,
       -0.02,
       0.08,
       "issue, links, banks, HBM, fill and drain",
       "the real kernel's schedule, clock and power limits"},
  };
}

study::Check check(const Point& point, bool quick) {
  const bool smaller = quick && !point.quick.empty();
  host::Workload workload = point.workload;
  if (smaller) workload.settings = point.quick;
  const double measured = point.figure(host::record_of(workload), workload);
  study::Check check{point.name, "", point.published, measured, point.lowest, point.highest};
  check.judged = point.judged && !smaller;
  if (measured > point.published + kRemark)
    check.note = fmt::format("modelled: {}; not: {}", point.modelled, point.not_modelled);
  if (smaller) check.note = "a smaller workload" + (check.note.empty() ? "" : "; " + check.note);
  return check;
}

}  // namespace

study::Suite validate_published(bool quick) {
  study::Suite suite{
      "published", "figures of the papers on MTIA 2i and 300 (docs/config.md has the sources)", {}};
  for (const Point& point : points()) suite.checks.push_back(check(point, quick));
  return suite;
}

}  // namespace leto::verbs
