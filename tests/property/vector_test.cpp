// Vector kernels on the chip against closed forms of what they move.
#include <doctest/doctest.h>

#include "compiler/compiler.h"
#include "tests/property/filled_run.h"

using namespace leto;
using namespace leto::compiler;

TEST_CASE(
    "vector: what repeats over an outer dim is loaded once a run of tiles, and the bits stay the same") {
  const std::int64_t planes = 30, rows = 192, columns = 96;
  const ChipConfig chip = load_chip("tiny");
  const isa::Program program = lower(parse(fmt::format("graph \"g\" tokens=0\n%x: bf16[{0},{1},{2}] = input\n"
                                                       "%mask: bf16[{1},{2}] = input\n"
                                                       "%y: bf16[{0},{1},{2}] = add(%x, %mask) phase=forward "
                                                       "name=\"y\"\noutput %y\n",
                                                       planes, rows, columns),
                                           "g"),
                                     chip, Recipe{}, {});
  const model::test::Setup setup = property::filled_run(program, chip);
  const auto chip_says = model::test::run(program, setup);
  REQUIRE_MESSAGE(chip_says.code == 0, chip_says.error);
  // The local store takes 64 rows of everything, twice: 3 blocks of rows, each over 30 planes. Four PEs share
  // the 90 tiles in order, so that three of them start inside a block: six runs.
  const std::int64_t x = planes * rows * columns * 2, runs = 3 + 3, tile = 64 * columns * 2;
  CHECK(chip_says["operation.0.bytes"] == std::uint64_t(2 * x + runs * tile));
  CHECK(chip_says.output == model::test::golden(program, setup).output);
}
