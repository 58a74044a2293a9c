// Models from outside and a training run long enough to learn: what a user would check first.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <sstream>
#include <vector>

#include "base/npy.h"
#include "compiler/compiler.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

const fs::path kModel = fs::path(LETO_SOURCE_DIR) / "traces/onnx/ppocr_mobile_v2_cls.onnx";
const compiler::Bindings kSizes = {
    {"batch", 1}, {"p2o.DynamicDimension.1", 48}, {"p2o.DynamicDimension.2", 192}};

/// The input that the golden output was made with: its formula is in traces/onnx.
std::vector<float> golden_input() {
  std::vector<float> x(std::size_t{3} * 48 * 192);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(static_cast<double>(i * 37 % 255) / 127.5 - 1);
  return x;
}

std::vector<double> golden_output() {
  return nlohmann::json::parse(
             read(fs::path(LETO_SOURCE_DIR) / "traces/onnx/ppocr_mobile_v2_cls.golden.json"))
      .at("values")
      .get<std::vector<double>>();
}

void check_scores(const std::vector<float>& scores, double tolerance) {
  const auto golden = golden_output();
  REQUIRE(scores.size() == golden.size());
  for (std::size_t i = 0; i < golden.size(); ++i)
    CHECK(static_cast<double>(scores[i]) == doctest::Approx(golden[i]).scale(0).epsilon(tolerance));
}

TEST_CASE("golden: a classifier from outside gives in fp32 what another runtime recorded") {
  const auto results = compiler::evaluate(compiler::import_onnx(kModel, kSizes), {{"x", golden_input()}});
  REQUIRE(results.size() == 1);
  check_scores(results.begin()->second, 1e-5);
}

TEST_CASE("golden: the same classifier in bf16 on the chip is near") {
  const Folder folder;
  save_npy(npy_from_floats(golden_input(), {1, 3, 48, 192}), folder / "x.npy");
  write(folder / "r.toml", "precision = \"bf16\"\n");
  std::string model = kModel.string() + " --train r.toml --chip pilot --inputs x=x.npy";
  for (const auto& [name, size] : kSizes) model += fmt::format(" --bind {}={}", name, size);
  must(folder, "run " + model + " --values on --out o");
  must(folder, "interp " + model + " --out v");
  const auto output = (fs::directory_iterator(folder / "o/values"))->path();
  CHECK(read(output) == read(folder / "v" / output.filename().string()));
  check_scores(to_floats(load_npy(output)), 0.02);  // 8 bits of fraction through 60 layers
}

double mean_size(const std::vector<double>& numbers) {
  double sum = 0;
  for (const auto x : numbers) sum += std::abs(x);
  return sum / static_cast<double>(numbers.size());
}

/// loss.csv of a run with --reference.
struct Curves {
  std::vector<double> loss, reference;
  std::vector<double> differences() const {
    std::vector<double> all;
    std::transform(loss.begin(), loss.end(), reference.begin(), std::back_inserter(all), std::minus<>());
    return all;
  }
};

Curves read_curves(const fs::path& path) {
  std::istringstream csv(read(path));
  std::string line;
  std::getline(csv, line);
  Curves curves;
  while (std::getline(csv, line)) {
    double loss = 0, reference = 0;
    REQUIRE(std::sscanf(line.c_str(), "%*d,%lf,%lf", &loss, &reference) == 2);
    curves.loss.push_back(loss);
    curves.reference.push_back(reference);
  }
  return curves;
}

/// Of the last `count` numbers.
double mean_of_last(const std::vector<double>& numbers, int count) {
  return std::accumulate(numbers.end() - count, numbers.end(), 0.0) / count;
}

TEST_SUITE("slow") {
  TEST_CASE("golden: LeNet learns MNIST on the chip along the fp32 curve") {
    const Folder folder;
    must(folder, "zoo lenet --batch 32 -o lenet.onnx");
    write(folder / "r.toml",
          "optimizer = \"momentum\"\nloss = \"cross_entropy\"\nlr = 0.01\nbatch = 32\nsteps = 250\n"
          "data = \"mnist\"\n");
    must(folder, "run lenet.onnx --chip tiny --train r.toml --reference --out o");
    const auto difference = read_curves(folder / "o/loss.csv").differences();
    REQUIRE(difference.size() == 250);  // one pass over the 8,000 training images
    CHECK(mean_size(difference) < 0.04);
    // Single batches part as rounding is amplified; what is learned does not.
    CHECK(std::abs(mean_of_last(difference, 50)) < 0.01);
    const auto record = nlohmann::json::parse(read(folder / "o/record.json"));
    CHECK(record.at("accuracy").get<double>() >= 0.92);
  }

  TEST_CASE("golden: a GPT of two layers learns names on the chip along the fp32 curve") {
    const Folder folder;
    must(folder,
         "zoo gpt2-small --layers 2 --width 32 --heads 2 --vocabulary 27 --seq 16 --batch 32 -o gpt.onnx");
    const std::string recipe = LETO_SOURCE_DIR "/apps/recipes/names.toml";
    must(folder, "run gpt.onnx --chip tiny --train " + recipe + " --reference --out o");
    const auto curves = read_curves(folder / "o/loss.csv");
    REQUIRE(curves.loss.size() == 400);
    CHECK(curves.loss.front() == doctest::Approx(std::log(27.0)).epsilon(0.02));  // knows nothing
    CHECK(mean_of_last(curves.loss, 50) < 2.4);  // a table of pairs of letters is at 2.45
    CHECK(mean_of_last(curves.loss, 50) > 2.1);  // far below: it was shown what it is to foretell
    CHECK(mean_size(curves.differences()) < 0.04);
    CHECK(std::abs(mean_of_last(curves.differences(), 50)) < 0.02);
  }
}

}  // namespace
}  // namespace leto::e2e
