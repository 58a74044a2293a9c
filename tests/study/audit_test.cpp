// The audit bundle: what tar reads back is what went in, and the hashes are the files'.
#include "study/decide/audit.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

struct Folder {
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path = std::filesystem::temp_directory_path() / "leto_study_audit";
};

}  // namespace

TEST_CASE("tar reads an archive back") {
  const Folder folder;
  const std::vector<ArchivedFile> files = {{"a.txt", "hello"},
                                           {"folder/b.bin", std::string(512, 'x')},
                                           {"folder/c", ""},
                                           {"d", std::string(513, 'y')}};
  write_atomically(folder.path / "x.tar", to_tar(files));
  const std::string command = "tar -C " + folder.path.string() + " -xf " + (folder.path / "x.tar").string();
  REQUIRE(std::system(command.c_str()) == 0);
  for (const ArchivedFile& file : files) CHECK(read_text(folder.path / file.name) == file.content);
}

TEST_CASE("an archive refuses a name that does not fit") {
  CHECK_THROWS_AS(to_tar({{std::string(100, 'n'), ""}}), Error);
  CHECK_THROWS_AS(to_tar({{"", ""}}), Error);
}

TEST_CASE("the bundle has criteria and records and tables and pages with their hashes") {
  const std::string criteria = std::string(LETO_SOURCE_DIR) + "/study/examples/pilot/criteria.toml";
  const std::vector<Evidence> records = {{"sample", build_record(sample_run())}};
  const auto files = audit_files(criteria, records, {{"decision.json", "{}"}});
  const auto content = [&](const std::string& name) {
    for (const ArchivedFile& file : files)
      if (file.name == name) return file.content;
    return std::string("absent");
  };
  CHECK(content("criteria.toml") == read_text(criteria));
  CHECK(content("records/llama3-8b.json") == to_json(records[0].record));
  CHECK(content("tables/energy.toml").find("mac_16bit") != std::string::npos);
  CHECK(content("baselines/h100-sxm.toml").find("peak_bf16") != std::string::npos);
  CHECK(content("README.md").find(records[0].record.program_hash) != std::string::npos);
  for (const ArchivedFile& file : files)
    if (file.name != "hashes.txt")
      CHECK(content("hashes.txt").find(fmt::format("{:016x}  {}\n", fnv1a(file.content), file.name)) !=
            std::string::npos);
  CHECK(to_tar(files) == to_tar(audit_files(criteria, records, {{"decision.json", "{}"}})));
}
