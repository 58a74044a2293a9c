#include "study/chip_cost.h"

#include <cmath>
#include <numbers>

namespace leto::study {
namespace {

constexpr double kSquareMmPerSquareUm = 1e-6;
constexpr double kSquareCmPerSquareMm = 1e-2;
constexpr int kFlopsPerMac = 2;

}  // namespace

Area area_of(const ChipConfig& chip, const FactTable& table, Corner corner) {
  const auto fact = [&](const char* key) { return table.get(key).at(corner); };
  // A denser process gives less area: its row is read at the other end.
  const Corner other = corner == Corner::low    ? Corner::high
                       : corner == Corner::high ? Corner::low
                                                : Corner::value;
  const double per_transistor = 1e-6 / table.get("logic_density").at(other);
  const double bits = 8.0 * (double(chip.sram.bytes) + double(chip.local_store.bytes) * chip.pes());
  const double macs = peak_flops(chip, 2) / chip.hertz() / kFlopsPerMac;
  const double lanes = double(chip.vector_engine.elements_per_cycle) * chip.pes();
  const double stacks = std::ceil(chip.hbm.channels / fact("pseudo_channels_per_stack"));
  return {bits * fact("sram_bit_um2") * kSquareMmPerSquareUm,
          macs * fact("mac_16bit_transistors") * per_transistor,
          lanes * fact("lane_transistors") * per_transistor, stacks * fact("hbm_phy_mm2"),
          stacks * fact("hbm_controller_transistors") * per_transistor};
}

double dies_per_wafer(double die_mm2, double wafer_mm) {
  const double radius = wafer_mm / 2;
  const double edge = std::numbers::pi * wafer_mm / std::sqrt(2 * die_mm2);  // cut by the rim
  return std::max(1.0, std::floor(std::numbers::pi * radius * radius / die_mm2 - edge));
}

double yield(double die_mm2, double defects_per_cm2, double alpha) {
  return std::pow(1 + die_mm2 * kSquareCmPerSquareMm * defects_per_cm2 / alpha, -alpha);
}

double die_cost(double die_mm2, const FactReader& fact) {
  return fact("wafer_usd") / dies_per_wafer(die_mm2, fact("wafer_mm")) /
         yield(die_mm2, fact("defects_per_cm2"), fact("defect_clusters"));
}

PackageCost package_cost(const std::string& chip, double memory_gb, const FactReader& fact) {
  return {die_cost(fact(chip + ".compute_die_mm2"), fact),
          fact(chip + ".network_dies") * die_cost(fact(chip + ".network_die_mm2"), fact),
          memory_gb * fact("hbm_usd_per_gb"), fact("packaging_usd")};
}

}  // namespace leto::study
