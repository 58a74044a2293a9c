// Which rows of a table a step looks up, when nobody gives them: drawn from the seed, in one of three ways.
// Indices decide where memory is read, so they exist whether values are on or off.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace leto {

/// One bin of a histogram of reuse: rows looked up more than `above` and at most `most` times in a step are
/// `rows` of all rows that are looked up, and get `lookups` of all lookups.
struct ReuseBin {
  std::int64_t above, most;
  double rows, lookups;
};
/// The first set of a file like traces/embeddings/locality_stats_2022.txt. Error(bad_input) when it is
/// damaged.
std::vector<ReuseBin> read_reuse(const std::filesystem::path& path);
/// The histogram of a list of lookups, in the bins of `like`.
std::vector<ReuseBin> reuse_of(std::vector<std::int64_t> lookups, const std::vector<ReuseBin>& like);

struct LookupLaw {
  enum class Kind : std::uint8_t { uniform, zipf, reuse } kind = Kind::uniform;
  double exponent = 0;  // zipf: the k-th row in popularity is looked up with a frequency of about k^-exponent
  std::vector<ReuseBin> bins{};  // reuse: a row that is looked up c times comes c times, at random places
};
/// "uniform", "zipf=1.05" (exponent above 0, to 4) or "production", which is the reuse in `histogram`;
/// Error(usage) on anything else.
LookupLaw parse_lookup_law(std::string_view text, const std::filesystem::path& histogram);

/// `count` rows of a table of `rows`. Popular rows lie anywhere in the table.
std::vector<std::int64_t> draw_lookups(const LookupLaw& law, std::int64_t count, std::int64_t rows,
                                       std::uint64_t seed, std::string_view stream);

}  // namespace leto
