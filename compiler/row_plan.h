// What the update of an embedding table needs to know of a step's lookups: which rows they choose, each row
// once, and which of them each lookup chose. It follows from the indices alone, so whoever supplies an index
// input makes it along with it: for an index input X, two more inputs, X.rows and X.slots.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto::compiler {

/// Both as long as the list of lookups; negative lookups, which name no row, have slot -1.
struct RowPlan {
  std::vector<std::int64_t> rows;   // the rows chosen, ascending, then -1
  std::vector<std::int64_t> slots;  // where in `rows` the lookup's row is
};
RowPlan plan_rows(std::span<const std::int64_t> lookups);

/// The names of the two inputs.
std::string rows_of(std::string_view index_input);
std::string slots_of(std::string_view index_input);

/// The index input that an input of this name is planned from, and which of the two it is; nothing for any
/// other name.
struct PlannedInput {
  std::string index_input;
  std::vector<std::int64_t> RowPlan::*part;
};
std::optional<PlannedInput> planned_input(std::string_view name);

}  // namespace leto::compiler
