// Figures as text, the same in every format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "study/report/report.h"

namespace leto::study {

/// Four significant digits with a decimal prefix: si(0.00123, "s") = "1.23 ms".
std::string si(double value, std::string_view unit);
/// "45.6 %" of a share of 1.
std::string percent(double share);
/// Digits in groups of three: "1,234,567".
std::string grouped(std::int64_t value);

// Cells that keep the exact figure.
inline Cell cell(std::string text) {
  return {std::move(text), std::nullopt, {}};
}
Cell si_cell(double value, std::string_view unit);
Cell percent_cell(double share);
Cell count_cell(double value);
/// The cell, with where its figure comes from (Column::from).
inline Cell sourced(Cell cell, std::string from) {
  cell.from = std::move(from);
  return cell;
}
/// A figure that does not exist.
inline Cell none_cell() {
  return {"–", std::nullopt, {}};
}

}  // namespace leto::study
