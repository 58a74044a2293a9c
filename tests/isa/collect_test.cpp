// number and collect: lists of a tile of sorted pairs by hand, and rows added up by them.
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

using List = std::vector<std::int32_t>;

/// A bench with sorted pairs in b0; b1 takes a list.
struct Pairs : Bench {
  explicit Pairs(const List& pairs) {
    define(0, 0, 1024, 0);
    define(1, 1024, 1024, 0);
    std::memcpy(bytes(0, 1024), pairs.data(), pairs.size() * sizeof(std::int32_t));
  }
  /// Entries of a list of `pairs`, of which some only say what comes before and behind.
  List list(int what, std::int64_t pairs, std::int64_t number, std::int64_t before, std::int64_t behind) {
    const auto n = what == 4 ? 6 : pairs - before - behind;
    run(command(fmt::format("number dst=b1 src=b0 what={} shape=r10", what),
                {pairs, number, before, behind, 0, 0}));
    List out(static_cast<std::size_t>(n));
    std::memcpy(out.data(), bytes(1, n * 4), out.size() * sizeof(std::int32_t));
    return out;
  }
};

}  // namespace

TEST_CASE("number: keys on a seam have no slot of their own") {
  // Row 3 begins before the tile, row 9 goes on behind it, rows 5 and 7 lie in it.
  Pairs p({3, 90, 3, 10, 5, 11, 5, 12, 5, 13, 7, 14, 9, 15, 9, 91});
  CHECK(p.list(0, 8, 2, 1, 1) == List{-1, 1, 1, 1, 4, -1});
  CHECK(p.list(1, 8, 2, 1, 1) == List{-1, 5, -1, -1, 7, -1});
  CHECK(p.list(2, 8, 2, 1, 1) == List{10, 11, 12, 13, 14, 15});
  CHECK(p.list(3, 8, 2, 1, 1) == List{0, -1, -1, -1, -1, 1});
  CHECK(p.list(4, 8, 2, 1, 1) == List{4, 2, 3, 4, 9, 5});
  // The same pairs without neighbours.
  CHECK(p.list(1, 8, 0, 0, 0) == List{3, -1, 5, -1, -1, 7, 9, -1});
  CHECK(p.list(4, 8, 0, 0, 0) == List{0, 2, -1, 0, -1, 1});
}

TEST_CASE("number: one key through the whole tile is on both seams and negative keys on none") {
  Pairs p({3, 0, 3, 1, 3, 2, 3, 3, -1, 4, -1, 5, -1, 6});
  CHECK(p.list(3, 4, 1, 1, 1) == List{0, 0});
  CHECK(p.list(4, 4, 1, 1, 1) == List{2, 2, 3, 2, 3, 3});
  Pairs none({-1, 0, -1, 1, -1, 2});
  for (const int what : {0, 1, 2, 3}) CHECK(none.list(what, 3, 0, 1, 1) == List{-1});
  CHECK(none.list(4, 3, 0, 1, 1) == List{0, 2, -1, 0, -1, 1});
}

TEST_CASE("collect: rows are added by slot from zero in ascending order") {
  Bench b;
  b.define(0, 0, 256, 0);
  b.define(1, 256, 64, 0);
  b.define(2, 512, 256, 0);
  const float rows[] = {1, 2, 10, 20, 100, 200, 1e8F, -0.0F};
  const std::int32_t slots[] = {2, -1, 2, 0};
  std::memcpy(b.bytes(0, 64), rows, sizeof rows);
  std::memcpy(b.bytes(1, 16), slots, sizeof slots);
  const auto collect = [&](std::int64_t results) {
    b.run(command("collect dst=b2 src=b0 src_type=fp32 slots=b1 shape=r10", {4, 2, results, 8, 0, 0}));
  };
  collect(3);
  float sums[6];
  std::memcpy(sums, b.bytes(2, 24), sizeof sums);
  CHECK(std::vector<float>(sums, sums + 6) == std::vector<float>{1e8F, 0, 0, 0, 101, 202});
  CHECK(caught([&] { collect(2); }).says("slot 2"));
}
