// The simulated chip against the untimed interpreter, through the binary: same program, same bits.
#include <vector>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

const std::string kMlp = "m.onnx --chip tiny --train r.toml";

/// The model and the recipe that kMlp names; `more`: further keys of the recipe.
void make_mlp(const Folder& folder, const std::string& more) {
  must(folder, "zoo mlp --batch 32 -o m.onnx");
  write(folder / "r.toml", "optimizer = \"momentum\"\nloss = \"cross_entropy\"\nlr = 0.05\n" + more);
}

void same_files(const fs::path& a, const fs::path& b) {
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(a)) {
    ++compared;
    CHECK_MESSAGE(read(entry.path()) == read(b / entry.path().filename()), entry.path().string());
  }
  CHECK(compared > 0);
}

TEST_CASE("values: a gemm on the chip equals the interpreter's") {
  for (const std::string dtype : {"bf16", "fp8"}) {
    const Folder folder;
    must(folder, "zoo gemm --m 70 --n 50 --k 90 --dtype " + dtype + " -o g.onnx");
    must(folder, "run g.onnx --chip tiny --values on --out o");
    must(folder, "interp g.onnx --chip tiny --out w");
    same_files(folder / "w", folder / "o/values");
  }
}

TEST_CASE("values: an operand that is turned in memory first gives the same product") {
  const Folder folder;
  REQUIRE(shell(folder, "leto zoo gemm --m 192 --n 160 --k 512 --trans-a --dtype fp8 -o g.onnx").code == 0);
  const std::string slow = "g.onnx --chip tiny --set layout_engine.bytes_per_cycle=4";
  REQUIRE(shell(folder, "leto compile " + slow + " -o g.prog").code == 0);
  CHECK(shell(folder, "leto disasm g.prog").out.find("kind=\"copy\"") != std::string::npos);
  REQUIRE(shell(folder, "leto interp g.onnx --chip tiny --out straight").code == 0);
  REQUIRE(shell(folder, "leto interp " + slow + " --out turned").code == 0);
  REQUIRE(shell(folder, "leto run " + slow + " --values on --out run").code == 0);
  CHECK(read(folder / "straight" / "c.npy") == read(folder / "turned" / "c.npy"));
  CHECK(read(folder / "run" / "values" / "c.npy") == read(folder / "turned" / "c.npy"));
}

TEST_CASE("values: a program alone gives what its model gives, weights stored or drawn") {
  const Folder folder;
  must(folder, "zoo gpt2-small --layers 1 --batch 1 --seq 16 -o gpt.onnx");
  make_mlp(folder, "seed = 7\n");
  for (const std::string& model : {std::string("gpt.onnx --chip tiny"), kMlp}) {
    CAPTURE(model);
    must(folder, "compile " + model + " -o step.prog");
    must(folder, "interp " + model + " --out m");
    must(folder, "interp step.prog --out p");
    same_files(folder / "m", folder / "p");
  }
}

TEST_CASE("values: no two tensors share a file") {
  const Folder folder;
  std::string text = ".name \"names\"\n.chip \"tiny\"\n";
  const std::string longer(300, 'n');
  for (const std::string& name : {std::string("a/b"), std::string("a_b"), std::string("a%2Fb"),
                                  std::string(".a"), longer + "1", longer + "2"})
    text += ".tensor \"" + name + "\" role=output dtype=fp32 shape=2 address=0 limit=0\n";
  write(folder / "n.lasm", text + ".core 0\nend\n");
  must(folder, "asm n.lasm -o n.prog");
  must(folder, "interp n.prog --out v");
  CHECK(std::distance(fs::directory_iterator(folder / "v"), {}) == 6);
  for (const std::string file : {"a%2Fb.npy", "a_b.npy", "a%252Fb.npy", "%2Ea.npy"})
    CHECK_MESSAGE(fs::exists(folder / ("v/" + file)), file);
}

TEST_CASE("values: an MLP training step on the chip equals the interpreter's") {
  const Folder folder;
  make_mlp(folder, "");
  must(folder, "run " + kMlp + " --values on --out o");
  must(folder, "interp " + kMlp + " --out w");
  same_files(folder / "w", folder / "o/values");
}

