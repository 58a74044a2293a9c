// Recompute: the same bits from less memory, alike layers alike.
#include "compiler/passes/recompute.h"
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

namespace {

/// Layers of attention whose q, k and v are products themselves.
Graph attention_step(int layers) {
  std::string text = "graph \"attending\" tokens=96\n%x0: fp32[2,48,16] = input\n";
  for (int i = 0; i < layers; ++i)
    for (const char* w : {"q", "k", "v", "o"}) text += fmt::format("%w{}{}: fp32[16,16] = parameter\n", w, i);
  for (int i = 0; i < layers; ++i) {
    for (const char* w : {"q", "k", "v"})
      text += fmt::format(
          "%{0}{1}: fp32[2,48,16] = matmul(%x{1}, %w{0}{1}) phase=forward name=\"l{1}.{0}\"\n", w, i);
    text += fmt::format(
        "%c{0}: fp32[2,48,16] = attention(%q{0}, %k{0}, %v{0}) {{causal=1, scale=0.25}} phase=forward "
        "name=\"l{0}.context\"\n"
        "%m{0}: fp32[2,48,16] = matmul(%c{0}, %wo{0}) phase=forward name=\"l{0}.out\"\n"
        "%x{1}: fp32[2,48,16] = add(%x{0}, %m{0}) phase=forward name=\"l{0}.sum\"\n",
        i, i + 1);
  }
  Recipe recipe;
  recipe.optimizer = Optimizer::sgd;
  recipe.loss = Loss::mse;
  return training_step(parse(text + fmt::format("output %x{}\n", layers), "test"), recipe);
}

std::int64_t useful(const Graph& graph) {
  std::int64_t sum = 0;
  for (const auto& k : arrange(graph, bare(), {}).lowered.kernels) sum += k.useful_macs;
  return sum;
}

int attentions(const Graph& graph, Phase phase) {
  return int(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                           [&](const Node& n) { return n.op == Op::attention && n.phase == phase; }));
}

}  // namespace

TEST_CASE("recompute: attention is made again, with its operands or without, and its sums are kept") {
  const Graph step = attention_step(3), kept = primitives(step, bare(), {});
  REQUIRE(attentions(kept, Phase::forward) == 3);
  const Values inputs = random_inputs(step, 5);
  const auto values = [&](const Graph& graph) {
    return interpret_program(lower(graph, bare(), Recipe{}, {}), bare(), inputs);
  };
  const Values want = values(kept);
  for (const bool operands : {false, true}) {
    Again again(kept.values.size(), false);
    for (const Node& n : kept.nodes) {
      const bool chosen = n.op == Op::attention || (operands && n.op == Op::matmul);
      if (n.phase == Phase::forward && chosen) again[std::size_t(n.output)] = true;
    }
    const Graph less = recompute(kept, again);
    verify(less, "recompute");
    CHECK(attentions(less, Phase::backward) == 3);
    CHECK(values(less) == want);
    CHECK(useful(less) == useful(kept));
  }
  for (const bool attention : {false, true}) {  // the operands alone; what the search finds
    Again again(kept.values.size(), false);
    for (const Node& n : kept.nodes)
      if (n.phase == Phase::forward && n.op == Op::matmul) again[std::size_t(n.output)] = true;
    const Graph less = attention ? recompute_to_fit(kept, bare(), 1, {}) : recompute(kept, again);
    CHECK(values(less) == want);
  }
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
