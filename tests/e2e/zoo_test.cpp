// The models of the zoo, made small: what they say they are, and that a training step on the chip computes
// it.
#include "compiler/reference/initial.h"
#include "tests/compiler/program_values.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

const std::string kSmallTransformer =
    " --batch 2 --seq 16 --layers 2 --width 32 --heads 4 --ffn 48 --vocabulary 100";

struct Model {
  std::string command;
  compiler::Loss loss;
  double tolerance;  // of gradients in bf16, relative to the largest
};

const std::vector<Model>& models() {
  static const std::vector<Model> list{
      {"attention --batch 2 --seq 24 --heads 4 --kv-heads 2 --head-dim 16 --causal", compiler::Loss::sum,
       2e-2},
      {"attention --batch 1 --seq 24 --heads 2 --kv-heads 2 --head-dim 8", compiler::Loss::sum, 2e-2},
      {"llama3-8b --kv-heads 2" + kSmallTransformer, compiler::Loss::cross_entropy, 2e-2},
      {"llama3-70b --kv-heads 4" + kSmallTransformer, compiler::Loss::cross_entropy, 2e-2},
      {"bert-base" + kSmallTransformer, compiler::Loss::cross_entropy, 2e-2},
      {"hstu --batch 2 --seq 16 --layers 2 --width 32 --heads 4 --items 100", compiler::Loss::cross_entropy,
       2e-2},
      {"hstu --batch 3 --seq 12 --layers 1 --width 16 --heads 2 --items 50 --buckets 7 --ragged",
       compiler::Loss::cross_entropy, 2e-2},
      {"resnet50 --batch 2 --image 32 --width 4 --classes 10", compiler::Loss::cross_entropy, 5e-2},
  };
  return list;
}

/// Every pass is held against the graph before it.
compiler::Options checking() {
  compiler::Options options;
  options.check_values = true;
  return options;
}

/// The gradients of everything that can have one, and the loss.
compiler::Graph gradients_of(const compiler::Graph& forward, compiler::Loss loss) {
  compiler::Recipe recipe;
  recipe.loss = loss;
  return compiler::training_step(forward, recipe, checking());
}

compiler::Values contents(const compiler::Graph& graph) {
  compiler::Values values;
  for (const auto& v : graph.values)
    if (v.role != compiler::Role::constant && v.role != compiler::Role::intermediate)
      values[v.name] = compiler::initial_content(v, 1);
  return values;
}

TEST_CASE("zoo: loss and gradients of every small model are the graph's") {
  for (const Model& model : models()) {
    CAPTURE(model.command);
    const Folder folder;
    must(folder, "zoo " + model.command + " -o m.onnx");
    const auto graph = gradients_of(compiler::import_onnx(folder / "m.onnx"), model.loss);
    const auto chip = load_chip("tiny");
    const auto values = contents(graph);
    const auto want = compiler::evaluate(graph, values);
    const auto program = compiler::lower(graph, chip, {}, checking());
    const auto got = compiler::testing::interpret_program(program, chip, values);
    CHECK(graph.outputs.size() > 2);
    for (const auto id : graph.outputs) {
      const auto& name = graph.value(id).name;
      CHECK_MESSAGE(compiler::testing::error_of(got.at(name), want.at(name)) <= model.tolerance, name);
    }
    const auto& loss = graph.value(graph.loss).name;
    CHECK(compiler::testing::error_of(got.at(loss), want.at(loss)) <= 1e-2);
  }
}

std::int64_t parameters(const compiler::Graph& graph) {
  std::int64_t count = 0;
  for (const auto& v : graph.values)
    if (v.role == compiler::Role::parameter) count += elements(v.type);
  return count;
}

TEST_CASE("zoo: the models have as many parameters as those they are named after") {
  const Folder folder;
  // Counted from the published shapes; GPT-2 and BERT with tied heads, ResNet without running statistics.
  const std::vector<std::pair<std::string, std::int64_t>> published{
      {"gpt2-small", 124439808},          {"gpt2-medium", 354823168},
      {"gpt2-large", 774030080},          {"gpt2-xl", 1557611200},
      {"llama3-8b --seq 16", 8030261248}, {"llama3-70b --seq 16", 70553706496},
      {"bert-base --seq 16", 109514298},  {"resnet50", 25557032},
  };
  for (const auto& [model, count] : published) {
    must(folder, "zoo " + model + " -o m.onnx");
    CHECK_MESSAGE(parameters(compiler::import_onnx(folder / "m.onnx")) == count, model);
    CHECK_MESSAGE(fs::file_size(folder / "m.onnx") < (4 << 20), model);
  }
}

TEST_CASE("zoo: adamw is the published update") {
  const Folder folder;
  must(folder, "zoo adamw --n 1000 -o a.onnx");
  const auto graph = compiler::import_onnx(folder / "a.onnx");
  auto values = contents(graph);
  for (float& v : values.at("v")) v = std::fabs(v);
  const auto got = compiler::testing::interpret_program(compiler::lower(graph, load_chip("tiny"), {}, {}),
                                                        load_chip("tiny"), values);
  std::vector<float> m, v, p;
  for (std::size_t i = 0; i < 1000; ++i) {
    const double g = values.at("gradient")[i];
    m.push_back(float(0.9 * values.at("m")[i] + 0.1 * g));
    v.push_back(float(0.999 * values.at("v")[i] + 0.001 * g * g));
    const double change =
        m[i] / (1 - std::pow(0.9, 10)) / (std::sqrt(v[i] / (1 - std::pow(0.999, 10))) + 1e-8);
    p.push_back(float(values.at("parameter")[i] * (1 - 1e-3 * 0.01) - 1e-3 * change));
  }
  CHECK(compiler::testing::error_of(got.at("m.new"), m) < 1e-6);
  CHECK(compiler::testing::error_of(got.at("v.new"), v) < 1e-6);
  CHECK(compiler::testing::error_of(got.at("parameter.new"), p) < 1e-6);
}

TEST_CASE("zoo: settings that contradict each other are refused") {
  const Folder folder;
  check_refused(leto(folder, "zoo attention --heads 6 --kv-heads 4 -o m.onnx"), 2,
                "no multiple of --kv-heads");
  check_refused(leto(folder, "zoo llama3-8b --width 4100 -o m.onnx"), 2, "--width");
  check_refused(leto(folder, "zoo bert-base --heads 5 -o m.onnx"), 2, "--width");
  CHECK_FALSE(fs::exists(folder / "m.onnx"));
}

}  // namespace
}  // namespace leto::e2e
