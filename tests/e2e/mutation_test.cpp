// Every kind of file that the command line reads, damaged at random: it is accepted, or refused on two lines
// with its exit code and without an output file. No crash, no hang, no memory beyond what the file can ask
// for.
#include <sys/resource.h>

#include <cstring>
#include <span>

#include "base/errors.h"
#include "base/hash.h"
#include "isa/core.h"
#include "isa/program.h"
#include "tests/e2e/leto_process.h"
#include "tests/e2e/mutate.h"

namespace leto::e2e {
namespace {

constexpr long kMostKilobytes = 3L << 20;  // of any run; a sanitizer triples what it allocates

/// Runs leto, which must end well or refuse in the form of all errors, and then leave no `output`.
void check_orderly(const Folder& folder, const std::string& arguments, const std::string& output) {
  CAPTURE(arguments);
  fs::remove_all(folder / output);
  const auto done = shell(folder, "timeout 300 leto " + arguments);  // only a hang takes as long
  if (done.code == 0) return;
  CHECK_MESSAGE((done.code >= 2 && done.code <= 9), done.code, ": ", done.err);
  if (done.code != static_cast<int>(ExitCode::deadlock)) check_refused(done, done.code, "");
  CHECK_FALSE(fs::exists(folder / output));
}

struct Corpus {
  std::string file;                    // valid; made by `make`
  std::vector<std::string> arguments;  // what reads "bad" + its suffix
  std::string output;                  // what these write
  bool text;
};

/// Valid files of every kind, made by the binary itself.
void make_files(const Folder& folder) {
  write(folder / "recipe.toml",
        "optimizer = \"adamw\"\nloss = \"cross_entropy\"\nlr = 0.01\nbetas = [0.9, 0.99]\nweight_decay = "
        "0.1\nsteps "
        "= 3\n");
  write(folder / "chip.toml", leto(folder, "chips tiny").out);
  must(folder, "zoo mlp --batch 4 -o mlp.onnx");
  must(folder, "zoo lenet --batch 1 -o lenet.onnx");
  must(folder, "zoo gemm --m 16 --n 16 --k 16 -o gemm.onnx");
  must(folder, "zoo gpt2-small --layers 1 --batch 1 --seq 8 -o gpt.onnx");
  must(folder, "compile gemm.onnx --chip tiny -o gemm.prog");
  must(folder, "compile mlp.onnx --chip tiny --train recipe.toml -o mlp.prog");
  must(folder, "disasm gemm.prog -o gemm.lasm");
  must(folder, "interp gemm.onnx --chip tiny --out v");
  fs::copy_file(folder / "v/c.npy", folder / "c.npy");
  must(folder, "run gemm.onnx --chip tiny --out run");
  fs::create_directory(folder / "bad");
  fs::copy_file(folder / "run/record.json", folder / "record.json");
}

const std::vector<Corpus>& corpora() {
  static const std::vector<Corpus> all = {
      {"mlp.onnx", {"compile bad.onnx --chip tiny --train recipe.toml -o o.prog"}, "o.prog", false},
      {"lenet.onnx", {"compile bad.onnx --chip tiny -o o.prog"}, "o.prog", false},
      {"gpt.onnx", {"compile bad.onnx --chip tiny -o o.prog"}, "o.prog", false},
      {"chip.toml", {"run gemm.onnx --chip ./bad.toml --values on --out o"}, "o", true},
      {"recipe.toml", {"compile mlp.onnx --chip tiny --train bad.toml -o o.prog"}, "o.prog", true},
      {"c.npy", {"interp gemm.onnx --chip tiny --inputs a=bad.npy --out o"}, "o", false},
      {"gemm.lasm", {"asm bad.lasm -o o.prog"}, "o.prog", true},
      {"record.json", {"report bad run -o o.html", "diff bad run"}, "o.html", true},
  };
  return all;
}

void damage_files(std::uint64_t first, std::uint64_t count) {
  const Folder folder;
  make_files(folder);
  for (const auto& corpus : corpora()) {
    const auto good = read(folder / corpus.file);
    const auto suffix = fs::path(corpus.file).extension().string();
    for (auto seed = first; seed < first + count; ++seed) {
      CAPTURE(corpus.file);
      CAPTURE(seed);
      Mutator mutator(seed);
      write(folder / (suffix == ".json" ? "bad/record.json" : "bad" + suffix),
            corpus.text ? mutator.text(good) : mutator.binary(good));
      for (const auto& arguments : corpus.arguments) check_orderly(folder, arguments, corpus.output);
    }
  }
}

// ---- programs ----

std::string sealed(std::string file) {
  if (file.size() < sizeof(std::uint64_t)) return file;
  const auto body = std::as_bytes(std::span(file)).first(file.size() - sizeof(std::uint64_t));
  const std::uint64_t sum = fnv1a(body);
  std::memcpy(file.data() + body.size(), &sum, sizeof sum);
  return file;
}

/// Does every core of the tiny chip end soon? A flipped bit in a loop's count is a legal program that runs
/// for days.
bool ends_soon(const isa::Program& program) {
  constexpr int kSoon = 20000;
  for (int pe = 0; pe < 4; ++pe)
    for (int id = 0; id < isa::kCores; ++id) {
      isa::Core core(program.code[id], id, {pe / 2, pe % 2, 2, 2});
      int steps = 0;
      for (; !core.ended() && steps < kSoon; ++steps)
        core.unit() == isa::Unit::core ? core.execute_scalar() : core.advance();
      if (steps == kSoon) return false;
    }
  return true;
}

bool worth_running(const std::string& file) {
  try {
    return ends_soon(isa::program_from_bytes(std::as_bytes(std::span(file)), "bad.prog"));
  } catch (const Error&) {
    return true;  // must be refused, by the same error
  }
}

void damage_programs(std::uint64_t first, std::uint64_t count) {
  const Folder folder;
  make_files(folder);
  std::uint64_t ran = 0;
  for (const std::string name : {"gemm.prog", "mlp.prog"}) {
    const auto good = read(folder / name);
    for (auto seed = first; seed < first + count; ++seed) {
      CAPTURE(name);
      CAPTURE(seed);
      const auto bad = sealed(Mutator(seed).binary(good));
      write(folder / "bad.prog", bad);
      check_orderly(folder, "disasm bad.prog -o o.lasm", "o.lasm");
      if (!worth_running(bad)) continue;
      ++ran;
      check_orderly(folder, "interp bad.prog --chip tiny --out o", "o");
      check_orderly(folder, "run bad.prog --chip tiny --values on --out o", "o");
    }
  }
  CHECK(ran > count);  // of 2 x count
}

void check_memory() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  CHECK(usage.ru_maxrss < kMostKilobytes);
}

TEST_CASE("damaged files: accepted, or refused in two lines") {
  damage_files(0, 10);
  check_memory();
}

TEST_CASE("damaged programs under a right checksum: run, or refused in two lines") {
  damage_programs(0, 20);
  check_memory();
}

TEST_SUITE("slow") {
  TEST_CASE("damaged files: five hundred of each kind") {
    damage_files(1000, 500);
    check_memory();
  }

  TEST_CASE("damaged programs: two thousand") {
    damage_programs(1000, 1000);
    check_memory();
  }
}

}  // namespace
}  // namespace leto::e2e
