#include "base/snapshot.h"

#include <doctest/doctest.h>

#include "base/errors.h"
#include "snapshot_bytes.h"

using namespace leto;

namespace {

struct Plain {
  int a = 0;
  double b = 0;
  bool operator==(const Plain&) const = default;
};

struct Block {
  std::vector<Plain> records;
  std::array<std::vector<int>, 2> pair;
  std::deque<std::int64_t> queue;
  std::map<std::string, std::map<int, Plain>> names;
  std::optional<std::vector<char>> maybe, nothing;
  std::mt19937_64 random{7};
  std::string text;
  std::vector<std::pair<int, std::string>> pairs;

  void state(Snapshot& s) { s(records, pair, queue, names, maybe, nothing, random, text, pairs); }
};

Block filled() {
  Block block;
  block.records = {{1, 2.5}, {3, -0.0}};
  block.pair = {std::vector<int>{}, std::vector<int>{4, 5}};
  block.queue = {6, 7, 8};
  block.names = {{"x", {{1, {9, 1}}, {2, {}}}}, {"", {}}};
  block.maybe = std::vector<char>{'a'};
  block.text = std::string("zero\0byte", 9);
  block.pairs = {{1, "one"}, {2, ""}};
  block.random.discard(1000);
  return block;
}

}  // namespace

TEST_CASE("a snapshot loads what it saved over whatever was there") {
  Block from = filled(), to;
  to.records.resize(9);
  to.names["gone"];
  to.nothing.emplace();
  load(save(from), to);
  CHECK(to.records == from.records);
  CHECK(to.pair == from.pair);
  CHECK(to.queue == from.queue);
  CHECK(to.names == from.names);
  CHECK(to.maybe == from.maybe);
  CHECK_FALSE(to.nothing);
  CHECK(to.random() == from.random());
  CHECK(to.text == from.text);
  CHECK(to.pairs == from.pairs);
}

TEST_CASE("a snapshot that ends early is refused and allocates nothing that it does not hold") {
  Block from = filled();
  const auto bytes = save(from);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Block to;
    CHECK_THROWS_AS(load({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}, to), Error);
  }
  std::uint64_t many = std::uint64_t{1} << 60;
  std::vector<char> list;
  CHECK_THROWS_AS(load(save(many), list), Error);
  CHECK(list.empty());
}
