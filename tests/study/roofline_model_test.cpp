// The roofline x measured shares of the peaks: closed forms, which resource decides, what is missing.
#include "study/roofline_model.h"

#include <doctest/doctest.h>

using namespace leto::study;

namespace {

Figure figure(const std::string& metric, double value, Kind kind) {
  return {metric, "", "", value, {kind, "a paper", "", "", "document read", ""}};
}

/// 100 TFLOP/s, 1 TB/s, and one measured row of each.
Baseline part(const std::string& name, double matmul, double stream) {
  Baseline b;
  b.name = name;
  b.figures = {figure("peak_bf16", 100, Kind::vendor), figure("memory_bandwidth", 1, Kind::vendor),
               figure("best_matmul_bf16", matmul, Kind::measured),
               figure("add_bandwidth", stream, Kind::measured)};
  return b;
}

}  // namespace

TEST_CASE("roofline model: each resource at its own measured share and the interval at all parts'") {
  const std::vector<Baseline> all = {part("a", 80, 0.9), part("b", 50, 0.6)};
  const auto bound =
      roofline_time(all[0], all, "bf16", {{80e12, 0.45e12}});  // 1 s of products, 0.5 s of memory
  REQUIRE(bound);
  CHECK(bound->seconds == doctest::Approx(1.0));
  CHECK_FALSE(bound->memory_bound);
  CHECK(bound->least == doctest::Approx(1.0));
  CHECK(bound->most == doctest::Approx(80 / 50.0 + 0.45 / 0.6));  // nothing overlaps, worst shares
  const auto starved = roofline_time(all[0], all, "bf16", {{80e12, 1.8e12}});
  REQUIRE(starved);
  CHECK(starved->memory_bound);
  CHECK(starved->seconds == doctest::Approx(2.0));
}

TEST_CASE("roofline model: operations follow each other and the bytes of device memory are shared out") {
  const std::vector<Baseline> all = {part("a", 80, 0.9)};
  const auto apart = roofline_time(all[0], all, "bf16", {{80e12, 0}, {0, 0.9e12}});
  REQUIRE(apart);
  CHECK(apart->seconds == doctest::Approx(2.0));
  CHECK(apart->least == doctest::Approx(1.0));
  Record record;
  record.bytes["hbm"] = {60, 40};
  record.ops = {{}, {}};
  record.ops[0].bytes = 300;
  record.ops[1].bytes = 100;
  const auto work = work_of(record);
  REQUIRE(work.size() == 2);
  CHECK(work[0].bytes == doctest::Approx(75));
  CHECK(work[0].bytes + work[1].bytes == doctest::Approx(100));
}

TEST_CASE("roofline model: a part without rows takes the mean of the others and says so") {
  Baseline bare = part("c", 1, 1);
  bare.figures.resize(2);
  const std::vector<Baseline> all = {part("a", 80, 0.9), part("b", 50, 0.6), bare};
  const auto p = roofline_time(bare, all, "bf16", {{65e12, 0}});
  REQUIRE(p);
  CHECK(p->seconds == doctest::Approx(1.0));
  CHECK(p->basis.find("mean of the other parts' rows") != std::string::npos);
}

TEST_CASE("roofline model: no row of that precision and no estimate and a vendor's figure is no row") {
  const std::vector<Baseline> all = {part("a", 80, 0.9)};
  CHECK_FALSE(roofline_time(all[0], all, "fp16", {{1, 1}}));
  Baseline vendor = part("v", 80, 0.9);
  for (Figure& f : vendor.figures) f.from.kind = Kind::vendor;
  CHECK_FALSE(roofline_time(vendor, {vendor}, "bf16", {{1, 1}}));
}

TEST_CASE("roofline model: more bytes or more FLOPs never make a part faster") {
  const auto all = load_baselines();
  for (const Baseline& b : all) {
    double before = 0;
    for (const double bytes : {0.0, 1e9, 1e11, 1e13}) {
      const auto p = roofline_time(b, all, "bf16", {{1e12, bytes}, {1e10, bytes / 2}});
      REQUIRE(p);
      CHECK(p->seconds >= before);
      CHECK(p->least <= p->seconds);
      CHECK(p->seconds <= p->most);
      before = p->seconds;
    }
  }
}
