// Area from SRAM bits, arithmetic units and PHYs; dies per wafer, yield, and what a package costs to make.
// Rows in study/tables/cost.toml.
#pragma once

#include <functional>

#include "arch/chip_config.h"
#include "study/fact_table.h"

namespace leto::study {

/// mm2 by block. What it leaves out (cores, NoC, NICs, host interface, wiring) has no row. docs/area.md has
/// gates of the RTL blocks: buffer managers, address generators, reduction engines and routers come to 0.6 %
/// of pilot's compute die.
struct Area {
  double sram = 0, matrix = 0, vector = 0, memory_phy = 0, memory_controller = 0;
  double total() const { return sram + matrix + vector + memory_phy + memory_controller; }
};
Area area_of(const ChipConfig& chip, const FactTable& table, Corner corner);

/// Whole dies on a round wafer.
double dies_per_wafer(double die_mm2, double wafer_mm);
/// Share of good dies, negative binomial with clustering `alpha`.
double yield(double die_mm2, double defects_per_cm2, double alpha);

/// How a figure of the table is read: by its key. A Monte-Carlo draw gives the drawn one.
using FactReader = std::function<double(const std::string& key)>;

/// USD of one good die.
double die_cost(double die_mm2, const FactReader& fact);

/// USD to make one package of `chip`: dies (keys <chip>.compute_die_mm2, …), memory, packaging.
struct PackageCost {
  double compute_die = 0, network_dies = 0, memory = 0, packaging = 0;
  double total() const { return compute_die + network_dies + memory + packaging; }
};
PackageCost package_cost(const std::string& chip, double memory_gb, const FactReader& fact);

}  // namespace leto::study
