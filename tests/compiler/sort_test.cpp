// The radix sort of lookups: the program's lists are those of the interpreter, in lists of one tile and of
// many chunks, with rows that need one digit and rows that need four.
#include "base/rng.h"
#include "tests/compiler/lowered.h"

namespace leto::compiler {
namespace {

using namespace test;

/// Sorts `count` lookups of a table of `rows`, some of them of no row.
void check_sort(const ChipConfig& chip, std::int64_t count, std::int64_t rows, const char* type,
                std::int64_t share) {
  const Graph graph =
      parse(fmt::format("graph \"g\" tokens=0\n%i: {0}[{1}] = input limit={2}\n"
                        "%y: int32[{1},2] = sort_lookups(%i) {{dtype=\"int32\", rows={2}, share={3}}} "
                        "phase=forward name=\"y\"\noutput %y\n",
                        type, count, rows, share),
            "test");
  Values inputs;
  auto& index = inputs["i"];
  for (std::int64_t i = 0; i < count; ++i) {
    const auto drawn = uniform_below(1, 2, std::uint64_t(i), std::uint64_t(rows));
    index.push_back(i % 7 == 3 ? -1.0F : i % 5 == 0 ? float(rows - 1) : float(drawn));
  }
  const isa::Program program = lower(graph, chip, {}, {});
  CHECK(interpret_program(program, chip, inputs).at("y") == evaluate(graph, inputs).at("y"));
}

}  // namespace

TEST_CASE("sort: a program's lists are the interpreter's in one tile and in many chunks") {
  for (const char* type : {"int32", "int64"})
    for (const std::int64_t count : {1, 2, 63, 5000}) check_sort(tiny(), count, 1000, type, 1);
  check_sort(tiny(), 40000, 5, "int32", 4);
  check_sort(tiny(), 40000, std::int64_t{1} << 24, "int32", 20);
}

TEST_CASE("sort: every row that a digit can end at") {
  for (const std::int64_t rows : {1, 2, 3, 255, 256, 257, 65535, 65536})
    check_sort(tiny(), 300, rows, "int32", 1);
}

}  // namespace leto::compiler
