#include "study/decide/economics.h"

#include <numeric>

#include "study/chip_cost.h"

namespace leto::study {
namespace {

constexpr double kHoursPerYear = 8766;

double host_share(const Values& v, const std::string& part) {
  return v(part + ".host_usd") / v(part + ".server_devices");
}

}  // namespace

double price(const Values& v, const std::string& part) {
  if (v.has(part + ".chip_usd") || !v.has(part + ".compute_die_mm2")) return v(part + ".chip_usd");
  const auto fact = [&](const std::string& key) { return v(key); };
  return package_cost(part, v(part + ".memory_gb"), fact).total() * v(part + ".partner_margin");
}

double watts(const Values& v, const std::string& part, const std::string& level) {
  if (level == "chip") return v(part + ".power");
  const double server = v(part + ".server_power") / v(part + ".server_devices");
  return level == "server" ? server : server * v("pue");
}

std::vector<CostPart> yearly_parts(const std::string& part) {
  return {
      {"chip", [part](const Values& v) { return price(v, part) / v("years"); }},
      {"share of the host", [part](const Values& v) { return host_share(v, part) / v("years"); }},
      {"building",
       [part](const Values& v) {
         return watts(v, part, "datacentre") * v("facility_usd_per_w") / v("facility_years");
       }},
      {"electricity",
       [part](const Values& v) {
         return watts(v, part, "datacentre") / 1000 * v("load") * kHoursPerYear *
                v("electricity_usd_per_kwh");
       }},
  };
}

double dollars(const Values& v, const std::string& part, const std::string& level) {
  if (level == "chip") return price(v, part);
  if (level == "server") return price(v, part) + host_share(v, part);
  const auto parts = yearly_parts(part);
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [&](double sum, const CostPart& p) { return sum + p.formula(v); });
}

}  // namespace leto::study
