// What the tree promises about itself: the README names every folder, the manual every verb, nothing names a
// machine.
#include <doctest/doctest.h>

#include <regex>

#include "tests/repo/source_tree.h"

namespace leto::repo {
namespace {

std::set<std::string> verbs() {
  static const std::regex kVerb(R"re(app\.add_subcommand\("(\w+)")re"), kLater(R"re(\n\s*\{"(\w+)",\s*")re");
  std::set<std::string> found;
  const auto collect = [&](const std::string& text, const std::regex& pattern) {
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
      found.insert((*it)[1]);
  };
  for (const auto& path : files("apps/verbs", {".cpp"})) collect(read(path), kVerb);
  collect(read(kRoot / "apps/verbs/later.cpp"), kLater);
  return found;
}

TEST_CASE("tree: the README names every folder") {
  const auto readme = read(kRoot / "README.md");
  for (const auto& entry : std::filesystem::directory_iterator(kRoot)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_directory() || name.starts_with('.') || name == "build" || name == "out") continue;
    CHECK_MESSAGE(readme.find("`" + name + "/`") != std::string::npos, name);
  }
}

TEST_CASE("tree: the manual names every verb") {
  const auto manual = read(kRoot / "README.md") + read(kRoot / "docs/walk.md");
  const auto all = verbs();
  CHECK(all.size() >= 15);
  for (const auto& verb : all) CHECK_MESSAGE(manual.find("leto " + verb) != std::string::npos, verb);
}

TEST_CASE("tree: nothing names a machine") {
  // Put together from pieces, so that this file passes its own check.
  const std::vector<std::string> machine = {std::string("/wo") + "rk/", std::string("/ho") + "me/",
                                            std::string("/ro") + "ot/", std::string("registry.np") + "mjs",
                                            std::string("pypi") + ".org"};
  int read_files = 0;
  for (const auto& path : files(".", {".h", ".cpp", ".inc", ".md", ".toml", ".sh", ".txt", ".cmake", ".json",
                                      ".sv", ".py", ".csv"})) {
    ++read_files;
    const auto text = read(path);
    for (const auto& word : machine)
      CHECK_MESSAGE(text.find(word) == std::string::npos, path.string(), " has ", word);
  }
  CHECK(read_files > 80);
}

TEST_CASE("tree: every data file's folder says where it came from") {
  const auto origin = read(kRoot / "traces/README.md");
  for (const auto& path : files("traces", {".gz", ".onnx", ".json", ".csv"}))
    CHECK_MESSAGE(origin.find(path.filename().string()) != std::string::npos, path.filename().string());
}

}  // namespace
}  // namespace leto::repo
