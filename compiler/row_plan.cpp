#include "compiler/row_plan.h"

#include <algorithm>

namespace leto::compiler {
namespace {

constexpr std::string_view kRows = ".rows", kSlots = ".slots";

bool ends_in(std::string_view name, std::string_view end) {
  return name.size() > end.size() && name.substr(name.size() - end.size()) == end;
}

}  // namespace

RowPlan plan_rows(std::span<const std::int64_t> lookups) {
  RowPlan plan{{lookups.begin(), lookups.end()}, {}};
  auto& rows = plan.rows;
  std::sort(rows.begin(), rows.end());
  rows.erase(rows.begin(), std::lower_bound(rows.begin(), rows.end(), 0));
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  plan.slots.reserve(lookups.size());
  for (const std::int64_t row : lookups)
    plan.slots.push_back(row < 0 ? -1 : std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
  rows.resize(lookups.size(), -1);
  return plan;
}

std::string rows_of(std::string_view index_input) {
  return std::string(index_input).append(kRows);
}
std::string slots_of(std::string_view index_input) {
  return std::string(index_input).append(kSlots);
}

std::optional<PlannedInput> planned_input(std::string_view name) {
  if (ends_in(name, kRows))
    return PlannedInput{std::string(name.substr(0, name.size() - kRows.size())), &RowPlan::rows};
  if (ends_in(name, kSlots))
    return PlannedInput{std::string(name.substr(0, name.size() - kSlots.size())), &RowPlan::slots};
  return std::nullopt;
}

}  // namespace leto::compiler
