#include "base/staging.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>

#include "base/errors.h"
#include "base/files.h"
#include "scratch_folder.h"

using namespace leto;
namespace fs = std::filesystem;

namespace {

void put(const Staging& staging, const std::string& name, std::string_view text) {
  make_folder((staging.path() / name).parent_path());
  write_atomically(staging.path() / name, text);
}

}  // namespace

TEST_CASE("staged files appear with the commit, in a folder that was not there") {
  const ScratchFolder scratch;
  {
    Staging staging(scratch / "a/b/");
    CHECK(scratch.entries() == 0);
    put(staging, "values/x", "1");
    put(staging, "record", "2");
    CHECK_FALSE(fs::exists(scratch / "a/b"));
    staging.commit();
  }
  CHECK(read_text(scratch / "a/b/values/x") == "1");
  CHECK(read_text(scratch / "a/b/record") == "2");
  CHECK(std::distance(fs::directory_iterator(scratch / "a"), {}) == 1);
}

TEST_CASE("staged files without a commit leave a folder as it was") {
  const ScratchFolder scratch;
  write_atomically(scratch / "record", "old");
  for (const auto& folder : {scratch.path(), scratch / "new"}) {
    const Staging staging(folder);
    put(staging, "record", "new");
  }
  CHECK(read_text(scratch / "record") == "old");
  CHECK(scratch.entries() == 1);
}

TEST_CASE("a commit replaces an earlier one whole and leaves other files alone") {
  const ScratchFolder scratch;
  constexpr std::string_view kOptional[] = {"loss", "values"};
  {
    Staging staging(scratch.path());
    for (const auto* name : {"loss", "values/x", "record"}) put(staging, name, "1");
    staging.commit(kOptional);
  }
  write_atomically(scratch / "notes", "mine");
  Staging staging(scratch.path());
  put(staging, "values/y", "2");
  put(staging, "record", "2");
  staging.commit(kOptional);
  CHECK(read_text(scratch / "record") == "2");
  CHECK(read_text(scratch / "notes") == "mine");
  CHECK(read_text(scratch / "values/y") == "2");
  CHECK_FALSE(fs::exists(scratch / "values/x"));
  CHECK_FALSE(fs::exists(scratch / "loss"));
}

TEST_CASE("a folder that cannot be is refused before anything is written") {
  const ScratchFolder scratch;
  write_atomically(scratch / "file", "");
  for (const auto& folder : {scratch / "file", scratch / "file/deeper", fs::path("/dev/null/folder")}) {
    CAPTURE(folder);
    try {
      const Staging staging(folder);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::resource);
    } catch (const fs::filesystem_error& error) {
      FAIL(error.what());
    }
  }
}

TEST_CASE("a commit joins a folder that has come into being meanwhile") {
  const ScratchFolder scratch;
  Staging staging(scratch / "out");
  make_folder(scratch / "out");
  write_atomically(scratch / "out/checkpoint", "old");
  put(staging, "record", "new");
  staging.commit();
  CHECK(read_text(scratch / "out/record") == "new");
  CHECK(read_text(scratch / "out/checkpoint") == "old");
}

TEST_CASE("what killed jobs had half written is cleared up and nothing else") {
  const ScratchFolder scratch;
  const std::string gone = "4194304",
                    living = std::to_string(getpid());  // the first: above the kernel's largest
  const std::vector<std::string> orphans = {".out." + gone + ".0.tmp", "out/.leto." + gone + ".3.tmp"};
  const std::vector<std::string> others = {".out." + living + ".0.tmp", ".else." + gone + ".0.tmp",
                                           ".out.x.tmp", "out/.leto." + living + ".0.tmp", "out/record"};
  for (const auto* names : {&orphans, &others})
    for (const auto& name : *names) {
      make_folder(scratch / name);
      write_atomically(scratch / name / "inside", "1");
    }
  Staging::clear_up(scratch / "out/");
  for (const auto& name : orphans) CHECK_FALSE(fs::exists(scratch / name));
  for (const auto& name : others) CHECK(fs::exists(scratch / name / "inside"));
  Staging::clear_up(scratch / "nothing there");
}
