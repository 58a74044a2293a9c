// What is fused: how often a training step's kernels read and write the large values.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "compiler/compiler.h"
#include "compiler/lower/select.h"
#include "compiler/lower/update.h"

using namespace leto;
using namespace leto::compiler;

namespace {

struct Step {
  Graph graph;
  Lowered lowered;
};

Step step_of(const std::string& forward, Optimizer optimizer, const ChipConfig& chip = load_chip("tiny")) {
  Recipe recipe;
  recipe.optimizer = optimizer;
  Step step{primitives(training_step(parse(forward, "test"), recipe), chip, {}), {}};
  step.lowered = select(step.graph, chip);
  update_in_place(step.lowered, step.graph);
  return step;
}

using Touched = std::vector<const Place*> (*)(const Kernel&);

/// The kernels that read (or write) the storage of a value.
std::vector<const Kernel*> kernels(const Step& step, Touched touched, ValueId v) {
  const StorageId id = step.lowered.storage_of[std::size_t(v)];
  std::vector<const Kernel*> found;
  for (const Kernel& kernel : step.lowered.kernels) {
    const auto places = touched(kernel);
    if (std::any_of(places.begin(), places.end(), [&](const Place* p) { return p->view.storage == id; }))
      found.push_back(&kernel);
  }
  return found;
}

ValueId named(const Graph& graph, const std::string& name) {
  for (ValueId v = 0; v < ValueId(graph.values.size()); ++v)
    if (graph.value(v).name == name) return v;
  FAIL("no value ", name);
  return -1;
}

}  // namespace

TEST_CASE(
    "cross entropy: one kernel reads the scores once for the loss and their gradient, and writes that") {
  // A row of 12,000 scores: what is wide on the way to the gradient would not fit the local store as an
  // output.
  const Step step = step_of(
      "graph \"g\" tokens=8\n%x: fp32[8,16] = input\n%y: int64[8] = input limit=12000\n"
      "%w: fp32[16,12000] = parameter\n%s: fp32[8,12000] = matmul(%x, %w) phase=forward name=\"head\"\n"
      "%loss: fp32[] = cross_entropy(%s, %y) phase=loss name=\"loss\"\nloss %loss\n",
      Optimizer::sgd);
  const auto readers = kernels(step, reads, named(step.graph, "s"));
  REQUIRE(readers.size() == 1);
  std::int64_t wide = 0;  // bytes
  for (const Place* place : writes(*readers[0]))
    if (product(place->view.shape) == 8 * 12000) wide += product(place->view.shape) * size_of(place->dtype);
  CHECK(wide == 8 * 12000 * 2);
}

TEST_CASE(
    "cross entropy of rows beyond the local store: three passes, and nothing wide is written but the "
    "gradient") {
  ChipConfig chip = load_chip("tiny");
  chip.local_store.bytes = 16 << 10;
  const Step step = step_of(
      "graph \"g\" tokens=8\n%x: fp32[8,16] = input\n%y: int64[8] = input limit=12000\n"
      "%w: fp32[16,12000] = parameter\n%s: fp32[8,12000] = matmul(%x, %w) phase=forward name=\"head\"\n"
      "%loss: fp32[] = cross_entropy(%s, %y) phase=loss name=\"loss\"\nloss %loss\n",
      Optimizer::sgd, chip);
  const auto readers = kernels(step, reads, named(step.graph, "s"));
  CHECK(readers.size() == 3);
  std::int64_t wide = 0;  // bytes
  for (const Kernel* kernel : readers)
    for (const Place* place : writes(*kernel))
      if (product(place->view.shape) == 8 * 12000) wide += product(place->view.shape) * size_of(place->dtype);
  CHECK(wide == 8 * 12000 * 2);
}

TEST_CASE("a gated layer: what a few passes make of the gate is made again, not stored") {
  const Step step = step_of(
      "graph \"g\" tokens=64\n%x: fp32[64,32] = input\n%t: fp32[64,32] = input\n%v: fp32[32,96] = parameter\n"
      "%w: fp32[32,96] = parameter\n%o: fp32[96,32] = parameter\n"
      "%g: fp32[64,96] = matmul(%x, %v) phase=forward name=\"gate\"\n"
      "%s: fp32[64,96] = sigmoid(%g) phase=forward name=\"sigmoid\"\n"
      "%a: fp32[64,96] = mul(%g, %s) phase=forward name=\"silu\"\n"
      "%u: fp32[64,96] = matmul(%x, %w) phase=forward name=\"up\"\n"
      "%h: fp32[64,96] = mul(%a, %u) phase=forward name=\"gated\"\n"
      "%y: fp32[64,32] = matmul(%h, %o) phase=forward name=\"down\"\n"
      "%loss: fp32[] = mse(%y, %t) phase=loss name=\"loss\"\nloss %loss\n",
      Optimizer::sgd);
  int wide = 0;  // results of the layer's inner shape
  for (const Kernel& kernel : step.lowered.kernels)
    for (const Place* place : writes(kernel)) wide += product(place->view.shape) == 64 * 96 ? 1 : 0;
  CHECK(wide == 6);  // gate, up, the gated product; and the gradients of all three
}

TEST_CASE("adamw: one kernel a parameter reads and writes each of its states once") {
  const Step step = step_of(
      "graph \"g\" tokens=32\n%x: fp32[32,64] = input\n%y: int64[32] = input limit=10\n"
      "%w: fp32[64,48] = parameter\n%v: fp32[48,10] = parameter\n"
      "%h: fp32[32,48] = matmul(%x, %w) phase=forward name=\"a\"\n"
      "%s: fp32[32,10] = matmul(%h, %v) phase=forward name=\"b\"\n"
      "%loss: fp32[] = cross_entropy(%s, %y) phase=loss name=\"loss\"\nloss %loss\n",
      Optimizer::adamw);
  for (const std::string parameter : {"w", "v"}) {
    const auto update = kernels(step, writes, named(step.graph, parameter));
    REQUIRE(update.size() == 1);
    CHECK(writes(*update[0]).size() == 3);
    for (const char* state : {".m", ".v"}) {
      CHECK(kernels(step, reads, named(step.graph, parameter + state)) == update);
      CHECK(kernels(step, writes, named(step.graph, parameter + state)) == update);
    }
  }
}
