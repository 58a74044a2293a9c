// Every number of a run explained, through the binary: trace, waves, what-if, diff, explain.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

using Json = nlohmann::json;

void make_gemm(const Folder& folder) {
  must(folder, "zoo gemm --m 64 --n 48 --k 80 -o g.onnx");
}

TEST_CASE("explain: run --trace leaves a trace, and the record of a run without") {
  const Folder folder;
  make_gemm(folder);
  must(folder, "run g.onnx --chip tiny --out plain");
  must(folder, "run g.onnx --chip tiny --trace --out traced");
  CHECK(fs::file_size(folder / "traced/trace.pftrace") > 1000);
  CHECK_FALSE(fs::exists(folder / "plain/trace.pftrace"));
  CHECK(leto(folder, "diff plain traced --exact").code == 0);
  must(folder, "run g.onnx --chip tiny --out traced");
  CHECK_FALSE(fs::exists(folder / "traced/trace.pftrace"));  // no leftover beside another run's record
}

TEST_CASE("explain: run --waves leaves the signals asked for, or says why not") {
  const Folder folder;
  make_gemm(folder);
  const auto done = leto(folder, "run g.onnx --chip tiny --waves 'pe[0].*.state,hbm.*' --out waved");
  if (done.code == 4) return check_refused(done, 4, "no FST library");
  CHECK_MESSAGE(done.code == 0, done.err);
  CHECK(fs::file_size(folder / "waved/waves.fst") > 100);
  check_refused(leto(folder, "run g.onnx --chip tiny --waves nothing --out o"), 2,
                "no signal fits 'nothing'");
}

TEST_CASE("explain: a what-if run cannot be taken for a real one") {
  const Folder folder;
  make_gemm(folder);
  must(folder, "run g.onnx --chip tiny --out real");
  const auto done = leto(folder, "run g.onnx --chip tiny --what-if noc,hbm --out bound");
  CHECK_MESSAGE(done.code == 0, done.err);
  CHECK(done.out.find("WHAT IF unlimited hbm,noc") != std::string::npos);
  const Json real = Json::parse(read(folder / "real/record.json")),
             bound = Json::parse(read(folder / "bound/record.json"));
  CHECK_FALSE(real["identity"].contains("what_if"));
  CHECK(bound["identity"]["what_if"] == "hbm,noc");
  CHECK(bound["cycles"] < real["cycles"]);
  CHECK(read(folder / "bound/report.html").find("WHAT IF unlimited hbm,noc") != std::string::npos);
  check_refused(leto(folder, "run g.onnx --chip tiny --what-if sram --out o"), 2, "--what-if");
}

TEST_CASE("explain: diff says where the cycles went, in contributions that add up") {
  const Folder folder;
  make_gemm(folder);
  must(folder, "run g.onnx --chip tiny --out a");
  must(folder, "run g.onnx --chip tiny --set hbm.channels=1 --out b");
  const auto done = leto(folder, "diff a b --json");
  REQUIRE_MESSAGE(done.code == 0, done.err);
  const Json document = Json::parse(done.out);
  const Json a = Json::parse(read(folder / "a/record.json")), b = Json::parse(read(folder / "b/record.json"));
  CHECK(document["engines"].size() >= 5);
  for (const auto& engine : document["engines"]) {
    const std::string name = engine["engine"];
    std::int64_t sum = 0, previous = -1;
    for (const auto& one : engine["contributions"]) {
      const std::int64_t difference = one["difference"], size = std::abs(difference);
      CHECK((previous < 0 || size <= previous));
      previous = size;
      sum += difference;
    }
    const std::int64_t instances = a["stalls"][name]["instances"];
    CHECK(sum == instances * (b["cycles"].get<std::int64_t>() - a["cycles"].get<std::int64_t>()));
  }
  const auto text = leto(folder, "diff a b");
  CHECK(text.out.find("fabric_interface_load: +") != std::string::npos);
  CHECK(text.out.find("memory of c (matmul, forward)") != std::string::npos);
  CHECK(text.out.find("stalls.") == std::string::npos);
  const auto exact = leto(folder, "diff a b --exact");
  CHECK(exact.code == 8);
  CHECK(exact.out.find("stalls.matrix_engine.data: ") != std::string::npos);
  CHECK(exact.out.find("engine-cycles") == std::string::npos);
}

TEST_CASE("explain: a program that cannot end says who waits for whom, with exit code 7") {
  const Folder folder;
  write(folder / "stuck.lasm",
        ".name \"stuck\"\n.chip \"tiny\"\n.source \"fc\" kind=\"matmul\" phase=\"forward\" useful_macs=0 "
        "dtype=\"\"\n"
        ".core 0\nwhere rd=r1 which=index\nset rd=r2 value=3\nsub rd=r3 ra=r2 rb=r1\n"
        "wait semaphore=1 count=1\npost pe=r3 semaphore=1 count=1\nend\n");
  must(folder, "asm stuck.lasm -o stuck.prog");
  const auto done = leto(folder, "run stuck.prog --out o");
  CHECK(done.code == 7);
  CHECK(done.err.find("\n  cycle: pe 0 core 0 -> pe 3 core 0 -> pe 0 core 0\n") != std::string::npos);
  CHECK(done.err.find("`wait semaphore=1 count=1 @0` of fc (forward); pe 3 core 0 would end it") !=
        std::string::npos);
  CHECK(done.err.find("\nleto: remedy: ") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "o/record.json"));
}

TEST_CASE("explain: every counter of docs/counters.md and every exit code has its meaning") {
  const Folder folder;
  std::string script;
  std::size_t keys = 0;
  const std::string page = read(fs::path(LETO_SOURCE_DIR) / "docs/counters.md");
  for (std::size_t at = page.find("\n| `"); at != std::string::npos;
       at = page.find("\n| `", at + 1), ++keys) {
    const std::size_t begin = at + 4;
    script += "leto explain '" + page.substr(begin, page.find('`', begin) - begin) + "' && ";
  }
  CHECK(keys > 80);
  for (const char* error :
       {"usage", "bad_input", "unsupported", "does_not_fit", "illegal_program", "deadlock", "mismatch",
        "resource", "internal", "2", "3", "4", "5", "6", "7", "8", "9", "70"})
    script += std::string("leto explain ") + error + " && ";
  const auto done = shell(folder, script + "leto explain stalls.matrix_engine.data");
  CHECK_MESSAGE(done.code == 0, done.err);
  CHECK(done.out.find("waits for a tile that is not there yet") != std::string::npos);
}

}  // namespace
}  // namespace leto::e2e
