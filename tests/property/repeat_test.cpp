// A program that loops over its layers, on the chip: the work of each layer is billed to that layer, and the
// loop costs next to no cycles.
#include <doctest/doctest.h>

#include <cmath>

#include "compiler/compiler.h"
#include "tests/compiler/layered.h"
#include "tests/model/helpers.h"

using namespace leto;

namespace {

isa::Program step_of(int layers, const ChipConfig& chip, bool unroll) {
  compiler::Recipe recipe;
  recipe.optimizer = compiler::Optimizer::adamw;
  recipe.loss = compiler::Loss::mse;
  compiler::Options options;
  options.unroll = unroll;
  const auto forward = compiler::parse(compiler::test::layered(layers), "layered");
  return compiler::lower(compiler::training_step(forward, recipe), chip, recipe, options);
}

model::test::Outcome simulate(const isa::Program& program, const ChipConfig& chip) {
  model::test::Setup setup;
  setup.chip = chip;
  setup.options.values = false;
  return model::test::run(program, setup);
}

}  // namespace

TEST_CASE("repeat: a looped step bills every layer its work and takes the cycles of the unrolled one") {
  for (const char* name : {"tiny", "pilot"}) {
    CAPTURE(name);
    const ChipConfig chip = load_chip(name);
    const auto looped = step_of(4, chip, false), unrolled = step_of(4, chip, true);
    REQUIRE(looped.code[0].size() < unrolled.code[0].size());
    const auto with = simulate(looped, chip), without = simulate(unrolled, chip);
    REQUIRE_MESSAGE(with.code == 0, with.error);
    REQUIRE_MESSAGE(without.code == 0, without.error);
    CHECK(with["commands"] == without["commands"]);
    CHECK(with["macs"] == without["macs"]);
    for (std::size_t i = 0; i < looped.sources.size(); ++i) {
      CAPTURE(looped.sources[i].operation);
      for (const char* what : {".commands", ".bytes"}) {
        const auto key = fmt::format("operation.{}{}", i, what);
        CHECK(with[key] == without[key]);
      }
    }
    const double change = double(with["cycles"]) / double(without["cycles"]) - 1;
    CHECK(std::fabs(change) < 0.01);
  }
}
