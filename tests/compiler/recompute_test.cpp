// Recompute: the same bits from less memory, alike layers alike.
#include "base/errors.h"
#include "compiler/arrange.h"
#include "tests/compiler/layered.h"
#include "tests/compiler/lowered.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::test;

namespace {

/// Hardly any shared SRAM: what is kept is in device memory.
ChipConfig bare() {
  ChipConfig chip = tiny();
  chip.sram.bytes = 32 << 10;
  return chip;
}

Graph step_of(int layers, Recipe recipe = {}) {
  recipe.optimizer = Optimizer::sgd;
  recipe.loss = Loss::mse;
  return training_step(parse(layered(layers), "test"), recipe);
}

std::int64_t macs(const Graph& graph) {
  std::int64_t sum = 0;
  for (const auto& k : arrange(graph, bare(), {}).lowered.kernels) {
    const auto* m = std::get_if<MatmulKernel>(&k.body);
    if (m) sum += m->batches() * m->m() * m->n() * m->k();
  }
  return sum;
}

}  // namespace

TEST_CASE("recompute: a tight budget leaves the bits and lowers the peak") {
  const Graph step = step_of(4);
  const Graph kept = primitives(step, bare(), {});
  const std::int64_t peak = memory_peak(kept, bare(), {});
  const Graph least = recompute_to_fit(kept, bare(), 1, {});
  const std::int64_t lowest = memory_peak(least, bare(), {});
  MESSAGE("peak ", peak, " -> ", lowest);
  REQUIRE(lowest < peak);
  Recipe recipe;
  const auto plain = lower(step, bare(), recipe, {});
  recipe.recompute = true;
  recipe.memory_budget = lowest;
  const auto again = lower(step, bare(), recipe, {});
  CHECK(plain.code != again.code);
  const Values inputs = random_inputs(step, 3);
  CHECK(interpret_program(again, bare(), inputs) == interpret_program(plain, bare(), inputs));
}

TEST_CASE("recompute: cheap operations come first and leave the products") {
  const Graph kept = primitives(step_of(4), bare(), {});
  const std::int64_t peak = memory_peak(kept, bare(), {});
  const Graph less = recompute_to_fit(kept, bare(), peak - 1, {});
  CHECK(memory_peak(less, bare(), {}) < peak);
  CHECK(less.nodes.size() > kept.nodes.size());
  CHECK(macs(less) == macs(kept));
}

TEST_CASE("recompute: a step that fits stays as it is") {
  const Graph kept = primitives(step_of(2), bare(), {});
  CHECK(recompute_to_fit(kept, bare(), memory_peak(kept, bare(), {}), {}) == kept);
}

TEST_CASE("recompute: alike layers stay a loop") {
  const auto code = [](int layers) {
    const Graph kept = primitives(step_of(layers), bare(), {});
    Recipe recipe;
    recipe.recompute = true;
    recipe.memory_budget = memory_peak(recompute_to_fit(kept, bare(), 1, {}), bare(), {});
    const auto program = lower(step_of(layers), bare(), recipe, {});
    return double(program.code[0].size() + program.code[1].size());
  };
  CHECK(code(12) <= 1.2 * code(4));
}

TEST_CASE("recompute: what does not fit names it where it helps") {
  const Graph step = step_of(4);
  const Graph kept = primitives(step, bare(), {});
  ChipConfig small = bare();
  small.hbm.bytes = memory_peak(recompute_to_fit(kept, bare(), 1, {}), bare(), {});
  Recipe recipe;
  CHECK_THROWS_AS(lower(step, small, recipe, {}), Error);
  try {
    lower(step, small, recipe, {});
  } catch (const Error& e) {
    CHECK(e.code() == ExitCode::does_not_fit);
    CHECK(e.remedy().find("recompute = true") != std::string::npos);
  }
  recipe.recompute = true;
  CHECK_NOTHROW(lower(step, small, recipe, {}));
  recipe.memory_budget = 1;
  CHECK_THROWS_AS(lower(step, small, recipe, {}), Error);
}
