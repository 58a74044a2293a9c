// Bad input of every kind: the exit code, one line of cause, one of remedy, and no partial file.
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// A chip file that differs from a preset in one replacement.
void chip_file(const Folder& folder, const std::string& from, const std::string& to) {
  auto text = leto(folder, "chips tiny").out;
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, text);
  write(folder / "chip.toml", text.replace(at, from.size(), to));
}

TEST_CASE("bad input: command lines") {
  const Folder folder;
  check_refused(leto(folder, ""), 2, "");
  check_refused(leto(folder, "nosuchverb"), 2, "");
  check_refused(leto(folder, "run"), 2, "input");
  check_refused(leto(folder, "zoo gemm --m twelve -o g.onnx"), 2, "twelve");
  check_refused(leto(folder, "zoo gemm --m 0 -o g.onnx"), 2, "--m 0");
  check_refused(leto(folder, "zoo gemm"), 2, "output");
  check_refused(leto(folder, "zoo gemm --dtype bf17 -o g.onnx"), 2, "bf17");
  check_refused(leto(folder, "explain no_such_counter"), 2, "no_such_counter");
  CHECK_FALSE(fs::exists(folder / "g.onnx"));
}

TEST_CASE("bad input: what is not there yet says so") {
  const Folder folder;
  check_refused(leto(folder, "sweep a.toml --jobs 2"), 4, "not yet");
  check_refused(leto(folder, "zoo gemm --dtype fp4 -o l.onnx"), 2, "fp4");
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  check_refused(leto(folder, "run g.onnx --values on --fidelity event --out o"), 2, "event");
  check_refused(leto(folder, "run g.onnx --values on --fidelity roofline --out o"), 2, "roofline");
  check_refused(leto(folder, "run g.onnx --values off --twin 'pe[0].matrix_engine=check' --out o"), 4,
                "values");
  check_refused(leto(folder, "run g.onnx --values on --twin 'pe[0].vector_engine=model' --out o"), 2,
                "instance");
  check_refused(leto(folder, "run g.onnx --twin 'pe[0].matrix_engine=chekc' --out o"), 2, "chekc");
  check_refused(leto(folder, "run g.onnx --twin 'pe[0].matrix_engine=check:every=0' --out o"), 2, "every");
  check_refused(leto(folder, "run g.onnx --twin 'pe[0].matrix_engine=check:inject=x@1' --out o"), 2,
                "c_data");
  CHECK_FALSE(fs::exists(folder / "l.onnx"));
  CHECK_FALSE(fs::exists(folder / "o"));
}

TEST_CASE("bad input: models") {
  const Folder folder;
  must(folder, "zoo mlp -o m.onnx");
  const auto model = read(folder / "m.onnx");
  write(folder / "cut.onnx", model.substr(0, model.size() / 2));
  write(folder / "noise.onnx", std::string(1000, '\xee'));
  write(folder / "empty.onnx", "");
  for (const std::string name : {"cut", "noise", "empty", "absent"})
    check_refused(leto(folder, "compile " + name + ".onnx --chip tiny -o p.prog"), 3, name + ".onnx");
  auto unknown = model;
  for (auto at = unknown.find("Relu"); at != std::string::npos; at = unknown.find("Relu"))
    unknown.replace(at, 4, "Bogu");
  write(folder / "unknown.onnx", unknown);
  check_refused(leto(folder, "compile unknown.onnx --chip tiny -o p.prog"), 4, "Bogu");
  CHECK_FALSE(fs::exists(folder / "p.prog"));
}

TEST_CASE("bad input: chip files name file and line") {
  const Folder folder;
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  const auto compile = [&] { return leto(folder, "compile g.onnx --chip chip.toml -o p.prog"); };
  chip_file(folder, "issue_cycles", "isue_cycles");
  check_refused(compile(), 3, "chip.toml:");
  chip_file(folder, "clock_mhz", "rows = 2\nclock_mhz");
  check_refused(compile(), 3, "chip.toml:");
  chip_file(folder, "banks = ", "banks = -");
  check_refused(compile(), 3, "chip.toml:");
  chip_file(folder, "hop_cycles", "# hop_cycles");
  check_refused(compile(), 3, "hop_cycles");
  check_refused(leto(folder, "compile g.onnx --chip nosuchchip -o p.prog"), 3, "nosuchchip");
  CHECK_FALSE(fs::exists(folder / "p.prog"));
}

