// A training that begins with overflows, step by step on the simulated chip and on the interpreter: both skip
// the same steps, halve the scale and go on, with the same bits in all that the host sees.
#include <doctest/doctest.h>

#include <vector>

#include "compiler/compiler.h"
#include "isa/interp.h"
#include "model/simulation.h"

using namespace leto;

namespace {

// Two layers; the loss is the sum of what the second gives, so that the gradient of bias c is 32 times the
// scale.
constexpr std::string_view kModel =
    "graph \"mlp\" tokens=32\n%x: fp32[32,40] = input\n%w: fp32[40,24] = parameter\n%v: fp32[24,10] = "
    "parameter\n%c: fp32[10] = parameter\n"
    "%h: fp32[32,24] = matmul(%x, %w) phase=forward name=\"fc1\"\n"
    "%r: fp32[32,24] = relu(%h) phase=forward name=\"relu\"\n"
    "%s: fp32[32,10] = matmul(%r, %v) phase=forward name=\"fc2\"\n"
    "%y: fp32[32,10] = add(%s, %c) phase=forward name=\"bias\"\noutput %y\n";

compiler::Recipe recipe_of(compiler::Precision precision) {
  compiler::Recipe recipe;
  recipe.optimizer = compiler::Optimizer::adamw;
  recipe.loss = compiler::Loss::sum;
  recipe.precision = precision;
  recipe.lr = 0.01;
  recipe.warmup = 3;
  recipe.dynamic_loss_scale = true;
  recipe.loss_scale = 3e38;
  recipe.loss_scale_period = 4;
  return recipe;
}

std::vector<std::byte> bytes_of(const isa::Tensor& tensor, const isa::Memory& memory) {
  std::vector<std::byte> bytes(std::size_t(isa::bytes(tensor)));
  memory.read(tensor.address, bytes.data(), bytes.size());
  return bytes;
}

/// What the program brings with it; waves in inputs and parameters, and state that starts at 0.
void fill(const isa::Program& program, isa::Memory& memory) {
  for (const auto& tensor : program.tensors) {
    std::vector<std::byte> bytes = tensor.data;
    if (bytes.empty() && (tensor.role == isa::Role::input || tensor.role == isa::Role::parameter)) {
      std::vector<float> numbers(std::size_t(isa::elements(tensor)));
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(i * 37 % 64) / 32 - 1;
      bytes.resize(std::size_t(isa::bytes(tensor)));
      store_elements(tensor.dtype, numbers.data(), bytes.data(), std::ssize(numbers));
    }
    if (!bytes.empty()) memory.write(tensor.address, bytes.data(), bytes.size());
  }
}

class Both {
 public:
  Both(const isa::Program& program, const ChipConfig& chip)
      : program_(program), chip_(chip), simulation_(program, chip, values_on()) {
    fill(program, simulation_.memory());
    fill(program, memory_);
  }
  void step() {
    simulation_.step();
    isa::interpret(program_, {chip_.pe.rows, chip_.pe.columns}, chip_.local_store.bytes,
                   chip_.reduction_engine.banks, memory_);
    for (const auto& tensor : program_.tensors)
      CHECK_MESSAGE(bytes_of(tensor, simulation_.memory()) == bytes_of(tensor, memory_), tensor.name);
  }
  float number(const std::string& name) const {
    const isa::Tensor* tensor = program_.find(name);
    REQUIRE_MESSAGE(tensor != nullptr, name);
    float number = 0;
    load_elements(tensor->dtype, bytes_of(*tensor, memory_).data(), &number, 1);
    return number;
  }
  float loss() const {
    for (const auto& tensor : program_.tensors)
      if (tensor.role == isa::Role::loss) return number(tensor.name);
    FAIL("no loss");
    return 0;
  }
  /// All that is carried from step to step, but for the scale.
  std::vector<std::vector<std::byte>> carried() const {
    std::vector<std::vector<std::byte>> all;
    for (const auto& tensor : program_.tensors)
      if ((tensor.role == isa::Role::parameter || tensor.role == isa::Role::state) &&
          !tensor.name.starts_with("loss_scale"))
        all.push_back(bytes_of(tensor, memory_));
    return all;
  }

 private:
  static model::RunOptions values_on() {
    model::RunOptions options;
    options.values = true;
    return options;
  }

  const isa::Program& program_;
  const ChipConfig& chip_;
  model::Simulation simulation_;
  isa::Memory memory_;
};

void train(compiler::Precision precision) {
  const ChipConfig chip = load_chip("tiny");
  const auto recipe = recipe_of(precision);
  const auto step = compiler::training_step(compiler::parse(kModel, "mlp"), recipe);
  const auto program = compiler::lower(step, chip, recipe, {});
  Both both(program, chip);
  auto carried = both.carried();
  CHECK(carried.size() == 12);  // three parameters, two moments of each, two corrections, the warmup's steps
  auto scale = float(recipe.loss_scale);
  int skipped = 0, good = 0;
  float first = 0;
  for (bool doubled = false; !doubled;) {
    both.step();
    if (skipped == 0) first = both.loss();
    const bool overflows = both.number("loss_scale") < scale;
    good = overflows ? 0 : good + 1;
    doubled = good == recipe.loss_scale_period;
    scale *= overflows ? 0.5F : doubled ? 2.0F : 1.0F;
    CHECK(both.number("loss_scale") == scale);
    CHECK(both.number("loss_scale.good_steps") == float(doubled ? 0 : good));
    auto next = both.carried();
    CHECK((next == carried) == overflows);
    carried = std::move(next);
    REQUIRE((skipped += overflows) < 20);
  }
  CHECK(skipped >= 5);  // 32 times 3e38 takes five halvings
  CHECK(both.loss() < first);
}

}  // namespace

TEST_CASE("loss scale: steps that overflow are skipped in bf16 on the chip as interpreted") {
  train(compiler::Precision::bf16);
}

TEST_CASE("loss scale: steps that overflow are skipped in fp8 on the chip as interpreted") {
  train(compiler::Precision::fp8);
}
