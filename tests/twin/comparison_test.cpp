// Sampling: which sequences of commands `check:every=N` looks at.
#include <doctest/doctest.h>

#include "model/twin/comparison.h"

using namespace leto::model;

namespace {

/// Which of `groups` x `every` sequences of four commands are wanted; each whole or not at all.
std::vector<bool> taken(std::uint64_t every, int groups, std::uint64_t seed, const std::string& instance) {
  Comparison comparison({"", TwinMode::check, every, {}}, instance, seed);
  std::vector<bool> all;
  for (int sequence = 0; sequence < groups * static_cast<int>(every); ++sequence)
    for (int command = 0; command < 4; ++command) {
      const auto start = static_cast<Cycle>(sequence * 100 + command * 10);
      const bool wanted = comparison.wants(start, start + 10);
      if (command == 0)
        all.push_back(wanted);
      else
        CHECK(wanted == all.back());
    }
  return all;
}

}  // namespace

TEST_CASE("twin: every takes one sequence of so many and all of it") {
  for (const std::uint64_t every : {1u, 2u, 3u, 7u}) {
    const std::vector<bool> all = taken(every, 50, 5, "x");
    std::vector<int> places(every, 0);
    for (std::size_t group = 0; group < 50; ++group) {
      int count = 0;
      for (std::size_t i = 0; i < every; ++i)
        if (all[group * every + i]) {
          ++count;
          ++places[i];
        }
      CHECK(count == 1);
    }
    for (const int place : places) CHECK(place > 0);  // never only the first of each
  }
}

TEST_CASE("twin: the seed and the instance choose the sequences") {
  CHECK(taken(4, 20, 1, "x") == taken(4, 20, 1, "x"));
  CHECK(taken(4, 20, 1, "x") != taken(4, 20, 2, "x"));
  CHECK(taken(4, 20, 1, "x") != taken(4, 20, 1, "y"));
}

TEST_CASE("twin: the default sampling stops a sequence when the budget is spent and goes on later") {
  TwinSpec spec = parse_twin("x=check");
  CHECK(spec.budgeted);
  CHECK(!parse_twin("x=check:every=1").budgeted);
  CHECK(!parse_twin("x=check:inject=done@5").budgeted);
  Comparison comparison(spec, "x", 1);
  std::int64_t chip = 0;
  const auto budget = std::make_shared<Budget>(chip, 1.0 / 256, 1 << 17);
  comparison.limit(budget);
  CHECK(comparison.wants(0, 10, 1 << 20));  // the first one, far over what is free
  CHECK(!comparison.wants(10, 20, 1));
  CHECK(!comparison.wants(30, 40, 1));
  chip = std::int64_t{1} << 30;
  CHECK(!comparison.wants(40, 50, 1));  // this sequence has begun without it
  CHECK(comparison.wants(60, 70, 1 << 10));
  CHECK(comparison.wants(70, 80, 1 << 10));
  Comparison other(spec, "y", 1);
  other.limit(budget);
  CHECK(!other.wants(0, 10, std::int64_t{4} << 20));  // what the first one left is less
  CHECK(!comparison.wants(90, 100, 1));               // the other one has had less
  CHECK(other.wants(20, 30, 1 << 20));
}

TEST_CASE("twin: a budget of blocks without MACs is a share of what they all do") {
  const TwinSpec spec = parse_twin("x=check");
  Comparison one(spec, "x", 1), other(spec, "y", 1);
  const auto budget = std::make_shared<Budget>(1.0 / 4, 10);
  one.limit(budget);
  other.limit(budget);
  CHECK(one.wants(0, 1, 10));
  CHECK(one.wants(2, 3, 2));    // 12: no more than 10 and a quarter of 12
  CHECK(!one.wants(4, 5, 4));   // 16: more than 10 and a quarter of 16
  CHECK(other.wants(6, 7, 2));  // 14: no more than 10 and a quarter of what both have, 18
  CHECK(!one.wants(8, 9, 0));   // the other one has had less
}
