// Tuning: kernels measured on the simulated chip, and the database that keeps what was measured.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// Cycles of a run with these flags.
std::int64_t cycles(const Folder& folder, const std::string& flags) {
  const Finished run = shell(folder, "leto run " + flags + " --values off --json --out out");
  REQUIRE_MESSAGE(run.code == 0, run.err);
  return nlohmann::json::parse(run.out)["cycles"].get<std::int64_t>();
}

Finished compile(const Folder& folder, const std::string& flags) {
  return shell(folder, "leto compile model.onnx --chip tiny " + flags);
}

bool says(const Finished& finished, const std::string& what) {
  return finished.err.find(what) != std::string::npos;
}

/// A product, a softmax and what follows it: three kinds of kernels.
void make_model(const Folder& folder) {
  REQUIRE(shell(folder,
                "leto zoo attention --batch 1 --heads 2 --kv-heads 2 --seq 64 --head-dim 16 -o model.onnx")
              .code == 0);
}

TEST_CASE("tune: never slower than the cost model where that is wrong") {
  const Folder folder;
  for (const char* shape :
       {"--m 256 --n 1024 --k 512", "--m 200 --n 300 --k 777", "--m 64 --n 2048 --k 64"}) {
    REQUIRE(shell(folder, std::string("leto zoo gemm -o gemm.onnx ") + shape).code == 0);
    const std::int64_t before = cycles(folder, "gemm.onnx --chip tiny"),
                       after = cycles(folder, "gemm.onnx --chip tiny --autotune 6");
    CHECK_MESSAGE(after <= before, shape);
  }
}

TEST_CASE("tune: the database is reused and gives the same program whatever the number of jobs") {
  const Folder folder;
  make_model(folder);
  const Finished first = compile(folder, "--autotune 3 --tune-db one.db -o one.prog");
  REQUIRE_MESSAGE(first.code == 0, first.err);
  CHECK_FALSE(says(first, " 0 simulations"));
  REQUIRE(compile(folder, "--autotune 3 --tune-db two.db --jobs 3 -o two.prog").code == 0);
  CHECK(read(folder / "one.db") == read(folder / "two.db"));
  CHECK(read(folder / "one.prog") == read(folder / "two.prog"));
  for (const char* flags :
       {"--tune-db one.db", "--autotune 3 --tune-db one.db", "--autotune 2 --tune-db one.db"}) {
    const Finished again = compile(folder, std::string(flags) + " -o again.prog");
    CHECK(again.code == 0);
    CHECK_MESSAGE(says(again, " 0 simulations"), again.err);
    CHECK(read(folder / "again.prog") == read(folder / "one.prog"));
  }
  CHECK(read(folder / "one.db") == read(folder / "two.db"));
}

TEST_CASE("tune: what was measured on another chip is kept apart") {
  const Folder folder;
  make_model(folder);
  REQUIRE(compile(folder, "--autotune 2 --tune-db t.db -o a.prog").code == 0);
  const std::string before = read(folder / "t.db");
  const Finished other = compile(folder, "--set noc.hop_cycles=3 --autotune 2 --tune-db t.db -o b.prog");
  REQUIRE_MESSAGE(other.code == 0, other.err);
  CHECK_FALSE(says(other, " 0 simulations"));
  CHECK(read(folder / "t.db").size() > before.size());
  CHECK(says(compile(folder, "--autotune 2 --tune-db t.db -o a.prog"), " 0 simulations"));
}

TEST_CASE("tune: a damaged database is refused with place and remedy") {
  const Folder folder;
  make_model(folder);
  REQUIRE(compile(folder, "--autotune 2 --tune-db t.db -o a.prog").code == 0);
  const std::string good = read(folder / "t.db");
  const auto line = good.find('\n') + 1;
  const auto refused = [&](const std::string& content, const std::string& place) {
    write(folder / "t.db", content);
    const Finished f = compile(folder, "--tune-db t.db -o b.prog");
    CHECK(f.code == 3);
    CHECK_MESSAGE(says(f, place), f.err);
    CHECK(says(f, "--autotune"));
    CHECK_FALSE(fs::exists(folder / "b.prog"));
    CHECK(read(folder / "t.db") == content);
  };
  std::string flipped = good;
  flipped[good.size() - 12] ^= 1;  // in the last line
  refused(flipped, "t.db:");
  refused(good.substr(0, good.size() - 5), "t.db:");
  refused("something else\n" + good.substr(line), "t.db:1: ");
  refused(good + good.substr(line), "t.db:");
  refused("", "t.db:1: ");
  fs::remove(folder / "t.db");
  CHECK(says(compile(folder, "--tune-db t.db -o b.prog"), "no such tune database"));
}

TEST_CASE("tune: a program that is compiled already is not tuned") {
  const Folder folder;
  make_model(folder);
  REQUIRE(compile(folder, "-o a.prog").code == 0);
  CHECK(shell(folder, "leto run a.prog --autotune 2 --out out").code == 2);
}

}  // namespace
}  // namespace leto::e2e
