// The sort block's cycles beside closed forms, to the cycle, on a PE that does nothing else; and its values.
#include <doctest/doctest.h>

#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

Setup one_pe(std::vector<std::string> overrides = {}) {
  Setup setup;
  overrides.insert(overrides.end(), {"pe.rows=1", "pe.columns=1"});
  setup.chip = load_chip("tiny", overrides);
  return setup;
}

/// b0: the source, b1: the result, b2: running places.
std::string sort_text(const std::string& command, std::vector<std::int64_t> shape_values) {
  return ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=0\nbuffer id=b1 base=16384 bytes=16384 depth=0\n"
         "buffer id=b2 base=32768 bytes=4096 depth=0\n" +
         shape(10, std::move(shape_values)) + command + " shape=r10 @1\nend\n";
}

std::uint64_t cycles_of(const std::string& command, std::vector<std::int64_t> shape_values,
                        std::vector<std::string> overrides = {}) {
  return run(program(sort_text(command, std::move(shape_values))), one_pe(std::move(overrides))).span(1);
}

const std::string kCount = "count dst=b1 src=b0 type=int32",
                  kGroup = "group dst=b1 src=b0 places=b2 type=int32", kOffsets = "offsets dst=b1 src=b0",
                  kNumber = "number dst=b1 src=b0";

}  // namespace

TEST_CASE("sort block: visits over its rate and a latency") {
  // tiny: 2 records a cycle, latency 12, layout engine 64 B a cycle.
  CHECK(cycles_of(kCount, {1000, 8, 0, 4}) == 500 + 12);
  CHECK(cycles_of(kCount, {1001, 4, 0, 8}) == 501 + 12);
  CHECK(cycles_of(kGroup, {1000, 8, 0, 4}) == (2 * 1000 + 16) / 2 + 12);
  CHECK(cycles_of(kGroup, {7, 8, 3, 0}) == (2 * 7 + 1 + 1) / 2 + 12);
  CHECK(cycles_of(kNumber, {300, 0, 0}) == 150 + 12);
  CHECK(cycles_of(kOffsets, {4, 256, 1}) == 4 * 256 * 4 / 64 + 12);
  CHECK(cycles_of(kCount, {1000, 8, 0, 4}, {"sort_block.records_per_cycle=8"}) == 125 + 12);
}

TEST_CASE("sort block: without one every visit costs the software's cycles") {
  const std::vector<std::string> software = {"sort_block.records_per_cycle=0", "sort_block.software_cycles=9",
                                             "sort_block.latency_cycles=30"};
  CHECK(cycles_of(kCount, {1000, 8, 0, 4}, software) == 9000 + 30);
  CHECK(cycles_of(kGroup, {1000, 8, 0, 4}, software) == 9 * 2016 + 30);
  CHECK(cycles_of(kNumber, {300, 0, 0}, software) == 2700 + 30);
}

TEST_CASE("collect: a beat for 32 lanes of a row, or the port") {
  const auto cycles = [](std::vector<std::int64_t> shape_values) {
    return cycles_of("collect dst=b1 src=b0 src_type=fp32 slots=b2", std::move(shape_values));
  };
  // tiny: 32 lanes, 256 B a cycle, latency 24; rows and their slots in, sums out.
  CHECK(cycles({64, 8, 64, 32}) == 64 + 24);
  CHECK(cycles({64, 32, 64, 128}) == (64 * (128 + 4) + 64 * 128) / 256 + 24);
  CHECK(cycles({64, 8, 2, 32}) == 64 + 24);
}

TEST_CASE("sort block: a spread beyond its places or its records is an error") {
  // count leaves a header of one run of one record at place `number`.
  const auto spread = [](int number, int places, int records) {
    return ".core 0\nbuffer id=b0 base=0 bytes=1024 depth=0\nbuffer id=b1 base=1024 bytes=1024 depth=0\n"
           "buffer id=b2 base=2048 bytes=1024 depth=1\n" +
           shape(10, {4, 4, 0, 1, number, 0}) + shape(20, {1, 4, 16, 16}) +
           "count dst=b1 src=b0 type=int32 shape=r10 @1\n"
           "copy dst=b2 reserve=1 push=1 src=b1 type=int32 shape=r20 @1\n" +
           shape(30, {8, 1, places, records}) + "spread src=b2 wait=1 pop=1 address=r0 shape=r30 @1\nend\n";
  };
  const auto code = [&](int number, int places, int records) {
    return run(program(spread(number, places, records)), one_pe()).code;
  };
  CHECK(code(3, 4, 1) == 0);
  CHECK(code(4, 4, 1) == int(ExitCode::illegal_program));
  CHECK(code(3, 4, 0) == int(ExitCode::illegal_program));
}

}  // namespace leto::model::test