TEST_CASE("bad input: recipes name file and line") {
  const Folder folder;
  must(folder, "zoo mlp -o m.onnx");
  const auto compile = [&](const std::string& recipe) {
    write(folder / "r.toml", recipe);
    return leto(folder, "compile m.onnx --chip tiny --train r.toml -o p.prog");
  };
  check_refused(compile("optimiser = \"sgd\"\n"), 3, "r.toml:1");
  check_refused(compile("loss = \"mse\"\nlr = \"fast\"\n"), 3, "r.toml:2");
  check_refused(compile("lr = \n"), 3, "r.toml:1");
  CHECK_FALSE(fs::exists(folder / "p.prog"));
}

TEST_CASE("bad input: programs with flipped bits never crash") {
  const Folder folder;
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  must(folder, "compile g.onnx --chip tiny -o p.prog");
  const auto program = read(folder / "p.prog");
  for (int i = 0; i < 24; ++i) {
    auto damaged = program;
    damaged[program.size() * static_cast<std::size_t>(i) / 24] ^= static_cast<char>(1 << (i % 8));
    write(folder / "bad.prog", damaged);
    check_refused(leto(folder, "disasm bad.prog"), 3, "bad.prog");
  }
  write(folder / "bad.prog", program.substr(0, program.size() - 9));
  check_refused(leto(folder, "interp bad.prog --chip tiny"), 3, "bad.prog");
}

TEST_CASE("bad input: inputs that do not fit the program") {
  const Folder folder;
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  write(folder / "x.npy", "not an array");
  check_refused(leto(folder, "interp g.onnx --chip tiny --inputs a=x.npy"), 3, "x.npy");
  check_refused(leto(folder, "interp g.onnx --chip tiny --inputs a"), 2, "--inputs");
  must(folder, "interp g.onnx --chip tiny --out v");
  check_refused(leto(folder, "interp g.onnx --chip tiny --inputs nosuch=v/c.npy"), 2, "nosuch");
}

TEST_CASE("bad input: a full disk leaves no partial file") {
  const Folder folder;
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
  check_refused(leto(folder, "chips pilot > /dev/full"), 9, "standard output");
  check_refused(shell(folder, "ulimit -f 8; leto run g.onnx --chip tiny --values on --out small"), 9,
                "small");
  CHECK_FALSE(fs::exists(folder / "small"));
  if (geteuid() != 0 || shell(folder, "mkdir disk && mount -t tmpfs -o size=8k tmpfs disk").code != 0) {
    MESSAGE("no right to mount a small disk here: only /dev/full was tried");
    return;
  }
  check_refused(leto(folder, "zoo gpt2-small --layers 1 --seq 64 -o disk/g.onnx"), 9, "disk");
  CHECK(fs::is_empty(folder / "disk"));
  must(folder, "run g.onnx --chip tiny --values on --out out");
  for (const std::string kept : {"", "mkdir disk/o; echo old > disk/o/record.json; "}) {
    check_refused(shell(folder, kept + "leto run g.onnx --chip tiny --values on --out disk/o"), 9, "disk");
    CHECK(fs::exists(folder / "disk/o") == !kept.empty());
  }
  CHECK(read(folder / "disk/o/record.json") == "old\n");
  CHECK(std::distance(fs::directory_iterator(folder / "disk/o"), {}) == 1);
  CHECK(shell(folder, "umount disk").code == 0);
  check_refused(leto(folder, "zoo gemm -o nosuchfolder/g.onnx"), 9, "nosuchfolder");
}

}  // namespace
}  // namespace leto::e2e
