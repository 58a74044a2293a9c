// leto validate and leto bench.
#include "tests/e2e/leto_process.h"

namespace leto::e2e {

TEST_CASE("validate: the quick suites hold, and docs/validation.md is fresh") {
  Folder folder;
  const std::string document = read(fs::path(LETO_SOURCE_DIR) / "docs/validation.md");
  write(folder / "validation.md", document);
  const auto done = leto(folder, "validate --suite oracles,dram,determinism --docs validation.md");
  CHECK_MESSAGE(done.code == 0, done.out, done.err);
  CHECK(done.out.find("FAILED") == std::string::npos);
  CHECK_MESSAGE(read(folder / "validation.md") == document,
                "renew it: leto validate --suite oracles,dram,determinism --docs docs/validation.md");
}

TEST_CASE("validate: a file without sections is refused and stays") {
  Folder folder;
  write(folder / "empty.md", "nothing\n");
  check_refused(leto(folder, "validate --suite determinism --docs empty.md"), 3, "no section");
  CHECK(read(folder / "empty.md") == "nothing\n");
  check_refused(leto(folder, "validate --quick --docs empty.md"), 2, "--docs");
  CHECK(leto(folder, "validate --suite nonsense").code == 2);
}

TEST_SUITE("slow") {
  TEST_CASE(
      "validate: the cost model of matrix products is as near the simulator as docs/validation.md says") {
    Folder folder;
    const std::string document = read(fs::path(LETO_SOURCE_DIR) / "docs/validation.md");
    write(folder / "validation.md", document);
    const auto done = leto(folder, "validate --suite cost_model --docs validation.md");
    CHECK_MESSAGE(done.code == 0, done.out, done.err);
    CHECK_MESSAGE(read(folder / "validation.md") == document,
                  "renew it: leto validate --suite cost_model --docs docs/validation.md");
  }

  TEST_CASE("bench: every rate is there beside SystemC's own") {
    Folder folder;
    const auto done = leto(folder, "bench --quick");
    CHECK_MESSAGE(done.code == 0, done.err);
    for (const char* row : {"SystemC alone", "GEMM, values off", "GEMM, values on", "add", "GPT-2 small",
                            "DRAM, sequential", "DRAM, random", "threads/s", "MAC/s", "bursts/s"})
      CHECK_MESSAGE(done.out.find(row) != std::string::npos, row);
  }
}

}  // namespace leto::e2e
