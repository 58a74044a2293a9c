// What a step's programs need to know of its lookups beyond the lookups themselves. It follows from the
// indices alone, so whoever supplies an index input X makes it along with it, as more inputs named after X:
//
//   X.rows, X.slots                 for the update of a table: the rows chosen, each once, and which of them
//                                   each lookup chose
//   X.hot.K, X.cold.K, X.pinned.K.C for a table whose K most popular rows lie apart, in C copies each: these
//                                   rows, copy by copy, the lookups of others, and the copy that each lookup
//                                   of theirs takes
//   X.local.R.N                     for a table of which each of N chips has R rows: the lookups of the rows of the
//                                   first chip, -1 for those of others
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto::compiler {

/// A row is hot when it is among the `most` looked up most often (of equals the lower number) and is looked
/// up more often than it is copied. Row i of copy c is number c * most + i. A hot row's lookups take its
/// copies in turn.
struct HotPlan {
  std::vector<std::int64_t> hot;           // `most` rows, the most popular first, then -1
  std::vector<std::int64_t> cold, pinned;  // a lookup is in one of the two, -1 in the other
};
HotPlan plan_hot_rows(std::span<const std::int64_t> lookups, std::int64_t most, std::int64_t copies);

/// The names of the three inputs.
std::string hot_of(std::string_view index_input, std::int64_t most, std::int64_t copies);
std::string cold_of(std::string_view index_input, std::int64_t most, std::int64_t copies);
std::string pinned_of(std::string_view index_input, std::int64_t most, std::int64_t copies);

/// The name of the lookups of the first of `chips` chips, which has `rows` rows of a table.
std::string local_of(std::string_view index_input, std::int64_t rows, std::int64_t chips);

/// The index input that an input of this name is planned from, and how; nothing for any other name.
struct PlannedInput {
  enum class Part : std::uint8_t { hot, cold, pinned, local };
  std::string index_input;
  Part part;
  std::int64_t most = 0, copies = 0;  // of local: rows and chips
  std::vector<std::int64_t> from(std::span<const std::int64_t> lookups) const;
};
std::optional<PlannedInput> planned_input(std::string_view name);

}  // namespace leto::compiler