TEST_CASE("values: steps of the zoo's models, made small, equal the interpreter's") {
  const Folder folder;
  write(folder / "adamw.toml", "optimizer = \"adamw\"\n");
  write(folder / "sum.toml", "optimizer = \"none\"\nloss = \"sum\"\n");
  // The last: rows of scores that are longer than the local store.
  const std::string small = " --batch 1 --seq 16 --layers 1 --width 32 --heads 4 --ffn 48 --vocabulary ";
  for (const auto& [model, flags] : std::vector<std::pair<std::string, std::string>>{
           {"attention --seq 24 --heads 4 --kv-heads 2 --head-dim 16 --causal", "--train sum.toml"},
           {"llama3-8b --kv-heads 2" + small + "100", "--train adamw.toml"},
           {"bert-base" + small + "100", "--train adamw.toml"},
           {"resnet50 --batch 1 --image 32 --width 4 --classes 10", "--train adamw.toml"},
           {"bert-base" + small + "40009", "--train adamw.toml"}}) {
    CAPTURE(model);
    must(folder, "zoo " + model + " -o m.onnx");
    must(folder, "run m.onnx --chip tiny --values on --out o " + flags);
    must(folder, "interp m.onnx --chip tiny --out w " + flags);
    same_files(folder / "w", folder / "o/values");
    fs::remove_all(folder / "o");
    fs::remove_all(folder / "w");
  }
}

TEST_CASE("values: twice the same run, exactly") {
  const Folder folder;
  make_mlp(folder, "");
  for (const std::string out : {"a", "b", "c --seed 2"})
    must(folder, "run " + kMlp + " --values on --out " + out);
  must(folder, "diff a b --exact");
  check_refused(leto(folder, "diff a c --exact"), 8, "differ");
}

TEST_CASE("values: training on digits lowers the loss, near the fp32 reference in bf16 and fp8") {
  for (const std::string precision : {"bf16", "fp8"}) {
    CAPTURE(precision);
    const Folder folder;
    make_mlp(folder, "batch = 32\nsteps = 30\ndata = \"digits\"\nprecision = \"" + precision + "\"\n");
    const auto done = leto(folder, "run " + kMlp + " --reference --out o");
    REQUIRE_MESSAGE(done.code == 0, done.err);
    CHECK(done.out.find("test accuracy: ") != std::string::npos);
    CHECK(done.out.find("fp32 reference: ") != std::string::npos);
    CHECK(done.out.ends_with("report: o/report.html\n"));
    double first = 0, last = 0, reference = 0;
    CHECK(read(folder / "o/record.json").find("\"loss_reference\"") != std::string::npos);
    CHECK(read(folder / "o/report.html").find("curve reference") != std::string::npos);
    const auto csv = read(folder / "o/loss.csv");
    REQUIRE(std::sscanf(csv.c_str(), "step,loss,loss_reference\n0,%lf", &first) == 1);
    REQUIRE(std::sscanf(csv.substr(csv.rfind("\n29,")).c_str(), "\n29,%lf,%lf", &last, &reference) == 2);
    CHECK(last < 0.5 * first);
    CHECK(last == doctest::Approx(reference).epsilon(0.1));
  }
}

TEST_CASE("values: text is cut into tokens and the tokens after them, the same with the same seed") {
  const Folder folder;
  const std::string small = " --layers 1 --width 8 --heads 1 --seq 8 --batch 4 -o g.onnx --vocabulary ";
  must(folder, "zoo gpt2-small" + small + "27");
  write(folder / "r.toml", "optimizer = \"sgd\"\nsteps = 3\ndata = \"names\"\n");
  const std::string run = "run g.onnx --chip tiny --train r.toml --reference --out ";
  for (const std::string out : {"a", "b", "c --seed 2"}) must(folder, run + out);
  must(folder, "diff a b --exact");
  CHECK(read(folder / "a/loss.csv") == read(folder / "b/loss.csv"));
  CHECK(read(folder / "a/loss.csv") != read(folder / "c/loss.csv"));
  CHECK(read(folder / "a/record.json").find("\"loss_reference\"") != std::string::npos);
  must(folder, "zoo gpt2-small" + small + "26");
  check_refused(leto(folder, run + "d"), 3, "27 kinds of tokens");
  make_mlp(folder, "data = \"names\"\n");
  check_refused(leto(folder, "run " + kMlp + " --out d"), 3, "no windows");
}

}  // namespace
}  // namespace leto::e2e
