#include "apps/host/dram_points.h"
#include "apps/host/samples.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

// Of ticks: points paced at an interval of six printed digits cannot be met to the last one.
constexpr double kTolerated = 0.01;

std::string name_of(const nlohmann::json& point) {
  return fmt::format("{} {} {} {:g}", point["config"].get<std::string>(), point["pattern"].get<std::string>(),
                     point["mode"].get<std::string>(), point["param"].get<double>());
}

}  // namespace

study::Suite validate_dram_points() {
  study::Suite suite{"dram", "the controller of one pseudo channel beside points of Ramulator 2.1", {}};
  for (const char* grade : {"hbm2_2000", "hbm3_6400"}) {
    const auto result =
        host::compare_dram_points(host::traces() / "dram" / "points.csv", load_dram_timing(grade));
    for (const auto& point : result["points"]) {
      suite.checks.push_back(
          {name_of(point), "GB/s", point["GBps"], point["bandwidth_gbps"], -kTolerated, kTolerated});
      suite.checks.push_back({name_of(point) + ", latency", "ticks", point["rlat_avg"],
                              point["read_latency_ticks"], -kTolerated, kTolerated});
    }
  }
  return suite;
}

}  // namespace leto::verbs
