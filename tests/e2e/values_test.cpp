// The simulated chip against the untimed interpreter, through the binary: same program, same bits.
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

void same_files(const fs::path& a, const fs::path& b) {
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(a)) {
    ++compared;
    CHECK_MESSAGE(read(entry.path()) == read(b / entry.path().filename()), entry.path().string());
  }
  CHECK(compared > 0);
}

TEST_CASE("values: a gemm on the chip equals the interpreter's") {
  const Folder folder;
  must(folder, "zoo gemm --m 70 --n 50 --k 90 -o g.onnx");
  must(folder, "run g.onnx --chip tiny --values on --out o");
  must(folder, "interp o/program.prog --out v --seed 1");
  // The program alone does not know how its weights were drawn, so the model is interpreted too.
  must(folder, "interp g.onnx --chip tiny --out w");
  same_files(folder / "w", folder / "o/values");
}

TEST_CASE("values: an MLP training step on the chip equals the interpreter's") {
  const Folder folder;
  must(folder, "zoo mlp --batch 32 -o m.onnx");
  write(folder / "r.toml", "optimizer = \"momentum\"\nloss = \"cross_entropy\"\nlr = 0.05\n");
  must(folder, "run m.onnx --chip tiny --train r.toml --values on --out o");
  must(folder, "interp m.onnx --chip tiny --train r.toml --out w");
  same_files(folder / "w", folder / "o/values");
}

TEST_CASE("values: twice the same run, exactly") {
  const Folder folder;
  must(folder, "zoo mlp --batch 32 -o m.onnx");
  write(folder / "r.toml", "optimizer = \"momentum\"\nloss = \"cross_entropy\"\n");
  must(folder, "run m.onnx --chip tiny --train r.toml --values on --out a");
  must(folder, "run m.onnx --chip tiny --train r.toml --values on --out b");
  must(folder, "diff a b --exact");
  must(folder, "run m.onnx --chip tiny --train r.toml --values on --seed 2 --out c");
  check_refused(leto(folder, "diff a c --exact"), 8, "differ");
}

TEST_CASE("values: training on digits lowers the loss, near the fp32 reference") {
  const Folder folder;
  must(folder, "zoo mlp --batch 32 -o m.onnx");
  write(folder / "r.toml",
        "optimizer = \"momentum\"\nloss = \"cross_entropy\"\nlr = 0.05\nbatch = 32\nsteps = 30\ndata = "
        "\"digits\"\n");
  const auto done = leto(folder, "run m.onnx --chip tiny --train r.toml --reference --out o");
  REQUIRE_MESSAGE(done.code == 0, done.err);
  CHECK(done.out.find("test accuracy: ") != std::string::npos);
  CHECK(done.out.find("fp32 reference: ") != std::string::npos);
  CHECK(done.out.ends_with("report: o/report.html\n"));
  double first = 0, last = 0, reference = 0;
  CHECK(read(folder / "o/record.json").find("\"loss_reference\"") != std::string::npos);
  const auto csv = read(folder / "o/loss.csv");
  REQUIRE(std::sscanf(csv.c_str(), "step,loss,loss_reference\n0,%lf", &first) == 1);
  REQUIRE(std::sscanf(csv.substr(csv.rfind("\n29,")).c_str(), "\n29,%lf,%lf", &last, &reference) == 2);
  CHECK(last < 0.5 * first);
  CHECK(last == doctest::Approx(reference).epsilon(0.1));
}

}  // namespace
}  // namespace leto::e2e
