// Energy of a run: the events of the record x a table (study/tables/energy.toml), dynamic energy at the
// clock's DVFS point, leakage. What a block uses is billed to operations by the events that they caused; what
// runs whether or not an operation does (clock, leakage) is billed to none of them.
#pragma once

#include "study/fact_table.h"
#include "study/record.h"

namespace leto::study {

/// The operation that bears what no graph operation caused.
inline constexpr std::string_view kAlwaysOn = "(always on)";

/// An operation's name in EnergyRecord::by_operation; of OperationFacts or OperationRecord.
std::string energy_name(const auto& operation) {
  return operation.phase + ": " + operation.name;
}

/// Voltage over the nominal one, and what it does to the rows' figures.
struct DvfsPoint {
  double voltage = 1;  // share of the nominal voltage
  double dynamic() const { return voltage * voltage; }
  double leakage() const { return voltage; }
};
DvfsPoint dvfs_point(double clock_mhz, const FactTable& table, Corner corner);

/// by_block and by_operation both add up to the total.
EnergyRecord energy_of(const RunFacts& facts, const FactTable& table);

}  // namespace leto::study
