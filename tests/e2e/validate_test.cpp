// leto validate and leto bench.
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

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
    for (const char* row : {"SystemC alone", "GEMM, values off", "GEMM, values on", "add", "attention",
                            "GPT-2 small", "Llama-3-8B",
                            "DRAM, sequential", "DRAM, random", "threads/s", "MAC/s", "bursts/s"})
      CHECK_MESSAGE(done.out.find(row) != std::string::npos, row);
  }
}

TEST_CASE("bench: a history grows by a line for each row that was chosen") {
  Folder folder;
  must(folder, "bench --quick --only add --history h.jsonl");
  must(folder, "bench --quick --only add,gemm --history h.jsonl");
  std::istringstream lines(read(folder / "h.jsonl"));
  std::vector<std::string> workloads;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    for (const char* key : {"date", "commit", "host"}) CHECK(row[key].is_string());
    CHECK(row["rates"].is_object());
    CHECK(row["per_thread_switch"].is_object());
    workloads.push_back(row["workload"]);
  }
  CHECK(workloads.size() == 6);
  CHECK(workloads[0] == "SystemC alone");
  CHECK(workloads[1].starts_with("add"));
  CHECK(workloads[3].starts_with("GEMM, values off"));
  check_refused(leto(folder, "bench --quick --full"), 2, "--full");
}

}  // namespace leto::e2e
