// leto decide as a user runs it: the worked example, its files, its errors.
#include <doctest/doctest.h>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

const std::string kExample = std::string(LETO_SOURCE_DIR) + "/study/examples/pilot";
const std::string kCommand = "decide " + kExample + "/criteria.toml " + kExample +
                             "/records/llama3-8b.json " + kExample + "/records/gpt2-small.json --out ";

TEST_CASE("decide: the worked example twice gives the same files and names what is missing") {
  const Folder folder;
  const Finished first = leto(folder, kCommand + "a");
  REQUIRE_MESSAGE(first.code == 0, first.err);
  CHECK(first.out.find("verdict: ") == 0);
  CHECK(first.out.find("no record of dlrm") != std::string::npos);
  must(folder, kCommand + "b");
  for (const char* file : {"decision.html", "decision.md", "decision.json", "audit.tar"})
    CHECK_MESSAGE(read(folder / "a" / file) == read(folder / "b" / file), file);
}

TEST_CASE("decide: a gemm alone is conditional and exits with 0") {
  const Folder folder;
  must(folder, "zoo gemm --m 64 --n 64 --k 64 -o g.onnx");
  must(folder, "run g.onnx --chip pilot --out g");
  const Finished result = leto(folder, "decide " + kExample + "/criteria.toml g --out d");
  CHECK(result.code == 0);
  CHECK(result.out.find("verdict: CONDITIONAL") == 0);
}

TEST_CASE("decide: bad criteria leave nothing behind") {
  const Folder folder;
  write(folder / "c.toml", "title = \"x\"\n");
  check_refused(leto(folder, "decide c.toml " + kExample + "/records/gpt2-small.json --out d"), 3, "c.toml");
  CHECK_FALSE(fs::exists(folder / "d"));
}

}  // namespace
}  // namespace leto::e2e
