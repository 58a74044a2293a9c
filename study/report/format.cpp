#include "study/report/format.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace leto::study {

std::string si(double value, std::string_view unit) {
  constexpr std::string_view kPrefixes[] = {"n", "µ", "m", "", "k", "M", "G", "T", "P", "E"};
  constexpr int kUnity = 3, kLast = 9;
  if (value == 0 || !std::isfinite(value)) return fmt::format("{} {}", value, unit);
  int prefix = kUnity + static_cast<int>(std::floor(std::log10(std::abs(value)) / 3));
  prefix = std::min(std::max(prefix, 0), kLast);
  double scaled = value / std::pow(1000.0, prefix - kUnity);
  if (std::abs(scaled) >= 999.95 && prefix < kLast) scaled = value / std::pow(1000.0, ++prefix - kUnity);
  return fmt::format("{:.4g} {}{}", scaled, kPrefixes[prefix], unit);
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

std::string grouped(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  const std::size_t first = digits[0] == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

Cell si_cell(double value, std::string_view unit) {
  return {si(value, unit), value, {}};
}
Cell percent_cell(double share) {
  return {percent(share), share, {}};
}
Cell count_cell(double value) {
  return {grouped(std::llround(value)), value, {}};
}

}  // namespace leto::study
