// Loops over alike layers: the code of one layer, the bits of all, and no loop where layers differ.
#include "compiler/lower/repeat.h"

#include <algorithm>

#include "base/errors.h"
#include "compiler/lower/place.h"
#include "compiler/lower/select.h"
#include "compiler/lower/update.h"
#include "tests/compiler/layered.h"
#include "tests/compiler/lowered.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::test;

namespace {

Recipe adamw() {
  Recipe recipe;
  recipe.optimizer = Optimizer::adamw;
  recipe.loss = Loss::mse;
  return recipe;
}

Graph step_of(const std::string& text, const Recipe& recipe = adamw()) {
  return training_step(parse(text, "test"), recipe);
}

isa::Program compiled(const Graph& step, const ChipConfig& chip, bool unroll,
                      const Recipe& recipe = adamw()) {
  Options options;
  options.unroll = unroll;
  return lower(step, chip, recipe, options);
}

/// Random parameters and inputs; moments start at zero, a negative one has no root.
Values start_of(const Graph& step, std::uint32_t seed) {
  Values values = random_inputs(step, seed);
  for (const auto& v : step.values)
    if (v.role == Role::state) values.erase(v.name);
  return values;
}

std::size_t size_of_code(const isa::Program& program) {
  return program.code[0].size() + program.code[1].size();
}

Repeats repeats_of(const Graph& step) {
  const Graph graph = primitives(step, tiny(), {});
  Lowered lowered = select(graph, tiny());
  update_in_place(lowered, graph);
  updates_last(lowered);
  find_lifetimes(lowered);
  return find_repeats(lowered);
}

}  // namespace

TEST_CASE("repeat: a looped training step leaves the bits of the unrolled one") {
  const Graph step = step_of(layered(4));
  for (const char* name : {"tiny", "pilot"}) {
    CAPTURE(name);
    const ChipConfig chip = load_chip(name);
    const auto looped = compiled(step, chip, false), unrolled = compiled(step, chip, true);
    CHECK(size_of_code(looped) * 10 < size_of_code(unrolled) * 6);
    CHECK(looped.sources == unrolled.sources);
    const Values inputs = start_of(step, 3);
    CHECK(interpret_program(looped, chip, inputs) == interpret_program(unrolled, chip, inputs));
  }
}

TEST_CASE("repeat: a looped inference leaves the bits of the unrolled one") {
  Recipe forward;
  forward.text = "forward";  // in bf16, though nothing is trained
  const Graph graph = step_of(layered(6), forward);
  const auto looped = compiled(graph, tiny(), false, {}), unrolled = compiled(graph, tiny(), true, {});
  CHECK(size_of_code(looped) * 2 < size_of_code(unrolled));
  const Values inputs = start_of(graph, 4);
  CHECK(interpret_program(looped, tiny(), inputs) == interpret_program(unrolled, tiny(), inputs));
}

TEST_CASE("repeat: a loop waits where a later trip must, though the first need not") {
  std::string text =
      "graph \"chain\" tokens=0\n%x0: bf16[64,64] = input\n";  // nobody writes what the first reads
  for (int i = 0; i < 12; ++i)
    text += fmt::format(
        "%w{0}: bf16[64,64] = parameter\n%x{1}: bf16[64,64] = matmul(%x{0}, %w{0}) phase=forward "
        "name=\"m{0}\"\n",
        i, i + 1);
  const Graph graph = parse(text + "output %x12\n", "test");
  const auto looped = compiled(graph, tiny(), false, {}), unrolled = compiled(graph, tiny(), true, {});
  CHECK(size_of_code(looped) * 4 < size_of_code(unrolled));
  const Values inputs = random_inputs(graph, 6);
  CHECK(interpret_program(looped, tiny(), inputs) == interpret_program(unrolled, tiny(), inputs));
}

TEST_CASE("repeat: 32 layers take at most 1.2 times the code of 2") {
  const auto code = [](int layers) {
    return double(size_of_code(compiled(step_of(layered(layers)), tiny(), false)));
  };
  CHECK(code(32) <= 1.2 * code(2));
}

TEST_CASE("repeat: layers that differ are not folded") {
  const Graph step = step_of(layered({40, 48, 56, 64}));
  for (const auto& r : repeats_of(step).list) CHECK(r.period == 1);
  const auto plain = compiled(step, tiny(), false);
  const Values inputs = start_of(step, 5);
  CHECK(interpret_program(plain, tiny(), inputs) ==
        interpret_program(compiled(step, tiny(), true), tiny(), inputs));
  // One that is different in the middle parts the others into two loops, or leaves them alone.
  for (const auto& r : repeats_of(step_of(layered({48, 48, 48, 40, 48, 48, 48}))).list) CHECK(r.trips <= 3);
}

TEST_CASE("repeat: storages of a family that are alive at once have frames of their own") {
  const Graph graph = primitives(step_of(layered(5)), tiny(), {});
  Lowered lowered = select(graph, tiny());
  update_in_place(lowered, graph);
  updates_last(lowered);
  find_lifetimes(lowered);
  const Repeats repeats = find_repeats(lowered);
  REQUIRE(repeats.list.size() >= 2);  // forward and backward
  CHECK(std::any_of(repeats.families.begin(), repeats.families.end(),
                    [](const Family& f) { return f.shared; }));
  const auto alone = place(lowered, graph, tiny(), Resident::none, {});
  const auto framed = place(lowered, graph, tiny(), Resident::none, repeats);
  CHECK(double(framed.hbm_peak) < 1.02 * double(alone.hbm_peak));
  for (const auto& a : lowered.storages)
    for (const auto& b : lowered.storages) {
      if (&a == &b || a.first < 0 || b.first < 0 || a.elements == 0 || b.elements == 0) continue;
      const bool together = a.first <= b.last && b.first <= a.last;
      const bool overlap = a.address < b.address + std::uint64_t(b.bytes()) &&
                           b.address < a.address + std::uint64_t(a.bytes());
      CHECK_FALSE((together && overlap));
    }
}

TEST_CASE("repeat: what is to be resident in SRAM, or has no room for frames, is not looped") {
  const Graph step = step_of(layered({48, 48, 48, 48, 56, 56, 56, 56}));
  Options resident, unrolled;
  resident.resident = Resident::activations;
  unrolled.unroll = true;
  const auto code = [&](const Options& options, const ChipConfig& chip) {
    return size_of_code(lower(step, chip, adamw(), options));
  };
  Options both = resident;
  both.unroll = true;
  CHECK(code(resident, tiny()) == code(both, tiny()));
  // With the least memory that does without loops, there is no room for theirs, and they are given up.
  ChipConfig chip = tiny();
  const auto fits = [&](std::int64_t bytes) {
    chip.hbm.bytes = bytes;
    try {
      lower(step, chip, adamw(), unrolled);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  std::int64_t bytes = 400 << 10;
  while (!fits(bytes)) bytes += 4096;
  chip.hbm.bytes = bytes;
  CHECK(code({}, chip) == code(unrolled, chip));
  CHECK(code({}, tiny()) < code(unrolled, tiny()));
}
