// Area, yield and cost: the arithmetic by hand, and beside published dies.
#include "study/chip_cost.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace leto;
using namespace leto::study;

namespace {

double fact(const std::string& key) {
  return load_facts("cost").get(key).value;
}

}  // namespace

TEST_CASE("dies of a wafer: 62 of the H100's 814 mm2 as published") {
  CHECK(dies_per_wafer(814, 300) == doctest::Approx(62).epsilon(0.03));
  CHECK(dies_per_wafer(1e6, 300) == 1);
}

TEST_CASE("yield is the negative binomial and tends to Poisson") {
  CHECK(yield(100, 0.1, 3) == doctest::Approx(std::pow(1 + 0.1 / 3, -3)));
  CHECK(yield(814, 0.1, 1e6) == doctest::Approx(0.44).epsilon(0.01));  // published for the H100, Poisson
  CHECK(yield(814, 0.1, 3) > yield(814, 0.1, 1e6));
  CHECK(yield(814, 0, 3) == 1);
}

TEST_CASE("a package costs what its parts cost, and twice the wafer price doubles the dies") {
  const PackageCost cost = package_cost("pilot", 216, fact);
  CHECK(cost.total() == doctest::Approx(cost.compute_die + cost.network_dies + cost.memory + cost.packaging));
  CHECK(cost.memory == doctest::Approx(2160));
  const PackageCost dear = package_cost(
      "pilot", 216, [](const std::string& key) { return fact(key) * (key == "wafer_usd" ? 2 : 1); });
  CHECK(dear.compute_die == doctest::Approx(2 * cost.compute_die));
  CHECK(dear.network_dies == doctest::Approx(2 * cost.network_dies));
  CHECK(dear.memory == cost.memory);
}

TEST_CASE("the area of pilot's blocks is less than the published die and most of it is SRAM") {
  const FactTable table = load_facts("cost");
  const Area area = area_of(load_chip("pilot"), table, Corner::value);
  CHECK(area.total() < 803.8);
  CHECK(area.total() > 0.3 * 803.8);
  CHECK(area.sram > area.matrix);
  CHECK(area_of(load_chip("pilot"), table, Corner::low).total() < area.total());
  CHECK(area_of(load_chip("pilot"), table, Corner::high).total() > area.total());
}
