// Drawn lookups: the laws they follow, seen in the lists themselves.
#include "base/lookups.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/errors.h"

namespace leto {
namespace {

const std::string kHistogram = LETO_SOURCE_DIR "/traces/embeddings/locality_stats_2022.txt";

std::vector<std::int64_t> draw(const char* law, std::int64_t count, std::int64_t rows,
                               const char* stream = "x") {
  const auto list = draw_lookups(parse_lookup_law(law, kHistogram), count, rows, 1, stream);
  CHECK(std::ssize(list) == count);
  CHECK(std::all_of(list.begin(), list.end(), [&](std::int64_t r) { return r >= 0 && r < rows; }));
  return list;
}

}  // namespace

TEST_CASE("lookups: every law stays in tables of any length and depends on seed and stream alone") {
  for (const char* law : {"uniform", "zipf=0.8", "zipf=1", "zipf=1.3", "production"}) {
    CAPTURE(law);
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{3}, std::int64_t{1} << 31})
      draw(law, 1000, rows);
    CHECK(draw(law, 1000, 500) == draw(law, 1000, 500));
    CHECK(draw(law, 1000, 500) != draw(law, 1000, 500, "y"));
    CHECK(draw(law, 0, 5).empty());
  }
  for (const char* law : {"", "zipf", "zipf=", "zipf=0", "zipf=5", "zipf=1x", "Uniform"})
    CHECK_THROWS_AS(parse_lookup_law(law, kHistogram), Error);
  CHECK_THROWS_AS(parse_lookup_law("production", "/nowhere"), Error);
}

TEST_CASE("lookups: production reuses rows as the published histogram says") {
  const auto published = read_reuse(kHistogram);
  REQUIRE(published.size() == 17);
  CHECK(published[0].rows == 0.342);
  CHECK(published[16].lookups == 0.076);
  const auto drawn =
      reuse_of(draw("production", 1783000, 40000000), published);  // lookups of a table on average
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    MESSAGE(fmt::format("({}, {}]: rows {:.3f} published {:.3f}, lookups {:.3f} published {:.3f}",
                        drawn[i].above, drawn[i].most, drawn[i].rows, published[i].rows, drawn[i].lookups,
                        published[i].lookups));
    CHECK(std::abs(drawn[i].lookups - published[i].lookups) < 0.02);
    CHECK(std::abs(drawn[i].rows - published[i].rows) < 0.03);
  }
}

TEST_CASE("lookups: zipf's frequencies fall with the rank as its exponent says") {
  std::map<std::int64_t, int> times;
  for (const auto row : draw("zipf=1", 400000, 1000)) ++times[row];
  std::vector<int> sorted;
  for (const auto& [row, n] : times) sorted.push_back(n);
  std::sort(sorted.rbegin(), sorted.rend());
  CHECK(double(sorted[9]) / sorted[99] == doctest::Approx(10).epsilon(0.15));
  CHECK(double(sorted[99]) / sorted[799] == doctest::Approx(8).epsilon(0.15));
}

}  // namespace leto
