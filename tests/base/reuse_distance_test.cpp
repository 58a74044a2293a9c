// Hit rates of streams that can be counted by hand, and the two ways of finding them beside each other.
#include "base/reuse_distance.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/lookups.h"

namespace leto {

using List = std::vector<std::int64_t>;

TEST_CASE("reuse distance: hits of an LRU cache are counted exactly") {
  const List stream{1, 2, 3, 1, 1, 2, 4, 3};
  CHECK(lru_hit_rate(stream, 1) == doctest::Approx(1.0 / 8));
  CHECK(lru_hit_rate(stream, 2) == doctest::Approx(1.0 / 8));
  CHECK(lru_hit_rate(stream, 3) == doctest::Approx(3.0 / 8));
  CHECK(lru_hit_rate(stream, 4) == doctest::Approx(4.0 / 8));
  CHECK(lru_hit_rate(List{}, 4) == 0);
}

TEST_CASE("reuse distance: Che's approximation is within a point of exact counting on independent lookups") {
  const LookupLaw law{LookupLaw::Kind::zipf, 0.9, {}};
  const auto stream = draw_lookups(law, 400000, 20000, 1, "s");
  for (const std::int64_t capacity : {200, 1000, 5000})
    CHECK(che_hit_rate(stream, capacity) == doctest::Approx(lru_hit_rate(stream, capacity)).epsilon(0.03));
  CHECK(che_hit_rate(List{1, 2, 3}, 3) == 1);
}

}  // namespace leto
